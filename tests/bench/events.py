"""Events: how long until a published invoice is in its customer's list, and how many are filed in a second."""

import asyncio
import base64
import hashlib
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp

from chassis.bus import Bus, connected_bus
from chassis.testing import eventually, free_port
from events.base import STRUCTURED, encode, uuid7
from events.billing import FeedFile, InvoicePublished
from portalctl.home import Home
from portalctl.permissions import NATS_USERS
from portalctl.supervisor import broker
from tests.bench.processes import running
from tests.bench.report import Line, Rounds, Section, say
from tests.portal import NewCustomer, Portal, running_portal
from tests.world import a_pdf

ROUNDS = 3
RATE = 100
SECONDS = 10
WAITING = 1000
IN_FLIGHT = 64
PDF_BYTES = 20_000
SOURCE = "/billing/bench"

HOW = f"""The whole portal as `make run` starts it, on SQLite, with an empty database. Published to visible: {RATE}
invoices a second, each with a PDF of {PDF_BYTES // 1000} kB, for {SECONDS} s; from the call that publishes to the
moment the document is in an answer of `GET /api/v1/documents` that the customer's admin gets through the gateway (asked
again 10 ms after each answer, so the figure holds that wait and the answer's own time). Anchor: the same bytes at the
same rate through a bare JetStream stream of a nats-server with the same settings (`sync_interval: always`), from the
call to the delivery to a pull consumer in Python. Filing: {WAITING} such invoices wait in the stream while the process
of `documents` is halted; the clock runs from its release to the last one filed. Anchor: the same bytes published to
the bare stream and acknowledged, one by one and {IN_FLIGHT} in flight. {ROUNDS} rounds, alternating."""


@dataclass(frozen=True)
class Message:
    """An invoice event as a billing system would send it."""

    number: str
    payload: bytes
    headers: dict[str, str]


def invoices(customer_number: str, count: int, *, first_day: date) -> list[Message]:
    """Each a day younger than the one before, so that the newest is always first in the list."""
    return [_invoice(customer_number, first_day + timedelta(days=day)) for day in range(count)]


