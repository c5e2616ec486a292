"""Metrics: what counters cost on the way in and on the disk, and what a year's graph costs on the way out."""

import asyncio
import contextlib
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import func, select

from chassis.bus import Bus, Delivery, connected_bus
from chassis.collecting import keep_what_is_loaded
from chassis.consumer import Consumer
from chassis.db import Database
from chassis.identity import HEADER, sign
from chassis.inbox import InboxRow
from chassis.testing import KEY, eventually, free_port, fresh_database, person, postgres_server
from events.base import STRUCTURED
from events.network import LineUpserted, TrafficSampled
from events.users import CustomerChanged
from services.metrics.handlers import handlers
from tests.bench.listing import identity_keys
from tests.bench.processes import broker, program, running
from tests.bench.report import Line, Rounds, Section, say

ROUNDS = 5
REQUESTS = 40
STEP = 300
YEAR_DAYS = 396
MONTH_DAYS = 62
FEW, MANY = 5, 500
PER_EVENT = 5_000
INGEST_EVENTS = 12
POINTS = 1_000
RANGES = {"24 hours": (1, POINTS), "30 days": (30, POINTS), "a year": (365, POINTS), "a finer year": (365, 2 * POINTS)}
"""Days, and points asked for."""
GOAL_MS = 7.0
GOALS_PER_SECOND = {"SQLite": 30_000, "PostgreSQL": 50_000}
FLAT = 1.5
CAPACITY = 10**9
CUSTOMER = "KD-10001"

HOW = f"""Graphs: one process of `metrics` on SQLite, once with {FEW} and once with {MANY}
lines; one line with {YEAR_DAYS} days of 5-minute samples, the others with {MONTH_DAYS} (the database with {MANY} lines
is filled by copying rows). Times as a client on loopback sees them over one kept connection, {ROUNDS} rounds of
{REQUESTS} requests, alternating; given are the rounds' medians. Asked for {POINTS:,} points: a year then has 730 steps
of 12 hours; a finer one (twice as many) 1,460 of 6 hours. Anchor: `rrdtool xport` as a process, on a file that was
fed the same counters and keeps 5-minute averages for 400 days, 2-hour and daily averages and maxima, asked for the same
year at {POINTS:,} points (it makes 876 steps of 10 hours); the means of both agree within 0.1 % before anything is
timed. Ingest: {INGEST_EVENTS} events of {PER_EVENT:,} samples (100 lines, {PER_EVENT // 100} moments) wait in a
nats-server; the clock runs from the start of the service's consumer to the last one committed (fetched, read,
checked, stored, rolled up).
Anchor: the same counters alone, already parsed, into a bare table of the same kind of database in transactions of the
same size. SQLite waits for the disk at each commit
(`synchronous=FULL`); the PostgreSQL of the tests does not (`fsync=off`), for both alike. Bytes: everything the database
keeps for a sample (counters, slots, rollups, indexes). Flat means: {MANY} lines cost at most {FLAT} times what {FEW}
cost."""


@dataclass(frozen=True)
class Filled:
    """A database with so many lines, and the line that has a year."""

    lines: int
    url: str
    ids: Sequence[UUID]
    end: datetime


def bench() -> Section:
    """Filling takes longer than measuring."""
    customer_id = uuid4()
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with tempfile.TemporaryDirectory(prefix="bench-metrics-") as name:
        folder = Path(name)
        say(f"  writing {YEAR_DAYS} days of one line ...")
        year = _counters(end)
        few = asyncio.run(_filled(folder, customer_id, year, end, FEW))
        many = asyncio.run(_filled(folder, customer_id, year, end, MANY))
        rrd = _rrd(folder, year)
        lines = _graphs(folder, customer_id, (few, many), rrd)
        lines += _bytes_on_disk(few)
        keep_what_is_loaded()  # as each service does
        with postgres_server() as base, broker() as nats:
            lines += asyncio.run(_ingest(folder, base, nats.url))
    return Section("metrics", "Graphs", HOW, lines)


def _counters(end: datetime) -> list[tuple[int, int, int]]:
    """Seconds, octets in and out, of a line that is used."""
    dice = random.Random(4711)
    into = out = 10**12
    found = []
    last = int(end.timestamp())
    for at in range(last - YEAR_DAYS * 86_400, last + 1, STEP):
        busy = 0.2 + 0.8 * abs((at % 86_400) / 43_200 - 1)
        into += int(dice.uniform(0.5, 1.0) * busy * 4e8 * STEP / 8)
        out += int(dice.uniform(0.2, 0.6) * busy * 4e8 * STEP / 8)
        found.append((at, into, out))
    return found


