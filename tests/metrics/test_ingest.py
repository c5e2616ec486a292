"""The HTTP doors: remote-write and line protocol into samples; partly refused, repeated, split, packed, lying."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import func, select

from chassis.db import utc_now
from chassis.identity import Identity
from chassis.testing import calling, person
from events.base import Envelope, uuid7
from events.network import LineUpserted
from services.metrics.api.ingest import LARGEST_BODY_BYTES, LARGEST_TEXT_BYTES
from services.metrics.halves import KEPT_MS, forget, joined
from services.metrics.handlers import take_line
from services.metrics.main import create_with
from services.metrics.models import Counters, Refusal, WaitingLine
from services.metrics.series import Pair, SeriesRule
from services.metrics.settings import Settings
from services.metrics.store.samples import SIGN
from tests.conftest import NewDatabase
from tests.metrics.write_request import HEADERS, Series, message, packed, varint

MACHINE = Identity(sub="machine:prometheus", name="prometheus", scopes=("network:publish",), ip="192.0.2.9")
SOURCE = "/network/prometheus"
RULES = (SeriesRule(labels={"job": "snmp"}, line="{ifAlias}"),)
NOW = int(time.time()) * 1000
AT = NOW - 600_000
PROMETHEUS, INFLUX = "/metrics/ingest/prometheus", "/metrics/ingest/influx"


class Door:
    """The service with a line, and a machine that may feed it."""

    def __init__(self, app: FastAPI, client: AsyncClient) -> None:
        self.app, self.client = app, client

    async def line(self, line_id: str = "UL-1") -> None:
        event = LineUpserted(
            line_id=line_id, customer_number="KD-1", name="Uplink", site="Berlin", capacity_bps=10**9, version=1
        )
        envelope = Envelope(str(uuid7()), "/network/inventory", event.subject, "", utc_now(), None, {})
        event._envelope = envelope
        async with self.app.state.database.transaction() as session:
            await take_line(event, session)

    async def write(self, *series: Series, **headers: str) -> Response:
        return await self.raw(packed(message(*series)), **headers)

    async def raw(self, body: bytes, **headers: str) -> Response:
        return await self.client.post(PROMETHEUS, content=body, headers=HEADERS | headers)

    async def lines(self, text: str | bytes, **options: Any) -> Response:
        usual = {"params": {"precision": "ms"}, "headers": {"Content-Type": "text/plain"}}
        return await self.client.post(INFLUX, content=text, **usual | options)

    async def kept(self) -> list[tuple[int, int, int]]:
        async with self.app.state.database.reading() as session:
            rows = await session.execute(
                select(Counters.at_ms, Counters.in_octets, Counters.out_octets).order_by("at_ms")
            )
            return [(at, into + SIGN, out + SIGN) for at, into, out in rows]

    async def refused(self) -> dict[str, int]:
        async with self.app.state.database.reading() as session:
            rows = await session.execute(select(Refusal.reason, Refusal.samples).where(Refusal.source == SOURCE))
            return {row.reason: row.samples for row in rows}

    async def waiting(self) -> int:
        async with self.app.state.database.reading() as session:
            return await session.scalar(select(func.coalesce(func.sum(WaitingLine.samples), 0))) or 0


@pytest.fixture
async def door(new_database: NewDatabase) -> AsyncIterator[Door]:
    app = create_with(Settings(database_url=await new_database("metrics"), series=RULES))
    async with calling(app, MACHINE) as client:
        made = Door(app, client)
        await made.line()
        yield made
    await app.state.database.close()


def port(counter: str, *samples: tuple[int, float], alias: str = "UL-1", **labels: str) -> Series:
    return {"__name__": counter, "job": "snmp", "ifAlias": alias} | labels, samples


def both(at: int = AT, into: float = 1000.0, out: float = 500.0, alias: str = "UL-1") -> tuple[Series, Series]:
    """As the operator's port counts: what it sends comes in to the customer."""
    return port("ifHCOutOctets", (at, into), alias=alias), port("ifHCInOctets", (at, out), alias=alias)


async def test_both_counters_become_one_sample(door: Door) -> None:
    answer = await door.write(*both())

    assert (answer.status_code, answer.content) == (204, b"")
    assert await door.kept() == [(AT, 1000, 500)]