def _invoice(customer_number: str, day: date) -> Message:
    number = f"RE-{uuid7().hex}"
    pdf = a_pdf(number)
    pdf += b"\n%" + os.urandom((PDF_BYTES - len(pdf)) // 2).hex().encode()
    file = FeedFile(
        name=f"{number}.pdf",
        media_type="application/pdf",
        sha256=hashlib.sha256(pdf).hexdigest(),
        content=base64.b64encode(pdf).decode(),
    )
    event = InvoicePublished(
        customer_number=customer_number,
        invoice_number=number,
        issued_on=day,
        currency="EUR",
        net=Decimal("1062.71"),
        tax=Decimal("201.91"),
        gross=Decimal("1264.62"),
        notify=False,
        files=(file,),
    )
    event_id = str(uuid7())
    payload = encode(event, source=SOURCE, event_id=event_id, time=datetime.now(UTC), traceparent=None)
    return Message(number, payload, {"Content-Type": STRUCTURED, "Nats-Msg-Id": f"{SOURCE}/{event_id}"})


def bench() -> Section:
    """All of it, some three minutes."""
    with tempfile.TemporaryDirectory(prefix="bench-events-") as name:
        folder = Path(name)
        say("  starting the portal; its first customer's admin signs in ...")
        unlimited = {"GATEWAY_REQUESTS_PER_WINDOW": "1000000000"}
        with (
            _bare_broker(folder / "bare") as bare,
            running_portal(folder / "home", **unlimited) as portal,
        ):
            customer = portal.customer()
            lines = asyncio.run(_latencies(portal, customer, bare))
            lines += asyncio.run(_throughput(portal, customer, bare))
    return Section("events", "Events", HOW, lines)


@contextmanager
def _bare_broker(folder: Path) -> Iterator[str]:
    """A nats-server with the portal's own settings and no portal; its URL, with user and password."""
    folder.mkdir(parents=True)
    port = free_port()
    config = broker.configure(Home(folder), port, dict.fromkeys(NATS_USERS, "bench"))
    # Without users: whoever connects may do everything.
    head = config.read_text("utf-8").partition("\nauthorization")[0]
    config.write_text(f"{head}\n", "utf-8")
    with running([broker.program(), "-c", str(config)], log=folder / "log", port=port):
        yield f"nats://127.0.0.1:{port}"


async def _bare(url: str) -> Bus:
    bus = await connected_bus("documents", url)
    await bus.apply()
    return bus


async def _feed(portal: Portal) -> Bus:
    feed = portal.run["feeds"]["billing"]
    return await connected_bus("billing", portal.run["nats_url"], user=feed["user"], password=feed["password"])


def _reader(customer: NewCustomer) -> aiohttp.ClientSession:
    """The admin's session in a client that costs the machine less than a browser's."""
    cookie = "; ".join(f"{name}={value}" for name, value in customer.admin.client.cookies.items())
    return aiohttp.ClientSession(base_url=customer.portal.url, headers={"Cookie": cookie})


Publish = Callable[[Message], Coroutine[Any, Any, None]]


async def _paced(messages: list[Message], publish: Publish) -> dict[str, float]:
    """Send at set times, whether acknowledgements have come or not; when each call began."""
    began: dict[str, float] = {}
    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, message in enumerate(messages):
            await asyncio.sleep(max(start + number / RATE - time.perf_counter(), 0))
            began[message.number] = time.perf_counter()
            group.create_task(publish(message))
    return began


async def _latencies(portal: Portal, customer: NewCustomer, bare_url: str) -> list[Line]:
    feed, bare = await _feed(portal), await _bare(bare_url)
    ours: list[list[float]] = []
    theirs: list[list[float]] = []
    async with _reader(customer) as reader:
        await _visible(feed, reader, invoices(customer.number, RATE, first_day=date(1990, 1, 1)))
        for number in range(ROUNDS):
            messages = invoices(customer.number, RATE * SECONDS, first_day=date(2000 + 4 * number, 1, 1))
            theirs.append(await _delivered(bare, messages))
            ours.append(await _visible(feed, reader, messages))
            say(
                f"  round {number + 1} of {ROUNDS} at {RATE}/s: visible after {statistics.median(ours[-1]):.0f} ms, "
                f"99th percentile {_p99(ours[-1]):.0f} ms"
            )
    await feed.close()
    await bare.close()
    median, p99 = Rounds([statistics.median(found) for found in ours]), Rounds([_p99(found) for found in ours])
    bare_median = Rounds([statistics.median(found) for found in theirs])
    bare_p99 = Rounds([_p99(found) for found in theirs])
    what = f"published to visible at {RATE}/s"
    return [
        Line(f"{what}, median", median.text("ms"), f"bare JetStream: {bare_median.text('ms', 1)}"),
        Line(
            f"{what}, 99th percentile",
            p99.text("ms"),
            f"bare JetStream: {bare_p99.text('ms', 1)}",
            "< 500 ms",
            p99.median < 500,
        ),
    ]


async def _visible(feed: Bus, reader: aiohttp.ClientSession, messages: list[Message]) -> list[float]:
    """Milliseconds from publishing to being in the list, of each."""
    seen: dict[str, float] = {}
    missing = {message.number for message in messages}

    async def watch() -> None:
        cursor = None
        while missing:
            async with reader.get("/api/v1/documents", params={"cursor": cursor} if cursor else None) as answer:
                answer.raise_for_status()
                page = await answer.json()
            now = time.perf_counter()
            numbers = {item["number"] for item in page["items"]}
            # nothing but new ones on this page: there may be more on the next
            cursor = page["next_cursor"] if numbers and numbers <= missing else None
            seen.update(dict.fromkeys(numbers & missing, now))
            missing.difference_update(numbers)
            await asyncio.sleep(0 if cursor else 0.05)

    async with asyncio.timeout(120):
        watching = asyncio.create_task(watch())
        began = await _paced(messages, lambda message: _publish(feed, message))
        await watching
    return [(seen[number] - at) * 1000 for number, at in began.items()]


async def _delivered(bare: Bus, messages: list[Message]) -> list[float]:
    """Milliseconds from publishing to being delivered, of each."""
    got: dict[str, float] = {}
    wanted = {message.headers["Nats-Msg-Id"]: message.number for message in messages}

    async def consume() -> None:
        async for batch in bare.deliveries("BILLING"):
            now = time.perf_counter()
            for delivery in batch:
                if number := wanted.get(delivery.headers["Nats-Msg-Id"]):
                    got[number] = now
                await delivery.ack()
            if len(got) == len(wanted):
                return

    async with asyncio.timeout(120):
        consuming = asyncio.create_task(consume())
        began = await _paced(messages, lambda message: _publish(bare, message))
        await consuming
    return [(got[number] - at) * 1000 for number, at in began.items()]


async def _publish(bus: Bus, message: Message) -> None:
    await bus.publish(InvoicePublished.subject, message.payload, message.headers)


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


async def _throughput(portal: Portal, customer: NewCustomer, bare_url: str) -> list[Line]:
    feed, bare = await _feed(portal), await _bare(bare_url)
    filed, single, flight = [], [], []
    async with _reader(customer) as reader:
        for number in range(ROUNDS):
            messages = invoices(customer.number, WAITING, first_day=date(1900 + 4 * number, 1, 1))
            single.append(await _rate(bare, messages[: WAITING // 2], in_flight=1))
            flight.append(await _rate(bare, messages[WAITING // 2 :], in_flight=IN_FLIGHT))
            filed.append(await _filing_rate(portal, feed, reader, messages))
            say(
                f"  round {number + 1} of {ROUNDS}: filed {filed[-1]:,.0f}/s; bare one by one {single[-1]:,.0f}/s, "
                f"{IN_FLIGHT} in flight {flight[-1]:,.0f}/s"
            )
    await feed.close()
    await bare.close()
    ours, one, many = Rounds(filed), Rounds(single), Rounds(flight)
    what = f"invoices of {PDF_BYTES // 1000} kB filed in a second"
    return [
        Line(what, ours.text("/s"), f"bare publish and acknowledge, one by one: {one.text('/s')}"),
        Line("... as a share of it", ours.over(one).text("", 2), "= 1"),
        Line(what, ours.text("/s"), f"bare, {IN_FLIGHT} in flight: {many.text('/s')}"),
        Line("... as a share of it", ours.over(many).text("", 2), "= 1"),
    ]


async def _rate(bus: Bus, messages: list[Message], *, in_flight: int) -> float:
    """Published and acknowledged in a second."""
    waiting = iter(messages)

    async def one_after_the_other() -> None:
        for message in waiting:
            await _publish(bus, message)

    start = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))
    return len(messages) / (time.perf_counter() - start)


async def _filing_rate(portal: Portal, feed: Bus, reader: aiohttp.ClientSession, messages: list[Message]) -> float:
    """All wait in the stream; then the service is let go."""
    wanted = await _filed(reader) + len(messages)
    pid = portal.pids["documents"]
    os.kill(pid, signal.SIGSTOP)
    try:
        await _rate(feed, messages, in_flight=IN_FLIGHT)
    finally:
        os.kill(pid, signal.SIGCONT)
    start = time.perf_counter()

    async def all_filed() -> bool:
        return await _filed(reader) >= wanted

    await eventually(all_filed, seconds=300, every=0.05)
    return len(messages) / (time.perf_counter() - start)


async def _filed(reader: aiohttp.ClientSession) -> int:
    async with reader.get("/api/v1/documents/folders") as answer:
        answer.raise_for_status()
        return sum(year["count"] for year in await answer.json())