# --- filling ---------------------------------------------------------------------------------------------------------


class _Feed:
    """The service's consumer, to fill a database without a broker."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self._consumer = self.consumer(Bus("metrics", "nats://127.0.0.1:1"))
        self._sequence = 0

    def consumer(self, bus: Bus) -> Consumer:
        return Consumer(handlers, self.database, bus, retry_delays_seconds=(0,))

    async def handled(self) -> int:
        """How many events."""
        async with self.database.reading() as session:
            return await session.scalar(select(func.count()).select_from(InboxRow)) or 0

    async def hand_over(self, subject: str, payload: bytes) -> None:
        self._sequence += 1
        headers = {"Content-Type": STRUCTURED}
        delivery = Delivery(subject, headers, payload, "NETWORK", self._sequence, None)  # type: ignore[arg-type]
        outcome = await self._consumer.settle(delivery)
        assert outcome == "handled", outcome

    async def tell(self, subject: str, data: dict[str, Any]) -> None:
        await self.hand_over(subject, _envelope(subject, data))

    async def customer_and_lines(self, customer_id: UUID, names: Sequence[str]) -> None:
        customer = {"number": CUSTOMER, "name": "Beispiel", "end_user": True, "colocation": True, "language": "de"}
        more = {"customer_id": str(customer_id), "version": 1, "email_domains": [], "active": True}
        await self.tell(CustomerChanged.subject, customer | more | {"time_zone": "Europe/Berlin"})
        for name in names:
            line = {"line_id": name, "customer_number": CUSTOMER, "name": name, "site": "RZ Berlin", "version": 1}
            await self.tell(LineUpserted.subject, line | {"capacity_bps": CAPACITY, "commit_bps": CAPACITY // 2})


def _envelope(subject: str, data: dict[str, Any]) -> bytes:
    head = {"specversion": "1.0", "id": str(uuid4()), "source": "/network/bench", "type": subject}
    return json.dumps(head | {"data": data}).encode()


def _sampled(name: str, counters: Sequence[tuple[int, int, int]]) -> bytes:
    samples = [_sample(name, *counter) for counter in counters]
    return _envelope(TrafficSampled.subject, {"samples": samples})


def _sample(name: str, at: int, into: int, out: int) -> dict[str, Any]:
    time = datetime.fromtimestamp(at, UTC).isoformat()
    return {"line_id": name, "at": time, "in_octets": into, "out_octets": out}


async def _filled(
    folder: Path, customer_id: UUID, year: Sequence[tuple[int, int, int]], end: datetime, count: int
) -> Filled:
    """The first line through the consumer, the others as copies of its last days."""
    url = await fresh_database("metrics", None, folder)
    feed = _Feed(url)
    names = [f"UL-{number:04d}" for number in range(count)]
    await feed.customer_and_lines(customer_id, names)
    for start in range(0, len(year), PER_EVENT):
        await feed.hand_over(TrafficSampled.subject, _sampled(names[0], year[start : start + PER_EVENT]))
    await feed.database.close()
    say(f"  copying it for {count} lines ...")
    with contextlib.closing(sqlite3.connect(_file(url))) as connection:
        ids = [UUID(row[0]) for row in connection.execute("SELECT id FROM lines ORDER BY number")]
        since = int((end - timedelta(days=YEAR_DAYS if count == FEW else MONTH_DAYS)).timestamp())
        _copy(connection, count, since)
    return Filled(count, url, ids, end)


def _copy(connection: sqlite3.Connection, count: int, since: int) -> None:
    first = connection.execute("SELECT min(number) FROM lines").fetchone()[0]
    for table, column, per in (("counters", "at_ms", 1 / 1000), ("slots", "slot", STEP), ("rollups", None, 0)):
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        rest = ", ".join(name for name in columns if name != "line_number")
        where = f"{column} >= {int(since / per)}" if column else f"position >= {since} / seconds"
        for number in range(first + 1, first + count):
            connection.execute(
                f"INSERT INTO {table} (line_number, {rest})"
                f" SELECT {number}, {rest} FROM {table} WHERE line_number = {first} AND {where}"
            )
    connection.execute("UPDATE lines SET last_sample_ms = (SELECT max(last_sample_ms) FROM lines), due = 0")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _file(url: str) -> str:
    return url.split("///", 1)[1]


# --- graphs ----------------------------------------------------------------------------------------------------------


def _rrd(folder: Path, year: Sequence[tuple[int, int, int]]) -> Path | None:
    """A round-robin file with the same counters."""
    tool = program("rrdtool")
    if tool is None:
        say("  rrdtool is not here: no anchor")
        return None
    file = folder / "year.rrd"
    sources = [f"DS:{name}:COUNTER:{2 * STEP}:0:{CAPACITY}" for name in ("in", "out")]
    rows = YEAR_DAYS * 86_400 // STEP
    archives = [f"RRA:AVERAGE:0.5:1:{rows + 1200}"]
    archives += [f"RRA:{kind}:0.5:{steps}:{rows // steps + 50}" for kind in ("AVERAGE", "MAX") for steps in (24, 288)]
    start = str(year[0][0] - STEP)
    subprocess.run([tool, "create", file, "--start", start, "--step", str(STEP), *sources, *archives], check=True)
    updates = [
        f"update {file} " + " ".join(f"{at}:{into}:{out}" for at, into, out in year[number : number + 500])
        for number in range(0, len(year), 500)
    ]
    done = subprocess.run([tool, "-"], input="\n".join(updates) + "\n", text=True, capture_output=True, check=True)
    assert "ERROR" not in done.stdout, done.stdout[:500]
    return file


def _xport(file: Path, start: int, end: int) -> str:
    tool = program("rrdtool")
    assert tool is not None
    step = (end - start) // POINTS
    command = [tool, "xport", "--start", str(start), "--end", str(end), "--step", str(step), "--maxrows", str(POINTS)]
    for name in ("in", "out"):
        for kind in ("AVERAGE", "MAX"):
            variable = f"{name}{kind[0]}"
            command += [f"DEF:{variable}={file}:{name}:{kind}", f"XPORT:{variable}:{variable}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class _Reader:
    """A customer's browser at the service, without the gateway."""

    def __init__(self, port: int, customer_id: UUID) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._identity = person(cust=str(customer_id))
        self._tokens: dict[int, str] = {}

    def ask(self, path: str) -> tuple[float, Any]:
        """Milliseconds, and what was answered."""
        half_minute = int(time.monotonic() / 30)
        if half_minute not in self._tokens:
            self._tokens[half_minute] = sign(self._identity, audience="metrics", key=KEY)
        start = time.perf_counter()
        self._connection.request("GET", path, headers={HEADER: self._tokens[half_minute]})
        answer = self._connection.getresponse()
        body = answer.read()
        taken = (time.perf_counter() - start) * 1000
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:500]!r}")
        return taken, json.loads(body)

    def median(self, path: str) -> float:
        return statistics.median(self.ask(path)[0] for _ in range(REQUESTS))


