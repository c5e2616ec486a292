"""The demo's counters: what the feed takes, the same each time, with everything that the graphs have to stand."""

import itertools
import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from events.base import decode, event_of
from events.network import LineUpserted, TrafficSampled
from portalctl.demo.story import COMPANIES, FIRST
from portalctl.demo.traffic import DAYS, UPLINKS, ZONE, Incidents, lines, samples

NOW = datetime(2026, 11, 23, 9, 2, tzinfo=UTC)
INCIDENTS = Incidents.before(date(2026, 11, 23))


class Counters(NamedTuple):
    at: datetime
    into: int
    out: int
    discontinuity: bool


def read(now: datetime) -> dict[str, list[Counters]]:
    found: dict[str, list[Counters]] = defaultdict(list)
    for message in samples(now):
        for raw in json.loads(message.payload)["data"]["samples"]:
            at = datetime.fromisoformat(raw["at"])
            row = Counters(at, raw["in_octets"], raw["out_octets"], raw.get("discontinuity", False))
            found[raw["line_id"]].append(row)
    return found


@pytest.fixture(scope="module")
def counters() -> dict[str, list[Counters]]:
    return read(NOW)


def rates(rows: list[Counters]) -> list[tuple[datetime, float, float]]:
    """Mbit/s of the intervals that can be told."""
    return [
        (row.at.astimezone(ZONE), (row.into - last.into) * 8 / 300e6, (row.out - last.out) * 8 / 300e6)
        for last, row in itertools.pairwise(rows)
        if row.at - last.at == timedelta(minutes=5) and row.into >= last.into and row.out >= last.out
    ]


def percentile(rows: list[Counters], month: tuple[int, int]) -> float:
    """The larger of both directions', straight from the definition."""
    of_month = [rate for rate in rates(rows) if (rate[0].year, rate[0].month) == month]
    drop = len(of_month) * 5 // 100
    return max(sorted((rate[way] for rate in of_month), reverse=True)[drop] for way in (1, 2))


def test_all_messages_are_events_of_the_feed() -> None:
    for message in (*lines(), next(samples(NOW))):
        event = event_of(decode(message.headers, message.payload))

        assert isinstance(event, LineUpserted | TrafficSampled)
        assert event.subject == message.subject
        assert message.headers["Nats-Msg-Id"] == event.envelope.msg_id


def test_the_same_day_gives_the_same_bytes_and_no_id_twice() -> None:
    first, second = list(samples(NOW)), list(samples(NOW))

    assert first == second
    assert len({message.headers["Nats-Msg-Id"] for message in first}) == len(first)
    assert max(len(message.payload) for message in first) < 1024**2


def test_a_later_start_sends_new_ids_for_what_has_more_in_it() -> None:
    earlier, later = samples(NOW), samples(NOW + timedelta(hours=1))
    ids = [{message.headers["Nats-Msg-Id"]: message.payload for message in some} for some in (earlier, later)]

    same = ids[0].keys() & ids[1].keys()
    assert all(json.loads(ids[0][one])["data"] == json.loads(ids[1][one])["data"] for one in same)
    assert len(ids[0].keys() - same) == len(UPLINKS)


def test_five_uplinks_of_the_demos_customers_over_thirteen_months(counters: dict[str, list[Counters]]) -> None:
    assert set(counters) == {uplink.line_id for uplink in UPLINKS}
    assert len(UPLINKS) == 5
    assert {uplink.customer_number for uplink in UPLINKS} <= {company.number for company in COMPANIES}
    for rows in counters.values():
        assert rows[0].at.date() == date(2025, 10, 23)
        assert timedelta(0) <= NOW - rows[-1].at < timedelta(minutes=5)
        assert all(0 <= row.into < 2**64 and 0 <= row.out < 2**64 for row in rows)
    assert DAYS < 400


def test_counters_rise_but_for_one_restart(counters: dict[str, list[Counters]]) -> None:
    falls = {
        line: [row for last, row in itertools.pairwise(rows) if row.into < last.into or row.out < last.out]
        for line, rows in counters.items()
    }
    told = {line: [row for row in rows if row.discontinuity] for line, rows in counters.items()}

    assert falls == told
    assert {line: len(found) for line, found in falls.items() if found} == {"UL-10077-A": 1}


def test_a_gap_of_three_hours(counters: dict[str, list[Counters]]) -> None:
    holes = {
        line: [(last.at, row.at) for last, row in itertools.pairwise(rows) if row.at - last.at > 1.5 * STEP]
        for line, rows in counters.items()
    }

    assert {line: found for line, found in holes.items() if found} == {
        "UL-10042-A": [(INCIDENTS.gap_from, INCIDENTS.gap_to)]
    }
    assert INCIDENTS.gap_to - INCIDENTS.gap_from == timedelta(hours=3)


STEP = timedelta(minutes=5)


@pytest.mark.parametrize(("day", "samples_of_day"), [((2026, 3, 29), 276), ((2026, 10, 25), 300), ((2026, 7, 1), 288)])
def test_both_clock_changes(
    counters: dict[str, list[Counters]], day: tuple[int, int, int], samples_of_day: int
) -> None:
    rows = counters["UL-10131-A"]

    assert sum(row.at.astimezone(ZONE).date() == date(*day) for row in rows) == samples_of_day


def test_the_nightly_backup_exceeds_the_commit_and_the_percentile_forgives_it(
    counters: dict[str, list[Counters]],
) -> None:
    rows = counters["UL-10042-A"]
    nights = {at.date() for at, _, out in rates(rows) if at.hour == 2 and out > 25}

    assert len(nights) > 300
    assert percentile(rows, (2026, 8)) < 10 < percentile(rows, (2026, 9))


def test_the_redundant_pair_fails_over_for_a_day(counters: dict[str, list[Counters]]) -> None:
    of_day: dict[str, list[Any]] = {
        line: [rate[1] for rate in rates(counters[line]) if rate[0].date() == INCIDENTS.failover]
        for line in ("UL-10042-A", "UL-10042-B")
    }

    assert max(of_day["UL-10042-A"][1:]) == 0
    assert min(of_day["UL-10042-B"][1:]) > 1
    assert len({uplink.group for uplink in UPLINKS if uplink.customer_number == FIRST}) == 1


def test_no_rate_is_above_the_lines_capacity(counters: dict[str, list[Counters]]) -> None:
    for uplink in UPLINKS:
        highest = max(max(rate[1:]) for rate in rates(counters[uplink.line_id]))
        assert highest * 1_000_000 <= uplink.capacity_bps
