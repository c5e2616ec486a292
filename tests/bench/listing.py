"""Listing: what a page of documents costs in the service, with a thousand, a hundred thousand, a million of them."""

import asyncio
import contextlib
import json
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from chassis.identity import HEADER, sign
from chassis.testing import KEY, free_port, fresh_database, keys, person
from tests.bench.archive import fill, number_of
from tests.bench.processes import broker, running
from tests.bench.report import Line, Rounds, Section, say

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS = 5
REQUESTS = 60
GOAL_MS = 10.0
FLAT = 2.0

HOW = f"""One process of `documents` (`portalctl serve documents`) on SQLite; three customers in one database, with
1,000, 100,000 and 1,000,000 documents over ten years, each with a file and its search words. Signed identities as the
gateway makes them; times as a client on loopback sees them over one kept connection, so the service's own time is less.
Pages of 50. Deep: a page by cursor, eight years back in the archive. {ROUNDS} rounds of {REQUESTS} requests for each
figure, alternating; given are the rounds' medians. Anchors: an answer of the same process that does nothing
(`/healthz`), and the rows of the first page (51 documents and their files) read by Python's `sqlite3` alone.
Flat means: a million costs at most twice what a thousand costs."""


@dataclass(frozen=True)
class Reader:
    """Somebody of the customer with so many documents."""

    count: int
    customer_id: UUID
    ask: Callable[[str], tuple[float, Any]]
    """Path to milliseconds and body."""

    def timed(self, path: str) -> Callable[[], float]:
        """Asks once; milliseconds."""
        return lambda: self.ask(path)[0]


def bench() -> Section:
    """Filling takes longer than measuring."""
    with tempfile.TemporaryDirectory(prefix="bench-listing-") as name:
        folder = Path(name)
        customers = {count: uuid4() for count in SIZES}
        url = asyncio.run(fresh_database("documents", None, folder))
        for count, customer_id in customers.items():
            say(f"  writing {count:,} documents ...")
            asyncio.run(fill(url, customer_id, count))
        with _service(folder, url) as port:
            readers = [_reader(port, count, customer_id) for count, customer_id in customers.items()]
            found = _measured(readers)
            nothing = Rounds([_median(readers[0].timed("/healthz")) for _ in range(ROUNDS)])
        alone = {count: _sql_alone(url, customer_id) for count, customer_id in customers.items()}
    return Section("listing", "Listing", HOW, _lines(found, nothing, alone))


@contextlib.contextmanager
def _service(folder: Path, database_url: str) -> Iterator[int]:
    port = free_port()
    with broker() as nats, identity_keys() as keys_url:
        environment = {
            "PORTAL_HOME": str(folder),
            "DOCUMENTS_PORT": str(port),
            "DOCUMENTS_DATABASE_URL": database_url,
            "DOCUMENTS_STORAGE_URL": f"file:{folder / 'objects'}",
            "DOCUMENTS_IDENTITY_KEYS_URL": keys_url,
            "DOCUMENTS_NATS_URL": nats.url,
        }
        command = [sys.executable, "-m", "portalctl.main", "serve", "documents"]
        with running(command, log=folder / "documents.log", environment=environment, port=port):
            yield port


@contextlib.contextmanager
def identity_keys() -> Iterator[str]:
    """The inner port of a gateway, as far as a service needs it."""
    body = json.dumps(keys()).encode()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/identity-keys"
    finally:
        server.shutdown()
        server.server_close()


def _reader(port: int, count: int, customer_id: UUID) -> Reader:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    admin = person(cust=str(customer_id))

    tokens: dict[int, str] = {}

    def ask(path: str) -> tuple[float, Any]:
        half_minute = int(time.monotonic() / 30)
        token = tokens.get(half_minute) or tokens.setdefault(half_minute, sign(admin, audience="documents", key=KEY))
        start = time.perf_counter()
        connection.request("GET", path, headers={HEADER: token})
        answer = connection.getresponse()
        body = answer.read()
        taken = (time.perf_counter() - start) * 1000
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:500]!r}")
        return taken, json.loads(body)

    return Reader(count, customer_id, ask)


