"""Days and months of a time zone: the days of the clock change, months of every length."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from services.metrics.periods import buckets, month_at, month_span, slots_in, zone

BERLIN = zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("month", "slots"),
    [
        ("2026-09", 8640),
        ("2026-08", 8928),
        ("2026-10", 8940),
        ("2026-03", 8916),
        ("2026-02", 8064),
        ("2028-02", 8352),
        ("2026-12", 8928),
    ],
)
def test_slots_of_a_month(month: str, slots: int) -> None:
    assert slots_in(month_span(month, BERLIN)) == slots


@pytest.mark.parametrize(("day", "slots"), [("2026-10-25", 300), ("2026-03-29", 276), ("2026-07-01", 288)])
def test_slots_of_a_day(day: str, slots: int) -> None:
    noon = int(datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=BERLIN).timestamp())

    ((start, end),) = buckets(noon, noon + 60, "day", BERLIN)

    assert slots_in((start, end)) == slots
    assert datetime.fromtimestamp(start, BERLIN).isoformat()[:16] == f"{day}T00:00"
    assert len(list(buckets(start, end, "hour", BERLIN))) == slots // 12


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "Asia/Kolkata", "America/Havana", "Pacific/Apia", "UTC", "Nowhere/At_All"]
)
@pytest.mark.parametrize("bucket", ["hour", "day", "month"])
def test_buckets_follow_each_other_without_a_hole(name: str, bucket: str) -> None:
    tz = zone(name)
    start = int(datetime(2011, 11, 5, 3, 17, tzinfo=UTC).timestamp())
    end = start + (20 if bucket == "hour" else 900) * 86_400

    found = list(buckets(start, end, bucket, tz))  # type: ignore[arg-type]  # a parameter of the test

    assert found[0][0] <= start < found[0][1]
    assert found[-1][0] < end <= found[-1][1]
    assert all(one[1] == two[0] for one, two in pairwise(found))
    assert all(first < last and first % 300 == 0 for first, last in found)


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "1969-12", "9999-12", "", "2026-00"])
def test_what_is_no_month(month: str) -> None:
    with pytest.raises(ValueError, match=month or "^$"):
        month_span(month, BERLIN)


def test_the_month_is_the_customers() -> None:
    assert month_at(datetime(2026, 10, 31, 23, 30, tzinfo=UTC), BERLIN) == "2026-11"