async def test_counters_that_come_apart_meet(door: Door) -> None:
    into, out = both()

    assert (await door.write(into)).status_code == 204
    assert await door.kept() == []
    assert (await door.write(out)).status_code == 204
    assert await door.kept() == [(AT, 1000, 500)]
    assert await door.refused() == {}


async def test_counters_that_come_apart_at_once_meet_too(door: Door) -> None:
    moments = [AT + 1000 * number for number in range(20)]
    halves = [half for at in moments for half in both(at)]

    answers = await asyncio.gather(*(door.write(half) for half in halves))

    assert {answer.status_code for answer in answers} == {204}
    assert [at for at, _, _ in await door.kept()] == moments


async def test_the_same_request_again_changes_nothing(door: Door) -> None:
    into, out = both()
    for series in ((into,), (out,), (into,), (out,), (into, out)):
        assert (await door.write(*series)).status_code == 204

    assert await door.kept() == [(AT, 1000, 500)]
    assert await door.refused() == {}


async def test_a_counter_that_stays_alone_is_told_after_an_hour(door: Door) -> None:
    lonely, met = Pair("UL-1", AT, 7, None), Pair("UL-1", AT + 1, None, 8)
    async with door.app.state.database.transaction() as session:
        assert await joined(session, [lonely, met], source=SOURCE, now_ms=NOW) == []
        whole = await joined(session, [Pair("UL-1", AT + 1, 2**64 - 1, None)], source=SOURCE, now_ms=NOW)
        assert whole == [Pair("UL-1", AT + 1, 2**64 - 1, 8)]
        assert await joined(session, [Pair("UL-1", AT, None, 9)], source="/network/other", now_ms=NOW) == []

        assert await forget(session, source=SOURCE, now_ms=NOW + KEPT_MS) == 0
        assert await forget(session, source=SOURCE, now_ms=NOW + KEPT_MS + 1) == 1
        assert await forget(session, source=SOURCE, now_ms=NOW + KEPT_MS + 1) == 0


async def test_what_is_refused_is_told_and_the_rest_goes_in(door: Door) -> None:
    answer = await door.write(*both(), port("ifHCInOctets", (AT + 1, -5.0), (AT + 2, 0.5)), *both(NOW + 3_600_000))

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "partly_refused")
    assert {error["pointer"]: error["detail"] for error in problem["errors"]} == {
        "/from_future": "1 value",
        "/negative_counter": "1 value",
        "/not_a_counter": "1 value",
    }
    assert problem["detail"].startswith("1 samples taken, 0 wait for their line")
    assert await door.kept() == [(AT, 1000, 500)]
    assert await door.refused() == {"from_future": 1, "negative_counter": 1, "not_a_counter": 1}


async def test_what_was_refused_counts_once_however_often_it_is_sent(door: Door) -> None:
    bad = port("ifHCInOctets", (AT, -5.0))

    first, second = await door.write(bad), await door.write(bad)

    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert second.headers["content-type"].startswith("application/problem+json")
    assert await door.refused() == {"negative_counter": 1}


async def test_samples_of_unknown_lines_wait(door: Door) -> None:
    answer = await door.write(*both(alias="UL-new"))

    assert answer.status_code == 204
    assert (await door.kept(), await door.waiting()) == ([], 1)
    await door.line("UL-new")
    assert (await door.kept(), await door.waiting()) == ([(AT, 1000, 500)], 0)


async def test_series_that_nobody_asked_for_are_no_error(door: Door) -> None:
    answer = await door.write(({"__name__": "up", "job": "snmp", "ifAlias": "UL-1"}, [(AT, 1.0)]))

    assert (answer.status_code, await door.kept(), await door.refused()) == (204, [], {})


async def test_an_empty_request_is_fine(door: Door) -> None:
    assert (await door.write()).status_code == 204


async def test_version_2_is_answered_415(door: Door) -> None:
    version_2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"

    answer = await door.write(*both(), **{"Content-Type": version_2})

    assert (answer.status_code, answer.json()["code"]) == (415, "not_remote_write1")
    assert await door.kept() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"no snappy", 400),
        (varint(10) + packed(b"four")[1:], 400),
        (varint(2**31) + b"\x00a", 413),
        (packed(b"\x0a\x05ab"), 400),
        (b"x" * (LARGEST_BODY_BYTES + 1), 413),
    ],
    ids=["empty", "not_snappy", "lies", "too_long_unpacked", "not_protobuf", "too_long"],
)
async def test_bodies_that_lie_are_refused_for_good(door: Door, body: bytes, status: int) -> None:
    answer = await door.raw(body)

    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status