@contextlib.contextmanager
def _service(folder: Path, database_url: str) -> Iterator[int]:
    port = free_port()
    with broker() as nats, identity_keys() as keys_url:
        environment = {
            "PORTAL_HOME": str(folder),
            "METRICS_PORT": str(port),
            "METRICS_DATABASE_URL": database_url,
            "METRICS_IDENTITY_KEYS_URL": keys_url,
            "METRICS_NATS_URL": nats.url,
        }
        command = [sys.executable, "-m", "services.metrics.main"]
        with running(command, log=folder / "metrics.log", environment=environment, port=port):
            yield port


def _range(filled: Filled, days: int, points: int = POINTS) -> str:
    start = filled.end - timedelta(days=days)
    asked = {"from": start.isoformat(), "to": filled.end.isoformat(), "points": points}
    return f"/metrics/lines/{filled.ids[0]}/bandwidth?{urlencode(asked)}"


def _last_month(filled: Filled) -> str:
    return f"{filled.end.replace(day=1) - timedelta(days=1):%Y-%m}"


def _graphs(folder: Path, customer_id: UUID, both: Sequence[Filled], rrd: Path | None) -> list[Line]:
    end = both[0].end
    found: dict[tuple[str, int], list[float]] = {}
    nothing: list[float] = []
    process: list[float] = []
    all_percentiles: list[float] = []
    start = int((end - timedelta(days=365)).timestamp())
    with contextlib.ExitStack() as stack:
        readers = {
            filled.lines: _Reader(stack.enter_context(_service(folder, filled.url)), customer_id) for filled in both
        }
        if rrd:
            _require_agreement(readers[FEW].ask(_range(both[0], 365))[1], rrd, start, int(end.timestamp()))
        for number in range(ROUNDS):
            for filled in both:
                reader = readers[filled.lines]
                for name, asked in RANGES.items():
                    found.setdefault((name, filled.lines), []).append(reader.median(_range(filled, *asked)))
                month = f"/metrics/lines/{filled.ids[0]}/percentile?month={_last_month(filled)}"
                found.setdefault(("a month's percentile", filled.lines), []).append(reader.median(month))
            nothing.append(readers[FEW].median("/healthz"))
            if rrd:
                process.append(_median_of(lambda: _xport(rrd, start, int(end.timestamp())), times=15))
            all_percentiles.append(_all_percentiles(readers[MANY], both[-1]))
            say(f"  round {number + 1} of {ROUNDS}: a year {found['a year', FEW][-1]:.1f} ms")
    return _graph_lines(found, nothing, process, all_percentiles)


