"""Warnings: once per month and line, at the right slot; own limits with their versions."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.metrics.periods import month_span, slots_in, zone
from services.metrics.rates import Sample
from services.metrics.watch import watch_some
from tests.metrics.conftest import DAY, STEP, Metrics, yesterday_ms

BERLIN = zone("Europe/Berlin")


def last_month() -> tuple[str, int, int]:
    """Its name, its start, and how many slots may exceed a commit."""
    month = f"{datetime.now(BERLIN).replace(day=1) - timedelta(days=1):%Y-%m}"
    span = month_span(month, BERLIN)
    return month, span[0] * 1000, slots_in(span) // 20


def ramp(line_id: str, start: int, rates: list[int]) -> list[Sample]:
    """A series with these averages, slot by slot."""
    octets, samples = 0, [Sample(line_id, start, 0, 0)]
    for n, rate in enumerate(rates, start=1):
        octets += rate * 300 // 8
        samples.append(Sample(line_id, start + n * STEP, octets, 0))
    return samples


async def watch(metrics: Metrics, now: datetime) -> None:
    while await watch_some(metrics.database, now):
        pass


async def test_nearing_and_exceeded_once_each(metrics: Metrics) -> None:
    customer_id, line_id = await metrics.ready(commit_bps=8_000_000)
    month, start, allowed = last_month()
    now = datetime.fromtimestamp(start / 1000, UTC) + timedelta(days=20)
    used = -(-allowed * 4 // 5)

    for slots, told in (
        (used - 1, (0, 0)),
        (used, (1, 0)),
        (allowed, (1, 0)),
        (allowed + 1, (1, 1)),
        (allowed + 9, (1, 1)),
    ):
        await metrics.take(ramp("UL-1", start, [16_000_000] * slots + [8_000] * 10))
        await watch(metrics, now)
        nearing = await metrics.emitted("metrics.commit.nearing.v1")
        exceeded = await metrics.emitted("metrics.commit.exceeded.v1")
        assert (len(nearing), len(exceeded)) == told, slots

    assert (nearing[0]["slots_over"], nearing[0]["slots_left"]) == (used, allowed - used)
    assert (exceeded[0]["slots_over"], exceeded[0]["slots_left"]) == (allowed + 1, 0)
    assert {event["customer_id"] for event in nearing + exceeded} == {str(customer_id)}
    assert {event["line_id"] for event in nearing + exceeded} == {str(line_id)}
    assert {event["month"] for event in nearing + exceeded} == {month}


async def test_a_group_is_judged_as_one(metrics: Metrics) -> None:
    await metrics.customer()
    for name in ("A", "B"):
        await metrics.line(name, group="pair", commit_bps=8_000_000)
    _, start, allowed = last_month()
    for name in ("A", "B"):
        # each alone stays below the commit, together they exceed it
        await metrics.take(ramp(name, start, [5_000_000] * (allowed + 1)))

    await watch(metrics, datetime.fromtimestamp(start / 1000, UTC) + timedelta(days=20))

    (event,) = await metrics.emitted("metrics.commit.exceeded.v1")
    assert (event["line_id"], event["name"], event["p95_bps"]) == (None, "pair", 10_000_000)


async def put(metrics: Metrics, customer: UUID, line: UUID, version: str | None, limits: list[Any]) -> Any:
    headers = {"If-Match": version} if version else {}
    async with metrics.as_user(customer) as client:
        return await client.put(f"/metrics/lines/{line}/thresholds", json={"thresholds": limits}, headers=headers)


async def test_own_limits_are_told_once_a_month(metrics: Metrics) -> None:
    customer, line = await metrics.ready()
    rate = {"kind": "rate", "direction": "in", "limit": 7_000_000, "minutes": 15}
    volume = {"kind": "volume", "direction": "sum", "limit": 900_000_000}
    answer = await put(metrics, customer, line, '"1"', [rate, volume])
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    start = yesterday_ms() - DAY
    now = datetime.fromtimestamp((start + 10 * STEP) / 1000, UTC)

    await metrics.take(ramp("UL-1", start, [8_000_000, 8_000_000, 1_000_000]))
    await watch(metrics, now)
    assert await metrics.emitted("metrics.threshold.exceeded.v1") == []

    for _ in range(2):
        await metrics.take(ramp("UL-1", start, [8_000_000, 8_000_000, 1_000_000, 8_000_000, 8_000_000, 9_000_000]))
        await watch(metrics, now)
    events = {event["kind"]: event for event in await metrics.emitted("metrics.threshold.exceeded.v1")}
    assert len(await metrics.emitted("metrics.threshold.exceeded.v1")) == 2
    assert (events["rate"]["measured"], events["rate"]["limit"]) == (9_000_000, 7_000_000)
    assert datetime.fromisoformat(events["rate"]["exceeded_at"]).timestamp() * 1000 == start + 5 * STEP
    assert events["volume"]["measured"] == (8 + 8 + 1 + 8) * 37_500_000


async def test_limits_have_versions(metrics: Metrics) -> None:
    customer, line = await metrics.ready()
    limit = {"kind": "rate", "direction": "any", "limit": 5, "minutes": 5}

    assert (await put(metrics, customer, line, None, [limit])).status_code == 428
    assert (await put(metrics, customer, line, '"7"', [limit])).status_code == 412
    first = await put(metrics, customer, line, '"1"', [limit])
    again = await put(metrics, customer, line, '"2"', [limit, limit | {"limit": 6}])

    assert again.json()["version"] == 3
    assert again.json()["thresholds"][0]["id"] == first.json()["thresholds"][0]["id"]
    shown = await metrics.get(customer, f"/metrics/lines/{line}/thresholds")
    assert shown == again.json()


async def test_nonsense_is_no_limit(metrics: Metrics) -> None:
    customer, line = await metrics.ready()
    good = {"kind": "rate", "direction": "any", "limit": 5, "minutes": 5}
    for bad in (
        {"limit": 0},
        {"limit": -1},
        {"limit": 2**63},
        {"limit": "5"},
        {"limit": 1.5},
        {"kind": "mood"},
        {"direction": "up"},
        {"minutes": 7},
        {"minutes": 0},
        {"minutes": 1445},
        {"more": 1},
    ):
        answer = await put(metrics, customer, line, '"1"', [good | bad])
        assert answer.status_code == 422, bad
    assert (await put(metrics, customer, line, '"1"', [good] * 21)).status_code == 422