def _paths(reader: Reader) -> dict[str, str]:
    """What is asked, and that it finds what it should."""
    number = number_of(reader.count // 3)
    month = {"year": 2017, "month": 3}
    _, edge = reader.ask(f"/documents?{urlencode(month | {'limit': 2})}")
    paths = {
        "first page": "/documents",
        "one month": f"/documents?{urlencode(month)}",
        "deep page": f"/documents?{urlencode({'cursor': edge['next_cursor']})}",
        "search by number": f"/documents?{urlencode({'q': number})}",
        "search that all fit": f"/documents?{urlencode({'q': 're-2026'})}",
        "folder tree": "/documents/folders",
    }
    pages = {name: reader.ask(path)[1] for name, path in paths.items()}
    assert len(pages["first page"]["items"]) == len(pages["search that all fit"]["items"]) == 50
    assert {item["issued_on"][:7] for item in pages["one month"]["items"]} == {"2017-03"}
    assert all(item["issued_on"] <= "2017-03-31" for item in pages["deep page"]["items"])
    assert [item["number"] for item in pages["search by number"]["items"]] == [number]
    assert sum(year["count"] for year in pages["folder tree"]) == reader.count
    return paths


def _measured(readers: list[Reader]) -> dict[str, dict[int, Rounds]]:
    """By figure and size."""
    paths = {reader.count: _paths(reader) for reader in readers}
    found: dict[str, dict[int, list[float]]] = {}
    for number in range(ROUNDS):
        for name in paths[readers[0].count]:
            for reader in readers:
                median = _median(reader.timed(paths[reader.count][name]))
                found.setdefault(name, {}).setdefault(reader.count, []).append(median)
        words = ", ".join(f"{name} {by_size[SIZES[-1]][-1]:.1f} ms" for name, by_size in found.items())
        say(f"  round {number + 1} of {ROUNDS}, a million: {words}")
    return {name: {size: Rounds(values) for size, values in by_size.items()} for name, by_size in found.items()}


def _median(once: Callable[[], float]) -> float:
    return statistics.median(once() for _ in range(REQUESTS))


def _sql_alone(url: str, customer_id: UUID) -> Rounds:
    """The first page's rows and nothing else."""
    documents = "SELECT * FROM documents WHERE customer_id = ? ORDER BY issued_on DESC, id DESC LIMIT 51"
    with contextlib.closing(sqlite3.connect(url.split("///", 1)[1])) as connection:

        def once() -> float:
            start = time.perf_counter()
            rows = connection.execute(documents, (customer_id.hex,)).fetchall()
            ids = [row[0] for row in rows]
            files = f"SELECT * FROM files WHERE document_id IN ({','.join('?' * len(ids))})"
            assert len(connection.execute(files, ids).fetchall()) == len(rows) == 51
            return (time.perf_counter() - start) * 1000

        return Rounds([_median(once) for _ in range(ROUNDS)])


def _lines(found: dict[str, dict[int, Rounds]], nothing: Rounds, alone: dict[int, Rounds]) -> list[Line]:
    lines = []
    for name, by_size in found.items():
        for size, rounds in by_size.items():
            anchor = f"nothing: {nothing.text('ms', 1)}"
            if name == "first page":
                anchor += f"; SQL alone: {alone[size].text('ms', 1)}"
            under = rounds.median < GOAL_MS
            lines.append(Line(f"{name} of {size:,}", rounds.text("ms", 1), anchor, f"< {GOAL_MS:.0f} ms", under))
        # A month of a thousand documents is less than a page; the next size fills one.
        least, said = (SIZES[1], "a hundred thousand") if name == "one month" else (SIZES[0], "a thousand")
        growth = by_size[SIZES[-1]].over(by_size[least])
        lines.append(Line(f"... a million over {said}", growth.text("", 2), "1", "flat", growth.median <= FLAT))
    return lines
