"""Samples come in: any order, any nonsense, before their line and before its customer."""

import random
from datetime import timedelta
from typing import Any

import pytest

from chassis.db import utc_now
from chassis.testing import calling, person
from services.metrics.models import Counters, Line, Refusal, Slot, WaitingCounters, WaitingLine
from services.metrics.rates import Sample
from tests.metrics.conftest import HOUR, OPERATOR, STEP, Metrics, iso, raw, steady, yesterday_ms

FULL_DAY = 288


async def test_samples_become_slots_hours_and_days(metrics: Metrics) -> None:
    await metrics.ready()

    assert await metrics.sampled(*steady("UL-1", yesterday_ms(), FULL_DAY + 1)) == "handled"

    slots, rollups = await metrics.stored("UL-1")
    assert len(slots) == FULL_DAY
    assert {row[1:] for row in slots} == {(300_000_000, 150_000_000, STEP)}
    assert [row[0] for row in rollups] == [3600] * 24 + [10_800] * 8 + [43_200] * 2 + [86_400]
    assert rollups[-1][2:] == (
        FULL_DAY * 300_000_000,
        FULL_DAY * 150_000_000,
        86_400_000,
        FULL_DAY,
        8_000_000,
        4_000_000,
    )


async def test_order_repeats_and_batches_do_not_matter(metrics: Metrics) -> None:
    await metrics.ready("A")
    await metrics.line("B")
    start = yesterday_ms() - 3 * HOUR
    times = [start + n * STEP + random.Random(n).randrange(-60_000, 60_000) for n in range(400)]
    octets = [n * 30_000_000 if n < 200 else (n - 200) * 31_000_000 for n in range(400)]
    gone = set(range(50, 80))
    numbers = [n for n in range(400) if n not in gone]

    def of(name: str, wanted: list[int]) -> list[Sample]:
        return [Sample(name, times[n], octets[n], 2 * octets[n], n == 300) for n in wanted]

    await metrics.take(of("A", numbers))
    shuffled = numbers + random.Random(1).sample(numbers, 100)
    random.Random(2).shuffle(shuffled)
    for first in range(0, len(shuffled), 37):
        await metrics.take(of("B", shuffled[first : first + 37]))

    assert await metrics.stored("A") == await metrics.stored("B")
    assert len((await metrics.stored("A"))[0]) > 300


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("in_octets", -1, "invalid_counter"),
        ("in_octets", 2**64, "invalid_counter"),
        ("out_octets", "12", "invalid_counter"),
        ("out_octets", 1.5, "invalid_counter"),
        ("out_octets", True, "invalid_counter"),
        ("out_octets", None, "invalid_counter"),
        ("in_octets", 10**4000, "invalid_counter"),
        ("at", "yesterday", "invalid_time"),
        ("at", "2026-10-01T12:00:00", "invalid_time"),
        ("at", 1_760_000_000, "invalid_time"),
        ("line_id", 7, "invalid_line_id"),
        ("line_id", "", "invalid_line_id"),
        ("line_id", "x" * 65, "invalid_line_id"),
        ("line_id", "a\x00b", "invalid_line_id"),
        ("line_id", "a\ud800", "invalid_line_id"),
        ("discontinuity", "no", "invalid_sample"),
        ("at", iso(0), "too_old"),
        ("at", "9999-12-31T23:59:59Z", "from_future"),
    ],
)
async def test_a_bad_sample_is_counted_and_the_rest_goes_in(
    metrics: Metrics, field: str, value: Any, reason: str
) -> None:
    await metrics.ready()
    good = [raw(sample) for sample in steady("UL-1", yesterday_ms(), 3)]
    bad = good[0] | {field: value}

    assert await metrics.sampled(good[0], bad, good[1], bad, good[2]) == "handled"

    (refusal,) = await metrics.rows(Refusal)
    assert (refusal.reason, refusal.samples) == (reason, 2)
    assert await metrics.count(Counters) == 3
    assert await metrics.count(Slot) == 2


async def test_what_is_no_object_is_refused_alone(metrics: Metrics) -> None:
    await metrics.ready()

    assert await metrics.sampled(None, "x", [1], *steady("UL-1", yesterday_ms(), 2)) == "handled"

    (refusal,) = await metrics.rows(Refusal)
    assert (refusal.reason, refusal.samples) == ("invalid_sample", 3)
    assert await metrics.count(Slot) == 1


async def test_five_minutes_ahead_are_tolerated_not_more(metrics: Metrics) -> None:
    await metrics.ready()
    now = utc_now()
    ahead = [int((now + timedelta(minutes=minutes)).timestamp() * 1000) for minutes in (4, 6)]

    taken = await metrics.take([Sample("UL-1", at, 1, 1) for at in ahead])

    assert (taken.accepted, taken.refused) == (1, {"from_future": 1})


async def test_a_hundred_thousand_samples_in_one_message(metrics: Metrics) -> None:
    await metrics.ready()
    start = yesterday_ms() - 347 * 86_400_000
    samples = [raw(sample) for sample in steady("UL-1", start, 100_000)]

    assert await metrics.sampled(*samples, {"line_id": "UL-1"}) == "buried"
    assert await metrics.sampled(*samples) == "handled"

    assert await metrics.count(Slot) == 99_999