def _median_of(once: Callable[[], object], *, times: int) -> float:
    def timed() -> float:
        start = time.perf_counter()
        once()
        return (time.perf_counter() - start) * 1000

    return statistics.median(timed() for _ in range(times))


def _all_percentiles(reader: _Reader, filled: Filled) -> float:
    """Milliseconds for all lines, one request each."""
    month = _last_month(filled)
    answers = [reader.ask(f"/metrics/lines/{line}/percentile?month={month}") for line in filled.ids]
    assert all(body["value"] is not None for _, body in answers)
    return sum(taken for taken, _ in answers)


def _require_agreement(answer: Any, rrd: Path, start: int, end: int) -> None:
    """Both draw the same picture: the means over the year differ by less than 0.1 %."""
    known = [value for value in answer["series"]["in_avg"] if value is not None]
    ours = statistics.fmean(known)
    rows = [line.split("</v>")[0] for line in _xport(rrd, start, end).split("<v>")[1::4]]
    theirs = statistics.fmean(8 * float(value) for value in rows if "nan" not in value.lower())
    assert len(known) <= POINTS, len(known)
    assert abs(ours / theirs - 1) < 0.001, (ours, theirs)


def _graph_lines(
    found: dict[tuple[str, int], list[float]], nothing: list[float], process: list[float], percentiles: list[float]
) -> list[Line]:
    idle = Rounds(nothing).text("ms", 1)
    lines = []
    for name in dict.fromkeys(name for name, _ in found):
        few, many = Rounds(found[name, FEW]), Rounds(found[name, MANY])
        anchor, goal, met = f"an answer that does nothing: {idle}", "", None
        if name == "a year":
            anchor += f"; rrdtool xport: {Rounds(process).text('ms', 1)}" if process else ""
            faster = not process or few.median < Rounds(process).median
            goal, met = f"< {GOAL_MS:.0f} ms and faster than rrdtool", few.median < GOAL_MS and faster
        lines.append(Line(f"{name} of one line, {FEW} lines in the database", few.text("ms", 1), anchor, goal, met))
        lines.append(Line(f"... {MANY} lines in the database", many.text("ms", 1)))
        growth = many.over(few)
        lines.append(Line(f"... {MANY} over {FEW}", growth.text("", 2), "1", "flat", growth.median <= FLAT))
    each = Rounds([value / MANY for value in percentiles])
    whole = Rounds([value / 1000 for value in percentiles])
    return [*lines, Line(f"a month's percentile of all {MANY} lines", whole.text("s", 2), f"each {each.text('ms', 1)}")]


# --- on the disk, and on the way in ----------------------------------------------------------------------------------


def _bytes_on_disk(filled: Filled) -> list[Line]:
    with contextlib.closing(sqlite3.connect(_file(filled.url))) as connection:
        (samples,) = connection.execute("SELECT count(*) FROM counters").fetchone()
        pages = (
            connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name") if _has_dbstat(connection) else ()
        )
        tables = {name: size for name, size in pages if name in ("counters", "slots", "rollups")}
        size = Path(_file(filled.url)).stat().st_size
    parts = ", ".join(f"{name} {size_of / samples:.0f}" for name, size_of in tables.items())
    rrd = "rrdtool: 16 for each 5-minute average of two counters, made in advance"
    return [
        Line("on disk in SQLite, per sample", f"{size / samples:.0f} bytes" + (f" ({parts})" if parts else ""), rrd)
    ]


def _has_dbstat(connection: sqlite3.Connection) -> bool:
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("SELECT 1 FROM dbstat LIMIT 1").fetchone()
        return True
    return False


