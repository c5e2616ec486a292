"""The real chain on loopback: snmpd -> snmp_exporter -> Prometheus -> our door, into samples of a line."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import func, select

from chassis.testing import calling, eventually, fresh_database
from services.metrics.main import create_with
from services.metrics.models import Counters, Refusal
from services.metrics.series import SeriesRule
from services.metrics.settings import Settings
from tests.metrics.snmp_chain import Target, missing, running_chain
from tests.metrics.test_ingest import MACHINE, PROMETHEUS, Door

TOKEN = "kp_of_the_collector"
LOOPBACK = Path("/sys/class/net/lo/statistics")
RULE = SeriesRule(labels={"job": "snmp", "instance": "r1.nordwelle.example", "ifName": "lo"}, line="LO")
Post = Callable[[bytes, dict[str, str]], Response]

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.skipif(not LOOPBACK.exists(), reason="no counters of the loopback interface here"),
]


@contextmanager
def gateway(post: Post) -> Iterator[str]:
    """Stands where the gateway stands: takes the token, forwards body and headers; yields its address."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                self.send_error(401)
                return
            wanted = ("content-type", "content-encoding")
            answer = post(body, {name: value for name, value in self.headers.items() if name.lower() in wanted})
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{PROMETHEUS}"
    finally:
        server.shutdown()
        server.server_close()


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[Door]:
    app = create_with(Settings(database_url=await fresh_database("metrics", None, folder), series=(RULE,)))
    async with calling(app, MACHINE) as client:
        door = Door(app, client)
        await door.line("LO")
        yield door
    await app.state.database.close()


def octets(direction: str) -> int:
    """What the kernel has counted on the loopback interface, without SNMP."""
    return int((LOOPBACK / f"{direction}_bytes").read_text())


async def test_a_routers_counters_become_samples(tmp_path: Path) -> None:
    before = octets("tx"), octets("rx")
    async with service(tmp_path) as door:
        loop = asyncio.get_running_loop()

        def post(body: bytes, headers: dict[str, str]) -> Response:
            sending = door.client.post(PROMETHEUS, content=body, headers=headers)
            return asyncio.run_coroutine_threadsafe(sending, loop).result(20)

        async def three_samples() -> bool:
            async with door.app.state.database.reading() as session:
                return (await session.scalar(select(func.count()).select_from(Counters)) or 0) >= 3

        with gateway(post) as url:
            chain = running_chain(tmp_path, Target(url, TOKEN))
            await asyncio.to_thread(chain.__enter__)
            try:
                await eventually(three_samples, seconds=60, every=0.2)
            finally:
                await asyncio.to_thread(chain.__exit__, None, None, None)
        after = octets("tx"), octets("rx")
        kept = await door.kept()
        async with door.app.state.database.reading() as session:
            refusals = (await session.execute(select(Refusal.reason, Refusal.example))).all()

    assert refusals == []
    assert [at for at, _, _ in kept] == sorted({at for at, _, _ in kept})
    for way in (0, 1):
        counters = [before[way], *(sample[way + 1] for sample in kept), after[way]]
        assert counters == sorted(counters)