async def test_samples_wait_for_their_line_and_lines_for_their_customer(metrics: Metrics) -> None:
    samples = steady("UL-1", yesterday_ms(), 13)
    await metrics.sampled(*samples)
    await metrics.sampled(*samples[:5])
    (waiting,) = await metrics.rows(WaitingLine)
    assert waiting.samples == 13

    await metrics.line("UL-1")
    assert await metrics.count(WaitingLine) + await metrics.count(WaitingCounters) == 0
    assert await metrics.count(Slot) == 12
    assert await metrics.emitted("metrics.line.changed.v1") == []

    customer_id = await metrics.customer()
    (told,) = await metrics.emitted("metrics.line.changed.v1")
    assert told["customer_id"] == str(customer_id)
    (line,) = (await metrics.get(customer_id, "/metrics/lines"))["items"]
    assert line["last_sample_at"] == iso(samples[-1].at_ms).replace("+00:00", "Z")


async def test_another_source_means_the_only_line_of_that_name(metrics: Metrics) -> None:
    await metrics.ready("UL-1")
    taken = await metrics.take(steady("UL-1", yesterday_ms(), 2), source="/network/prometheus")
    assert taken.accepted == 2

    await metrics.line("UL-1", source="/network/other")
    taken = await metrics.take(steady("UL-1", yesterday_ms(), 3), source="/network/prometheus")
    assert (taken.accepted, taken.parked) == (0, 3)


@pytest.mark.parametrize("metrics_settings", [{"most_waiting_lines": 2, "most_waiting_samples": 10}])
async def test_what_waits_has_bounds(metrics: Metrics) -> None:
    for name in ("X", "Y", "Z"):
        await metrics.take(steady(name, yesterday_ms(), 5))
    taken = await metrics.take(steady("X", yesterday_ms() + HOUR, 6))

    assert (taken.accepted, taken.parked, taken.refused) == (0, 0, {"too_many_waiting": 6})
    assert sorted(line.source_line_id for line in await metrics.rows(WaitingLine)) == ["X", "Y"]


async def test_an_older_state_of_a_line_changes_nothing(metrics: Metrics) -> None:
    await metrics.ready("UL-1", version=2, name="new")
    await metrics.line("UL-1", version=1, name="old")

    (line,) = await metrics.rows(Line)
    assert line.name == "new"


async def test_a_faster_line_makes_old_gaps_whole_a_slower_one_makes_none(metrics: Metrics) -> None:
    await metrics.ready("UL-1", capacity_bps=1_000_000)
    await metrics.take(steady("UL-1", yesterday_ms(), 13))
    assert await metrics.count(Slot) == 0

    await metrics.line("UL-1", version=2, capacity_bps=100_000_000)
    assert await metrics.count(Slot) == 12

    await metrics.line("UL-1", version=3, capacity_bps=1_000_000)
    await metrics.take(steady("UL-1", yesterday_ms(), 14))
    assert await metrics.count(Slot) == 13


async def test_the_operator_sees_and_settles_what_waits(metrics: Metrics) -> None:
    await metrics.take(steady("UL-1", yesterday_ms(), 13))
    await metrics.line("UL-2")
    await metrics.sampled({})

    async with calling(metrics.app, person(**OPERATOR, cust=None)) as client:
        pile = (await client.get("/metrics/operator/parked")).json()["items"]
        assert [(one["kind"], one["source_line_id"], one["reason"]) for one in pile] == [
            ("line", "UL-2", "unknown_customer"),
            ("samples", "UL-1", "unknown_line"),
        ]
        first = (await client.get("/metrics/operator/parked", params={"limit": 1})).json()
        second = await client.get("/metrics/operator/parked", params={"limit": 1, "cursor": first["next_cursor"]})
        assert [*first["items"], *second.json()["items"]] == pile
        for one in pile:
            refused = await client.post(f"/metrics/operator/parked/{one['id']}/retry")
            assert (refused.status_code, refused.json()["code"]) == (409, "still_unknown")
            assert (await client.post(f"/metrics/operator/parked/{one['id']}/drop")).status_code == 204
        assert (await client.get("/metrics/operator/parked")).json()["items"] == []
        (refusal,) = (await client.get("/metrics/operator/refused")).json()["items"]
        assert (refusal["reason"], refusal["samples"]) == ("invalid_time", 1)
        health = (await client.get("/metrics/operator/health")).json()
        assert (health["parked"], health["refused"], health["dead_letters"]) == (0, 1, 0)
        assert (await client.post(f"/metrics/operator/refused/{refusal['id']}/drop")).status_code == 204


async def test_a_line_that_is_invalid_is_a_dead_letter_the_operator_can_retry(metrics: Metrics) -> None:
    assert await metrics.line("UL-1", capacity_bps=0) == "buried"

    async with calling(metrics.app, person(**OPERATOR, cust=None)) as client:
        (letter,) = (await client.get("/metrics/operator/dead-letters")).json()["items"]
        assert letter["reason"] == "invalid_data"
        assert (await client.post(f"/metrics/operator/dead-letters/{letter['id']}/retry")).status_code == 202
        assert (await client.post(f"/metrics/operator/dead-letters/{letter['id']}/drop")).status_code == 409
