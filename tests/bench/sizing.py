"""Sizing: invoices filed in a second by 1, 2 and 4 processes of `documents`, and what one invoice costs everywhere."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import asyncpg

from chassis.bus import Bus, connected_bus
from chassis.testing import NatsServer, eventually, free_port, fresh_database, postgres_server
from events.base import STRUCTURED, encode, uuid7
from events.billing import InvoicePublished
from events.users import CustomerChanged
from tests.bench.events import PDF_BYTES, Message, invoices
from tests.bench.listing import identity_keys
from tests.bench.processes import broker, cpu_seconds, parent, running
from tests.bench.report import Line, Rounds, Section, say
from tests.portal import Portal, running_portal

CONSUMERS = (1, 2, 4)
ROUNDS = 3
WAITING = 600
WHOLE = 1_000
CUSTOMER = "KD-MASS"

HOW = f"""Filing: {WAITING} invoices, each with a PDF of {PDF_BYTES // 1000} kB, wait in the stream while 1, 2 or 4
processes of `documents` on one PostgreSQL are halted; the clock runs from release to the last one filed. {ROUNDS}
rounds, alternating. PostgreSQL (`fsync=off`), broker and bench want their share of the same few cores: more processes
than cores cannot be faster; that they are not slower, and nothing is doubled, is what is looked at. Anchor: the same
bytes in bare transactions of one row each on the same PostgreSQL, from one connection. Processor time: of all threads,
divided by the invoices. The whole portal: {WHOLE} invoices through `make run` as it is (SQLite), until no process works
any more. Storage: what its folder has grown by."""


@dataclass(frozen=True)
class Filing:
    """What one round found."""

    per_second: float
    service_ms: float
    postgres_ms: float


def bench() -> Section:
    """Some four minutes."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-sizing-") as name,
        postgres_server() as base,
        broker() as nats,
        identity_keys() as keys_url,
    ):
        lines = asyncio.run(_by_consumers(Path(name), base, nats, keys_url))
    return Section("sizing", "Sizing", HOW, [*lines, *_whole()])


async def _by_consumers(folder: Path, base: str, nats: NatsServer, keys_url: str) -> list[Line]:
    url = await fresh_database("documents", base, folder)
    bus = await connected_bus("documents", nats.url)
    database = await asyncpg.connect(url.replace("+asyncpg", ""), server_settings={"portal.tenant": "system"})
    found: dict[int, list[Filing]] = {count: [] for count in CONSUMERS}
    bare: list[float] = []
    for number in range(ROUNDS):
        for count in CONSUMERS:
            with _documents(count, folder, url, keys_url, nats) as pids:
                await _introduce(bus, database)
                wanted = invoices(CUSTOMER, WAITING, first_day=date(1960 + 3 * number + 12 * count, 1, 1))
                found[count].append(await _filing(bus, database, pids, wanted))
            say(f"  round {number + 1} of {ROUNDS}, {count}: {found[count][-1].per_second:,.0f}/s")
        bare.append(await _bare(base))
    await _nothing_doubled(database)
    await database.close()
    await bus.close()
    return _lines(found, Rounds(bare))


def _lines(found: dict[int, list[Filing]], bare: Rounds) -> list[Line]:
    anchor = f"bare transactions of one row: {bare.text('/s')}"
    one = Rounds([filing.per_second for filing in found[1]])
    lines = []
    for count, filings in found.items():
        rate = Rounds([filing.per_second for filing in filings])
        name = "1 process" if count == 1 else f"{count} processes"
        lines.append(Line(f"invoices filed in a second by {name}", rate.text("/s"), anchor if count == 1 else ""))
        if count > 1:
            lines.append(Line("... over one", rate.over(one).text("", 2), "1"))
        service = Rounds([filing.service_ms for filing in filings])
        postgres = Rounds([filing.postgres_ms for filing in filings])
        lines.append(
            Line("... processor time of one invoice", f"{service.text('ms', 1)}; PostgreSQL {postgres.text('ms', 1)}")
        )
    return lines


@contextlib.contextmanager
def _documents(count: int, folder: Path, url: str, keys_url: str, nats: NatsServer) -> Iterator[list[int]]:
    """So many processes of the service, alike."""
    command = [sys.executable, "-m", "portalctl.main", "serve", "documents"]
    with contextlib.ExitStack() as stack:
        pids = []
        for _ in range(count):
            port = free_port()
            environment = {
                "PORTAL_HOME": str(folder),
                "DOCUMENTS_PORT": str(port),
                "DOCUMENTS_DATABASE_URL": url,
                "DOCUMENTS_STORAGE_URL": f"file:{folder / 'objects'}",
                "DOCUMENTS_IDENTITY_KEYS_URL": keys_url,
                "DOCUMENTS_NATS_URL": nats.url,
            }
            log = folder / f"documents-{port}.log"
            pids.append(stack.enter_context(running(command, log=log, environment=environment, port=port)).pid)
        yield pids


