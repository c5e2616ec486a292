"""The date engine: the table of the business rules, and properties over every start day of eight years."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from services.contracts.terms import (
    Agreement,
    Notice,
    NoticeTo,
    Unit,
    add_months,
    after_notice,
    dates_on,
    last_day_of_month,
    last_notice_day,
    longer_than_term,
    reachable_end,
    regular_end,
    state_on,
    term_end,
)

DAY = timedelta(days=1)
START_DAYS = [date(2019, 1, 1) + n * DAY for n in range(8 * 365 + 2)]
UNITS: tuple[Unit, ...] = ("days", "weeks", "months")
TERM: tuple[NoticeTo, ...] = ("term_end", "month_end", "quarter_end", "any_time")


def day(text: str) -> date:
    return date.fromisoformat(text)


def agreement(
    start: str = "2023-04-01",
    minimum: int | None = 36,
    renewal: int = 12,
    notice: tuple[int, Unit, NoticeTo] = (3, "months", "term_end"),
    **dates: date | None,
) -> Agreement:
    return Agreement(day(start), minimum, renewal, Notice(*notice), **dates)


THREE_MONTHS: tuple[int, Unit, NoticeTo] = (3, "months", "term_end")
SIX_WEEKS: tuple[int, Unit, NoticeTo] = (6, "weeks", "quarter_end")


@pytest.mark.parametrize(
    ("start", "minimum", "renewal", "notice", "as_of", "min_end", "earliest", "last"),
    [
        ("2023-04-01", 36, 12, THREE_MONTHS, "2026-11-22", "2026-03-31", "2027-03-31", "2026-12-31"),
        ("2023-04-01", 36, 12, THREE_MONTHS, "2027-01-01", "2026-03-31", "2028-03-31", "2027-12-31"),
        ("2024-01-31", 1, 1, (1, "months", "term_end"), "2024-02-01", "2024-02-29", "2024-03-30", "2024-02-29"),
        ("2023-01-30", 1, 1, (1, "weeks", "term_end"), "2023-02-01", "2023-02-28", "2023-02-28", "2023-02-21"),
        ("2020-01-01", 12, 12, SIX_WEEKS, "2026-11-19", "2020-12-31", "2026-12-31", "2026-11-19"),
        ("2020-01-01", 12, 12, SIX_WEEKS, "2026-11-20", "2020-12-31", "2027-03-31", "2027-02-17"),
        ("2020-01-01", 12, 12, (1, "months", "month_end"), "2026-02-01", "2020-12-31", "2026-03-31", "2026-02-28"),
        ("2020-01-01", 12, 12, (1, "months", "any_time"), "2026-01-31", "2020-12-31", "2026-02-28", None),
        ("2023-04-01", 36, 12, THREE_MONTHS, "2026-01-15", "2026-03-31", "2027-03-31", "2026-12-31"),
    ],
)
def test_the_table_of_the_business_rules(  # noqa: PLR0917  # the columns of the table
    start: str,
    minimum: int,
    renewal: int,
    notice: tuple[int, Unit, NoticeTo],
    as_of: str,
    min_end: str,
    earliest: str,
    last: str | None,
) -> None:
    found = dates_on(agreement(start, minimum, renewal, notice), day(as_of))

    assert found.min_term_ends_on == day(min_end)
    assert found.earliest_end_on == day(earliest)
    assert found.last_notice_day == (day(last) if last else None)


def test_a_term_ends_on_the_day_before_or_the_months_last_day_for_every_start_day() -> None:
    for start in START_DAYS:
        for months in (1, 2, 3, 6, 12, 18, 24, 36, 60):
            end = term_end(start, months)

            months_later = (end + DAY).year * 12 + (end + DAY).month - start.year * 12 - start.month
            same_day = (end + DAY).day == start.day and months_later == months
            missing = start.day > end.day and end == last_day_of_month(end) and months_later == months + 1
            assert same_day or missing, (start, months, end)


PERIODS: tuple[tuple[int, Unit], ...] = (
    *((n, "days") for n in (1, 14, 30, 31, 60, 90)),
    *((n, "weeks") for n in (1, 4, 6, 12)),
    *((n, "months") for n in (1, 2, 3, 6, 12)),
)
USUAL: tuple[tuple[int, Unit], ...] = ((1, "days"), (30, "days"), (6, "weeks"), (1, "months"), (3, "months"))
RULES = [Notice(value, unit, to) for to in TERM for value, unit in USUAL]
TERMS = ((1, 1), (12, 0), (12, 1), (12, 12), (24, 3), (36, 12))


def test_the_last_notice_day_is_the_latest_whose_notice_reaches_the_end() -> None:
    for end, (value, unit) in product(START_DAYS, PERIODS):
        notice = Notice(value, unit, "term_end")
        last = last_notice_day(end, notice)

        assert after_notice(last, notice) <= end < after_notice(last + DAY, notice), (end, notice, last)


@pytest.mark.parametrize(("minimum", "renewal"), TERMS)
def test_every_start_day_with_every_term_and_notice_rule(minimum: int, renewal: int) -> None:
    for (number, start), rule in product(enumerate(START_DAYS), RULES):
        one = Agreement(start, minimum, renewal, rule)
        as_of = start + timedelta(days=(number * 37) % 2000 - 60)
        end, last, _ = reachable_end(one, as_of)

        assert end >= max(term_end(start, minimum), after_notice(as_of, rule))
        if last is not None:
            assert last >= as_of
            assert after_notice(last, rule) <= end < after_notice(last + DAY, rule)
            assert reachable_end(one, last)[0] == end < reachable_end(one, last + DAY)[0]


def test_ends_never_drift() -> None:
    """Whatever the months between look like, the k-th term ends where one long term would."""
    for start in START_DAYS[::3]:
        for minimum, renewal in ((1, 1), (12, 1), (24, 3), (36, 12)):
            one = Agreement(start, minimum, renewal, Notice(1, "days", "term_end"))
            end, months = one.min_term_ends_on, minimum
            for _ in range(14):
                assert end is not None
                assert end == term_end(start, months)
                assert regular_end(one, end) == end
                end, months = regular_end(one, end + DAY), months + renewal


def slow_end(one: Agreement, as_of: date) -> date:
    """Day by day: the first permissible end whose notice can still be given on this day."""
    minimum = one.min_term_ends_on or one.starts_on
    ends = {term_end(one.starts_on, (one.min_term_months or 0) + n * one.renewal_months) for n in range(200)}
    if one.renewal_months == 0:
        ends = {minimum}
    candidate = minimum
    for _ in range(5000):
        permissible = {
            "term_end": candidate in ends,
            "month_end": (candidate + DAY).day == 1,
            "quarter_end": (candidate + DAY).day == 1 and (candidate + DAY).month in (1, 4, 7, 10),
            "any_time": True,
        }[one.notice.to]
        # without a term to come, every day is one to which notice can be given
        runs_on = one.notice.to == "term_end" and not one.renewal_months and candidate > minimum
        if (permissible or runs_on) and after_notice(as_of, one.notice) <= candidate:
            return candidate
        candidate += DAY
    raise AssertionError("no end within 5000 days")


AGREEMENTS = st.builds(
    Agreement,
    starts_on=st.dates(date(2018, 1, 1), date(2026, 12, 31)),
    min_term_months=st.integers(1, 48),
    renewal_months=st.sampled_from([0, 1, 2, 3, 6, 12, 24]),
    notice=st.builds(Notice, st.integers(1, 12), st.sampled_from(UNITS), st.sampled_from(TERM)),
)


@examples(max_examples=400, deadline=None)
@given(AGREEMENTS, st.integers(-400, 3000))
def test_the_engine_agrees_with_a_search_day_by_day(one: Agreement, days: int) -> None:
    as_of = one.starts_on + timedelta(days=days)

    assert reachable_end(one, as_of)[0] == slow_end(one, as_of)


@examples(max_examples=300, deadline=None)
@given(AGREEMENTS, st.integers(-400, 3000))
def test_waiting_never_makes_the_end_earlier(one: Agreement, days: int) -> None:
    as_of = one.starts_on + timedelta(days=days)

    assert reachable_end(one, as_of)[0] <= reachable_end(one, as_of + DAY)[0]


def test_the_current_term_is_the_one_that_runs() -> None:
    one = agreement("2024-01-31", 1, 1, (1, "months", "term_end"))

    ends = {
        as_of: dates_on(one, day(as_of)).current_term_ends_on for as_of in ("2024-02-01", "2024-03-01", "2024-03-31")
    }
    assert ends == {
        "2024-02-01": day("2024-02-29"),
        "2024-03-01": day("2024-03-30"),
        "2024-03-31": day("2024-04-30"),
    }


def test_without_renewal_a_contract_runs_on_until_notice() -> None:
    one = agreement("2023-04-01", 36, 0, THREE_MONTHS)

    in_time, over = dates_on(one, day("2025-12-31")), dates_on(one, day("2026-01-01"))
    after = dates_on(one, day("2026-11-22"))

    assert (in_time.earliest_end_on, in_time.last_notice_day) == (day("2026-03-31"), day("2025-12-31"))
    assert (over.earliest_end_on, over.last_notice_day) == (day("2026-04-01"), None)
    assert over.current_term_ends_on == day("2026-03-31")
    assert (after.earliest_end_on, after.current_term_ends_on) == (day("2027-02-22"), None)


def test_without_a_minimum_term_only_the_notice_counts() -> None:
    one = agreement("2024-05-10", None, 0, (1, "months", "month_end"))

    found = dates_on(one, day("2026-11-22"))

    assert (found.min_term_ends_on, found.current_term_ends_on) == (None, None)
    assert (found.earliest_end_on, found.last_notice_day) == (day("2026-12-31"), day("2026-11-30"))
    assert dates_on(one, day("2024-01-01")).earliest_end_on == day("2024-05-31")


def test_a_cancelled_contract_has_nothing_left_to_give_notice_of() -> None:
    one = agreement(cancelled_on=day("2026-10-01"), ends_on=day("2027-03-31"))

    before, after = dates_on(one, day("2026-09-30")), dates_on(one, day("2026-10-01"))

    assert (before.decided_by, before.earliest_end_on) == ("ends_by_itself", day("2027-03-31"))
    assert (after.decided_by, after.earliest_end_on, after.last_notice_day) == ("cancelled", None, None)
    assert after.current_term_ends_on == day("2027-03-31")


def test_a_cancellation_without_its_end_is_reckoned_from_the_day_of_notice() -> None:
    one = agreement(cancelled_on=day("2026-12-31"))

    found = dates_on(one, day("2027-02-01"))

    assert (found.earliest_end_on, found.last_notice_day) == (day("2027-03-31"), None)
    assert found.decided_by == "cancelled_without_end"


def test_what_ends_by_itself_needs_no_notice() -> None:
    one = agreement(ends_on=day("2026-03-31"))

    assert dates_on(one, day("2025-06-01")).last_notice_day is None
    assert dates_on(one, day("2025-06-01")).earliest_end_on == day("2026-03-31")
    assert dates_on(one, day("2026-04-01")).earliest_end_on is None


@pytest.mark.parametrize(
    ("as_of", "state"),
    [
        ("2023-03-31", "upcoming"),
        ("2023-04-01", "active"),
        ("2026-09-30", "active"),
        ("2026-10-01", "cancelled"),
        ("2027-03-31", "cancelled"),
        ("2027-04-01", "ended"),
    ],
)
def test_states(as_of: str, state: str) -> None:
    assert state_on(agreement(cancelled_on=day("2026-10-01"), ends_on=day("2027-03-31")), day(as_of)) == state


@pytest.mark.parametrize(
    ("minimum", "notice", "longer"),
    [
        (1, (1, "months", "term_end"), False),
        (1, (31, "days", "term_end"), True),
        (12, (13, "months", "term_end"), True),
        (12, (12, "months", "term_end"), False),
        (1, (3, "months", "any_time"), False),
        (None, (3, "months", "term_end"), False),
    ],
)
def test_notice_longer_than_the_term(minimum: int | None, notice: tuple[int, Unit, NoticeTo], longer: bool) -> None:
    assert longer_than_term(agreement("2024-02-01", minimum, 1 if minimum else 0, notice)) is longer


def test_months_are_clamped_to_the_months_last_day() -> None:
    assert add_months(day("2024-01-31"), 1) == day("2024-02-29")
    assert add_months(day("2026-03-31"), -1) == day("2026-02-28")
    assert add_months(day("2026-12-31"), 2) == day("2027-02-28")