async def test_line_protocol(door: Door) -> None:
    answer = await door.lines(f"traffic,line_id=UL-1 in_octets=1000u,out_octets=500u {AT}\n")

    assert (answer.status_code, answer.content) == (204, b"")
    assert await door.kept() == [(AT, 1000, 500)]


async def test_line_protocol_packed_and_by_the_table(door: Door) -> None:
    text = f"interface,job=snmp,ifAlias=UL-1 ifHCInOctets=500i,ifHCOutOctets=1000i {AT * 1_000_000}"
    headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Encoding": "gzip"}

    answer = await door.lines(gzip.compress(text.encode()), params={}, headers=headers)

    assert answer.status_code == 204, answer.text
    assert await door.kept() == [(AT, 1000, 500)]


async def test_lines_that_cannot_be_read_are_told_and_the_rest_goes_in(door: Door) -> None:
    answer = await door.lines(f"traffic,line_id=UL-1 in_octets=1u,out_octets=2u {AT}\nnonsense\n")

    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        [{"pointer": "/unreadable_line", "detail": "1 value"}],
    )
    assert await door.kept() == [(AT, 1, 2)]
    assert await door.refused() == {"unreadable_line": 1}


@pytest.mark.parametrize(
    ("body", "options", "status"),
    [
        (b"\xff", {}, 400),
        (b"x y=1", {"params": {"precision": "day"}}, 400),
        (b"x y=1", {"headers": {"Content-Encoding": "gzip"}}, 400),
        (b"x y=1", {"headers": {"Content-Encoding": "br"}}, 415),
        (gzip.compress(b"x y=1")[:-3], {"headers": {"Content-Encoding": "gzip"}}, 400),
        (gzip.compress(b"x y=1") + b"more", {"headers": {"Content-Encoding": "gzip"}}, 400),
        (gzip.compress(b"#" * (LARGEST_TEXT_BYTES + 1)), {"headers": {"Content-Encoding": "gzip"}}, 413),
        (b"#" * (LARGEST_BODY_BYTES + 1), {}, 413),
    ],
    ids=["not_utf8", "precision", "not_gzip", "brotli", "cut", "more_behind", "too_long_unpacked", "too_long"],
)
async def test_texts_that_lie_are_refused_for_good(
    door: Door, body: bytes, options: dict[str, Any], status: int
) -> None:
    answer = await door.lines(body, **options)

    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("path", [PROMETHEUS, INFLUX])
@pytest.mark.parametrize(
    ("who", "status"),
    [
        (Identity(sub="machine:billing", name="billing", scopes=("billing:publish",)), 403),
        (Identity(sub="anonymous", name=""), 401),
        (person(), 403),
        (person(role="operator", staff_role="administrator"), 403),
    ],
    ids=["other_scope", "nobody", "customer", "operator"],
)
async def test_only_a_machine_with_the_scope_may(door: Door, who: Identity, status: int, path: str) -> None:
    async with calling(door.app, who) as client:
        answer = await client.post(path, content=packed(message(*both())), headers=HEADERS)

    assert answer.status_code == status
    assert await door.kept() == []


async def test_ten_thousand_samples_in_one_request(door: Door) -> None:
    moments = [AT - 300_000 * number for number in range(5_000)]
    into = port("ifHCOutOctets", *((at, float(at)) for at in moments))
    out = port("ifHCInOctets", *((at, float(at)) for at in moments))

    answer = await door.write(into, out)

    assert answer.status_code == 204
    assert len(await door.kept()) == 5_000


async def test_the_machines_name_is_the_source(door: Door) -> None:
    other = Identity(sub=f"machine:{uuid4().hex}", name="other", scopes=("network:publish",))
    async with calling(door.app, other) as client:
        await client.post(INFLUX, content=b"nonsense", headers={"Content-Type": "text/plain"})

    async with door.app.state.database.reading() as session:
        sources = (await session.scalars(select(Refusal.source))).all()
    assert sources == [f"/network/{other.sub.removeprefix('machine:')}"]