async def _introduce(bus: Bus, database: asyncpg.Connection) -> None:
    """The customer, as `users` would tell of it; once is enough."""
    event = CustomerChanged(
        customer_id=uuid4(),
        number=CUSTOMER,
        name="Massenpost AG",
        language="de",
        time_zone="Europe/Berlin",
        email_domains=(),
        colocation=False,
        end_user=True,
        active=True,
        version=1,
    )
    if await database.fetchval("SELECT count(*) FROM customers WHERE number = $1", CUSTOMER):
        return
    event_id = str(uuid7())
    payload = encode(event, source="/kundenportal/users", event_id=event_id, time=datetime.now(UTC), traceparent=None)
    await bus.publish(CustomerChanged.subject, payload, {"Content-Type": STRUCTURED, "Nats-Msg-Id": event_id})

    async def known() -> bool:
        return bool(await database.fetchval("SELECT count(*) FROM customers WHERE number = $1", CUSTOMER))

    await eventually(known, seconds=30)


async def _filing(bus: Bus, database: asyncpg.Connection, pids: list[int], messages: list[Message]) -> Filing:
    """All wait in the stream; then the processes are let go."""
    wanted = await _filed(database) + len(messages)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.gather(*(bus.publish(InvoicePublished.subject, one.payload, one.headers) for one in messages))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    server = await _postmaster(database)
    before, before_server = sum(map(cpu_seconds, pids)), cpu_seconds(server)
    start = perf_counter()

    async def all_filed() -> bool:
        return await _filed(database) >= wanted

    await eventually(all_filed, seconds=300, every=0.05)
    seconds = perf_counter() - start
    service, postgres = sum(map(cpu_seconds, pids)) - before, cpu_seconds(server) - before_server
    count = len(messages)
    return Filing(count / seconds, service * 1000 / count, postgres * 1000 / count)


async def _filed(database: asyncpg.Connection) -> int:
    return int(await database.fetchval("SELECT count(*) FROM documents"))


async def _nothing_doubled(database: asyncpg.Connection) -> None:
    total, numbers = await database.fetchrow("SELECT count(*), count(DISTINCT number) FROM documents")
    assert total == numbers == ROUNDS * len(CONSUMERS) * WAITING, (total, numbers)


async def _postmaster(database: asyncpg.Connection) -> int:
    return parent(await database.fetchval("SELECT pg_backend_pid()"))


async def _bare(base: str) -> float:
    """Rows in a second, each in a transaction of its own."""
    owner = await asyncpg.connect(base.replace("+asyncpg", "") + "/postgres")
    await owner.execute("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, content bytea NOT NULL)")
    content = os.urandom(PDF_BYTES)
    start = perf_counter()
    for _ in range(WAITING):
        await owner.execute("INSERT INTO bare (content) VALUES ($1)", content)
    taken = perf_counter() - start
    await owner.close()
    return WAITING / taken


def _whole() -> list[Line]:
    """What an invoice costs every process of the portal, and what it leaves on disk."""
    with tempfile.TemporaryDirectory(prefix="bench-sizing-") as name:
        say("  starting the portal ...")
        with running_portal(Path(name) / "home") as portal:
            customer = portal.customer()
            messages = invoices(customer.number, WHOLE, first_day=date(1990, 1, 1))
            before = {process: cpu_seconds(pid) for process, pid in portal.pids.items()}
            size = _size(portal.home)
            asyncio.run(_through(portal, messages))
            after = {process: cpu_seconds(pid) for process, pid in portal.pids.items()}
            grown = _size(portal.home) - size
    costs = {process: (after[process] - before[process]) * 1000 / WHOLE for process in after}
    return [
        Line("one invoice through the whole portal, processor time", f"{sum(costs.values()):.1f} ms"),
        *(Line(f"... {process}", f"{cost:.1f} ms") for process, cost in sorted(costs.items(), key=lambda one: -one[1])),
        Line("one invoice on disk: databases, objects, broker", f"{grown / WHOLE / 1000:.0f} kB", "its PDF: 20 kB"),
    ]


async def _through(portal: Portal, messages: list[Message]) -> None:
    feed = portal.run["feeds"]["billing"]
    bus = await connected_bus("billing", portal.run["nats_url"], user=feed["user"], password=feed["password"])
    for message in messages:
        await bus.publish(InvoicePublished.subject, message.payload, message.headers)
    await bus.close()
    pids = portal.pids.values()
    quiet, used = 0, sum(map(cpu_seconds, pids))
    # All have heard of all when nobody works any more.
    while quiet < 3:
        await asyncio.sleep(1)
        now = sum(map(cpu_seconds, pids))
        quiet, used = (quiet + 1 if now - used < 0.25 else 0), now


def _size(folder: Path) -> float:
    return float(sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file()))
