"""What the graphs answer: rates, volumes, the billing view; gaps are not zero; foreign lines do not exist."""

import csv
import io
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from services.metrics.rates import Sample
from tests.metrics.conftest import DAY, HOUR, STEP, Metrics, iso, steady, yesterday_ms


def span(start_ms: int, end_ms: int, **more: Any) -> dict[str, Any]:
    return {"from": iso(start_ms), "to": iso(end_ms), **more}


async def test_a_day_reads_as_it_was_fed(metrics: Metrics) -> None:
    customer_id, line_id = await metrics.ready(commit_bps=10_000_000)
    start = yesterday_ms() - DAY
    rates = [(n % 7) * 1_000_000 for n in range(288)]
    into = [0]
    for rate in rates:
        into.append(into[-1] + rate * 300 // 8)
    await metrics.take([Sample("UL-1", start + n * STEP, value, 2 * value) for n, value in enumerate(into)])

    answer = await metrics.get(customer_id, f"/metrics/lines/{line_id}/bandwidth", **span(start, start + DAY))

    assert (answer["step_seconds"], answer["unit"], answer["commit_bps"]) == (300, "bit/s", 10_000_000)
    assert answer["series"]["in_avg"] == answer["series"]["in_max"] == rates
    assert answer["series"]["out_avg"] == [2 * rate for rate in rates]
    assert answer["series"]["at"][:2] == [iso(start).replace("+00:00", "Z"), iso(start + STEP).replace("+00:00", "Z")]
    assert (answer["samples"], answer["expected_samples"], answer["gaps"]) == (288, 288, [])
    p95 = sorted(rates, reverse=True)[14]
    assert answer["summary"]["in"] == {"avg": round(sum(rates) / 288), "max": 6_000_000, "p95": p95}
    assert (answer["p95"], answer["p95_of_seconds"]) == (2 * p95, 300)

    volume = await metrics.get(
        customer_id, f"/metrics/lines/{line_id}/volume", **span(start, start + DAY, bucket="hour")
    )
    assert [row["in"] for row in volume["buckets"]] == [into[12 * (hour + 1)] - into[12 * hour] for hour in range(24)]
    assert volume["total"] == {"in": into[-1], "out": 2 * into[-1]}


@pytest.mark.parametrize("points", [1, 7, 100, 288, 1000])
async def test_thinning_keeps_the_mean_and_no_peak_disappears(metrics: Metrics, points: int) -> None:
    customer_id, line_id = await metrics.ready()
    start = yesterday_ms() - 40 * DAY
    samples = steady("UL-1", start, 40 * 288 + 1)
    peak = 5000
    samples = samples[: peak + 1] + [one._replace(in_octets=one.in_octets + 10**10) for one in samples[peak + 1 :]]
    await metrics.take(samples)

    answer = await metrics.get(
        customer_id, f"/metrics/lines/{line_id}/bandwidth", **span(start, start + 40 * DAY, points=points)
    )

    series = answer["series"]
    assert 0 < len(series["at"]) <= points
    assert max(value for value in series["in_max"] if value is not None) == round(8_000_000 + 10**10 * 8 / 300)
    assert answer["samples"] == answer["expected_samples"] == 40 * 288
    assert answer["summary"]["in"]["avg"] == round((samples[-1].in_octets - samples[0].in_octets) * 8 / (40 * 86400))
    assert (answer["p95"], answer["p95_of_seconds"]) == (8_000_000, 300)


async def test_a_year_comes_from_rollups_and_keeps_its_peak(metrics: Metrics) -> None:
    customer_id, line_id = await metrics.ready()
    start = yesterday_ms() - 365 * DAY
    await metrics.take(steady("UL-1", start, 365 * 288 + 1)[::2])

    answer = await metrics.get(
        customer_id, f"/metrics/lines/{line_id}/bandwidth", **span(start, start + 365 * DAY, points=1000)
    )

    assert (answer["step_seconds"], len(answer["series"]["at"])) == (43_200, 730)
    assert set(answer["series"]["in_avg"]) == {8_000_000}
    assert (answer["p95"], answer["p95_of_seconds"], answer["samples"]) == (8_000_000, 10_800, 365 * 288)


@pytest.mark.parametrize(("days", "points", "seconds"), [(60, 1000, 300), (120, 2000, 3600), (120, 1000, 10_800)])
async def test_a_long_ranges_percentile_is_that_of_the_means_it_names(
    metrics: Metrics, days: int, points: int, seconds: int
) -> None:
    customer_id, line_id = await metrics.ready()
    start = yesterday_ms() // DAY * DAY - 120 * DAY
    random = Random(days + points)
    octets = [random.randrange(0, 10**9) * 6 for _ in range(120 * 24)]
    samples, total = [Sample("UL-1", start, 0, 0)], 0
    for hour, moved in enumerate(octets):
        for sixth in range(1, 7):
            total += moved // 6
            samples.append(Sample("UL-1", start + hour * HOUR + sixth * HOUR // 6, total, total))
    await metrics.take(samples)

    answer = await metrics.get(
        customer_id, f"/metrics/lines/{line_id}/bandwidth", **span(start, start + days * DAY, points=points)
    )

    hours = max(1, seconds // 3600)
    means = [sum(octets[n : n + hours]) * 8 / (hours * 3600) for n in range(0, days * 24, hours)]
    each = 12 if seconds == 300 else 1
    every = sorted((mean for mean in means for _ in range(each)), reverse=True)
    assert answer["p95_of_seconds"] == seconds
    assert answer["p95"] == answer["summary"]["out"]["p95"] == pytest.approx(every[len(every) // 20], abs=1)


async def test_a_gap_is_null_in_the_graph_and_in_the_volume(metrics: Metrics) -> None:
    customer_id, line_id = await metrics.ready()
    start = yesterday_ms() - DAY
    samples = steady("UL-1", start, 289)
    await metrics.take(samples[:121] + samples[156:])  # 10:00 to 13:00 is missing

    answer = await metrics.get(customer_id, f"/metrics/lines/{line_id}/bandwidth", **span(start, start + DAY))
    assert answer["series"]["in_avg"][119:157] == [8_000_000] + [None] * 36 + [8_000_000]
    assert answer["gaps"] == [{"from": _z(start + 10 * HOUR), "to": _z(start + 13 * HOUR)}]
    assert answer["samples"] == 252

    volume = await metrics.get(
        customer_id, f"/metrics/lines/{line_id}/volume", **span(start, start + DAY, bucket="hour")
    )
    hours = [row["in"] for row in volume["buckets"]]
    assert hours == [3_600_000_000] * 10 + [None] * 3 + [3_600_000_000] * 11


async def test_silence_is_zero_not_a_gap(metrics: Metrics) -> None:
    customer_id, line_id = await metrics.ready()
    start = yesterday_ms()
    await metrics.take([Sample("UL-1", start + n * STEP, 5, 5) for n in range(13)])

    answer = await metrics.get(customer_id, f"/metrics/lines/{line_id}/bandwidth", **span(start, start + HOUR))
    volume = await metrics.get(
        customer_id, f"/metrics/lines/{line_id}/volume", **span(start, start + HOUR, bucket="hour")
    )

    assert answer["series"]["in_avg"] == [0] * 12
    assert volume["buckets"][0]["in"] == 0


async def test_a_range_that_cuts_hours_counts_what_lies_in_it(metrics: Metrics) -> None:
    customer_id, line_id = await metrics.ready()
    start = yesterday_ms()
    await metrics.take(steady("UL-1", start, 289))

    cut = span(start + 25 * 60_000, start + 3 * HOUR + 10 * 60_000, bucket="hour")
    volume = await metrics.get(customer_id, f"/metrics/lines/{line_id}/volume", **cut)

    assert [row["in"] for row in volume["buckets"]] == [n * 300_000_000 for n in (7, 12, 12, 2)]
    assert [row["expected_samples"] for row in volume["buckets"]] == [7, 12, 12, 2]


async def test_days_follow_the_customers_clock(metrics: Metrics) -> None:
    customer_id = await metrics.customer(time_zone="Asia/Kolkata")
    await metrics.line("UL-1")
    line_id = await metrics.id_of("UL-1")
    start = yesterday_ms() - 2 * DAY
    await metrics.take(steady("UL-1", start, 2 * 288 + 1))

    volume = await metrics.get(customer_id, f"/metrics/lines/{line_id}/volume", **span(start, start + 2 * DAY))

    assert volume["time_zone"] == "Asia/Kolkata"
    assert [row["in"] // 300_000_000 for row in volume["buckets"]] == [18 * 12 + 6, 288, 5 * 12 + 6]
    assert volume["buckets"][1]["start"] == _z(start + 18 * HOUR + 30 * 60_000)


async def test_group_sum_before_percentile(metrics: Metrics) -> None:
    customer_id = await metrics.customer()
    start = yesterday_ms() - 2 * DAY
    for name, busy in (("A", 0), ("B", 1)):
        await metrics.line(name, group="pair", commit_bps=30_000_000)
        octets, samples = 0, []
        for n in range(577):
            samples.append(Sample(name, start + n * STEP, octets, 0))
            # the two take turns: each alone is busy every other slot, together always
            octets += (20_000_000 if n % 2 == busy else 1_000_000) * 300 // 8
        await metrics.take(samples)
    (group,) = (await metrics.get(customer_id, "/metrics/groups"))["items"]
    assert (group["name"], len(group["line_ids"]), group["commit_bps"]) == ("pair", 2, 30_000_000)

    answer = await metrics.get(customer_id, f"/metrics/groups/{group['id']}/bandwidth", **span(start, start + 2 * DAY))
    assert set(answer["series"]["in_avg"]) == {21_000_000}
    assert answer["p95"] == 21_000_000

    month = f"{datetime.fromtimestamp((start + DAY) / 1000, UTC):%Y-%m}"
    bill = await metrics.get(customer_id, f"/metrics/groups/{group['id']}/percentile", month=month)
    assert (bill["value"], bill["partial"], bill["method"]) == (21_000_000, 0, "max_of_directions")
    volume = await metrics.get(customer_id, f"/metrics/groups/{group['id']}/volume", **span(start, start + 2 * DAY))
    assert volume["total"]["in"] == 576 * 21_000_000 * 300 // 8


async def test_the_billing_view_can_be_worked_out_again(metrics: Metrics) -> None:
    customer_id, line_id = await metrics.ready(commit_bps=100_000_000)
    now = datetime.now(UTC)
    first = (now.replace(day=1) - timedelta(days=1)).replace(day=2, hour=0, minute=0, second=0, microsecond=0)
    start = int(first.timestamp() * 1000)
    octets, samples = 0, []
    for n in range(20 * 288 + 1):
        samples.append(Sample("UL-1", start + n * STEP, octets, octets // 2))
        octets += (n * 7919 % 1000) * 1_000_000
    await metrics.take(samples)

    bill = await metrics.get(customer_id, f"/metrics/lines/{line_id}/percentile", month=f"{first:%Y-%m}")

    rates = sorted(((n * 7919 % 1000) * 1_000_000 * 8 // 300 for n in range(20 * 288)), reverse=True)
    assert (bill["samples"], bill["discarded"], bill["complete"]) == (5760, 288, False)
    assert abs(bill["value"] - rates[288]) <= 1
    into = next(one for one in bill["sorted"] if one["of"] == "in")
    assert [row["rank"] for row in into["edge"]] == list(range(1, 300))
    assert into["edge"][288]["bps"] == into["value"] == bill["value"]
    assert [row["discarded"] for row in into["edge"]] == [True] * 288 + [False] * 11
    assert bill["slots_allowed"] == bill["expected_samples"] // 20
    assert bill["slots_over_commit"] == 0 or bill["slots_over_commit"] == sum(rate > 100_000_000 for rate in rates)


@pytest.mark.parametrize(
    "query",
    [
        {"points": 0},
        {"points": 10_000_000},
        {"points": "many"},
        {"from": "2026-10-02T00:00:00Z", "to": "2026-10-01T00:00:00Z"},
        {"from": "2026-10-01T00:00:00Z", "to": "2026-10-01T00:00:00Z"},
        {"from": "1976-10-01T00:00:00Z", "to": "2026-10-01T00:00:00Z"},
        {"from": "1900-10-01T00:00:00Z", "to": "1900-10-02T00:00:00Z"},
        {"from": "2026-10-01T00:00:00", "to": "2026-10-02T00:00:00Z"},
        {"from": "9990-10-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"},
        {"from": "nonsense"},
    ],
)
@pytest.mark.parametrize("end", ["bandwidth", "bandwidth.csv", "bandwidth.svg", "volume"])
async def test_bad_ranges_are_refused(metrics: Metrics, query: dict[str, Any], end: str) -> None:
    if "points" in query and end in {"bandwidth.svg", "volume"}:
        pytest.skip("has no points")
    customer_id, line_id = await metrics.ready()

    problem = await metrics.get(customer_id, f"/metrics/lines/{line_id}/{end}", status=422, **query)

    assert problem["code"] in {"invalid", "invalid_range"}
    assert problem["errors"]


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "1969-12", "9999-01", "heute"])
async def test_bad_months_are_refused(metrics: Metrics, month: str) -> None:
    customer_id, line_id = await metrics.ready()

    await metrics.get(customer_id, f"/metrics/lines/{line_id}/percentile", status=422, month=month)


async def test_far_ranges_are_empty_not_errors(metrics: Metrics) -> None:
    customer_id, line_id = await metrics.ready()

    for start, end in (("2190-01-01", "2199-12-31"), ("1970-01-01", "1979-01-01"), ("2016-01-01", "2026-01-01")):
        query = {"from": f"{start}T00:00:00Z", "to": f"{end}T00:00:00Z"}
        answer = await metrics.get(customer_id, f"/metrics/lines/{line_id}/bandwidth", **query)
        assert set(answer["series"]["in_avg"]) == {None}
        volume = await metrics.get(customer_id, f"/metrics/lines/{line_id}/volume", bucket="month", **query)
        assert volume["total"] == {"in": 0, "out": 0}
    hours = {"from": "2016-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z", "bucket": "hour"}
    await metrics.get(customer_id, f"/metrics/lines/{line_id}/volume", status=422, **hours)


@pytest.mark.parametrize(
    "path",
    ["", "/bandwidth", "/bandwidth.csv", "/bandwidth.svg", "/volume", "/volume.csv", "/percentile", "/thresholds"],
)
async def test_a_line_of_another_customer_does_not_exist(metrics: Metrics, path: str) -> None:
    _, line_id = await metrics.ready()
    stranger = await metrics.customer("KD-2")

    foreign = await metrics.get(stranger, f"/metrics/lines/{line_id}{path}", status=404)
    unknown = await metrics.get(stranger, f"/metrics/lines/{uuid4()}{path}", status=404)

    assert foreign["code"] == unknown["code"] == "line_not_found"


async def test_files_hold_the_same_numbers(metrics: Metrics) -> None:
    customer_id, line_id = await metrics.ready(name="Uplink <Berlin>")
    start = yesterday_ms()
    await metrics.take(steady("UL-1", start, 25))
    query = span(start, start + 3 * HOUR)

    async with metrics.as_user(customer_id, lang="en") as client:
        table = await client.get(f"/metrics/lines/{line_id}/bandwidth.csv", params=query)
        picture = await client.get(f"/metrics/lines/{line_id}/bandwidth.svg", params=query)
        volumes = await client.get(f"/metrics/lines/{line_id}/volume.csv", params=query | {"bucket": "hour"})

    rows = list(csv.reader(io.StringIO(table.text)))
    assert rows[0] == ["at", "in_avg_bps", "in_max_bps", "out_avg_bps", "out_max_bps"]
    assert rows[1] == [_z(start), "8000000", "8000000", "4000000", "4000000"]
    assert rows[-1] == [_z(start + 3 * HOUR - STEP), "", "", "", ""]
    assert table.headers["content-type"].startswith("text/csv")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "Uplink &lt;Berlin&gt;" in picture.text
    assert "to you" in picture.text
    assert [row[2:] for row in csv.reader(io.StringIO(volumes.text))][1:] == [["3600000000", "1800000000"]] * 2 + [
        ["", ""]
    ]


async def test_without_the_module_nothing_is_shown(metrics: Metrics) -> None:
    customer_id, line_id = await metrics.ready()

    async with metrics.as_user(customer_id, modules=("invoices",)) as client:
        assert (await client.get("/metrics/lines")).status_code == 403
        assert (await client.get(f"/metrics/lines/{line_id}/bandwidth")).status_code == 403


async def test_every_look_of_the_operator_is_noted(metrics: Metrics) -> None:
    customer_id, line_id = await metrics.ready()

    operator = {"role": "operator", "staff_role": "agent"}
    async with metrics.as_user(customer_id, **operator) as client:
        assert (await client.get(f"/metrics/lines/{line_id}/bandwidth")).status_code == 200

    (look,) = await metrics.emitted("metrics.audit.recorded.v1")
    assert (look["what"], look["result"], look["on"]) == ("traffic_read", "looked", f"line/{line_id}")


def _z(at_ms: int) -> str:
    return iso(at_ms).replace("+00:00", "Z")