async def _ingest(folder: Path, base: str, nats_url: str) -> list[Line]:
    names = [f"UL-{number:04d}" for number in range(100)]
    payloads, rows = _traffic(names)
    lines = []
    for database, base_url in (("SQLite", None), ("PostgreSQL", base)):
        url = await fresh_database("metrics", base_url, folder)
        feed = _Feed(url)
        await feed.customer_and_lines(uuid4(), names)
        speeds, bare = [], []
        for number in range(ROUNDS):
            part = slice(number * INGEST_EVENTS, (number + 1) * INGEST_EVENTS)
            speeds.append(await _speed(feed, nats_url, payloads[part]))
            bare.append(await _bare_speed(base_url, folder, rows[part]))
            say(f"  {database}, round {number + 1} of {ROUNDS}: {speeds[-1]:,.0f} samples/s")
        if base_url:
            per_sample = await _postgres_bytes(url) / (len(payloads) * PER_EVENT)
            lines.append(Line("on disk in PostgreSQL, per sample", f"{per_sample:.0f} bytes"))
        await feed.database.close()
        goal, found = GOALS_PER_SECOND[database], Rounds(speeds)
        anchor = f"bare table: {Rounds(bare).text('samples/s')}"
        lines.append(
            Line(f"ingest into {database}", found.text("samples/s"), anchor, f">= {goal:,}", found.median >= goal)
        )
    return lines


def _traffic(names: Sequence[str]) -> tuple[list[bytes], list[list[tuple[int, ...]]]]:
    """Events, and the same samples as bare rows."""
    moments = PER_EVENT // len(names)
    count = INGEST_EVENTS * ROUNDS
    end = int(time.time()) // STEP * STEP
    payloads, rows = [], []
    for number in range(count):
        first = end - (count - number) * moments * STEP
        times = [first + step * STEP for step in range(moments)]
        counters = [(name, at, at * 1000, at * 700) for at in times for name in names]
        rows.append([(place % len(names), at * 1000, 0, i, o) for place, (_, at, i, o) in enumerate(counters)])
        payloads.append(_envelope(TrafficSampled.subject, {"samples": [_sample(*counter) for counter in counters]}))
    return payloads, rows


async def _speed(feed: _Feed, nats_url: str, payloads: Sequence[bytes]) -> float:
    """Of the consumer as it runs in the service, over a connection of its own: nothing is left from another round."""
    bus = await connected_bus("metrics", nats_url)
    for payload in payloads:
        await bus.publish(TrafficSampled.subject, payload, {"Content-Type": STRUCTURED})
    wanted = await feed.handled() + len(payloads)
    start = time.perf_counter()
    consuming = asyncio.create_task(feed.consumer(bus).run(["NETWORK"]))

    async def all_handled() -> bool:
        return await feed.handled() >= wanted

    async def all_acknowledged() -> bool:
        return not (await bus._stream_api().consumer_info("NETWORK", "metrics")).num_ack_pending

    await eventually(all_handled, seconds=120, every=0.01)
    taken = time.perf_counter() - start
    await eventually(all_acknowledged)
    consuming.cancel()
    await asyncio.gather(consuming, return_exceptions=True)
    await bus.close()
    return len(payloads) * PER_EVENT / taken


async def _bare_speed(base_url: str | None, folder: Path, events: Sequence[Sequence[tuple[int, ...]]]) -> float:
    """One row per sample, a key as ours, nothing else."""
    table = "CREATE TABLE bare (line int, at_ms bigint, d int, i bigint, o bigint, PRIMARY KEY (line, at_ms))"
    if base_url is None:
        with contextlib.closing(sqlite3.connect(folder / f"{uuid4().hex}.db")) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"{table} WITHOUT ROWID")
            start = time.perf_counter()
            for rows in events:
                connection.executemany("INSERT INTO bare VALUES (?, ?, ?, ?, ?)", rows)
                connection.commit()
            return len(events) * PER_EVENT / (time.perf_counter() - start)
    postgres = await asyncpg.connect(base_url.replace("+asyncpg", "") + "/postgres")
    try:
        await postgres.execute("DROP TABLE IF EXISTS bare")
        await postgres.execute(table)
        start = time.perf_counter()
        for rows in events:
            await postgres.copy_records_to_table("bare", records=rows)
        return len(events) * PER_EVENT / (time.perf_counter() - start)
    finally:
        await postgres.close()


async def _postgres_bytes(url: str) -> int:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        kept = "relname ~ '^(counters|slots)_' OR relname = 'rollups'"
        sizes = f"SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND ({kept})"
        return int(await connection.fetchval(sizes))
    finally:
        await connection.close()
