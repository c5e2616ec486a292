"""Terms and notice dates: when a contract ends, and by when notice must be given. Pure. Rules: docs/rules/terms.md."""

from calendar import isleap
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Unit = Literal["days", "weeks", "months"]
NoticeTo = Literal["term_end", "month_end", "quarter_end", "any_time"]
State = Literal["upcoming", "active", "cancelled", "ended"]
Deciding = Literal[
    "ended", "cancelled", "cancelled_without_end", "ends_by_itself", "term_end", "month_end", "quarter_end", "any_time"
]


@dataclass(frozen=True, slots=True)
class Notice:
    """How long before, and to which days notice can be given."""

    value: int
    unit: Unit
    to: NoticeTo


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was agreed: a contract's, or that of a position with days of its own."""

    starts_on: date
    min_term_months: int | None
    """None: no minimum term was agreed."""
    renewal_months: int
    """0: after the minimum term it runs on until notice."""
    notice: Notice
    cancelled_on: date | None = None
    ends_on: date | None = None

    @property
    def min_term_ends_on(self) -> date | None:
        """The last day of the minimum term (T-1)."""
        return None if self.min_term_months is None else term_end(self.starts_on, self.min_term_months)


@dataclass(frozen=True, slots=True)
class Dates:
    """An agreement as seen on one day, by its own rules alone."""

    min_term_ends_on: date | None
    current_term_ends_on: date | None
    earliest_end_on: date | None
    last_notice_day: date | None
    decided_by: Deciding


_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def month_length(year: int, month: int) -> int:
    """How many days the month has."""
    return 29 if month == 2 and isleap(year) else _LENGTHS[month - 1]


def last_day_of_month(day: date) -> date:
    """The last day of the month in which this day lies."""
    return day.replace(day=month_length(day.year, day.month))


def add_months(day: date, months: int) -> date:
    """So many months later (or earlier), on the month's last day where the day does not exist (T-3)."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, month_length(years, month + 1)))


def term_end(start: date, months: int) -> date:
    """The last day of a term of n months that begins with this day (T-1).

    The day before the same day in the n-th month after; where that day does not exist, the month's last day.

    Source: BGB §187(2), §188(2) and (3).
    """
    years, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    length = month_length(years, month + 1)
    if start.day > length:
        return date(years, month + 1, length)
    return date(years, month + 1, start.day) - timedelta(days=1)


def after_notice(given_on: date, notice: Notice) -> date:
    """The first day on which the notice period is over, when notice arrives on this day (T-3)."""
    if notice.unit == "months":
        return add_months(given_on, notice.value)
    return given_on + timedelta(days=notice.value * (7 if notice.unit == "weeks" else 1))


def last_notice_day(end: date, notice: Notice) -> date:
    """The latest day whose notice still reaches this end (T-4)."""
    if notice.unit != "months":
        return end - timedelta(days=notice.value * (7 if notice.unit == "weeks" else 1))
    same_day = add_months(end, -notice.value)
    # the month's last day is reached from every later day of a longer month, too
    return last_day_of_month(same_day) if end == last_day_of_month(end) else same_day


def regular_end(agreement: Agreement, not_before: date) -> date | None:
    """The first end of a term that is not before this day; none where no term ends any more (T-2)."""
    start, minimum, renewal = agreement.starts_on, agreement.min_term_months, agreement.renewal_months
    if minimum is None:
        return None
    first = term_end(start, minimum)
    if first >= not_before:
        return first
    if not renewal:
        return None
    # a term of n months ends in the n-th month after its start at the latest: fewer months cannot be enough
    months = (not_before.year - start.year) * 12 + not_before.month - start.month
    terms = max(0, -((minimum - months) // renewal))
    found = term_end(start, minimum + terms * renewal)
    return found if found >= not_before else term_end(start, minimum + (terms + 1) * renewal)


def state_on(agreement: Agreement, as_of: date) -> State:
    """Upcoming, active, cancelled (notice was given, it still runs) or ended (T-9)."""
    if agreement.ends_on is not None and as_of > agreement.ends_on:
        return "ended"
    if agreement.cancelled_on is not None and as_of >= agreement.cancelled_on:
        return "cancelled"
    return "upcoming" if as_of < agreement.starts_on else "active"


def reachable_end(agreement: Agreement, as_of: date) -> tuple[date, date | None, Deciding]:
    """The earliest end for a notice of this day, its last notice day, and the kind of day that decided (T-5 to T-7)."""
    notice, to = agreement.notice, agreement.notice.to
    floor = agreement.min_term_ends_on or agreement.starts_on
    reached = max(floor, after_notice(as_of, notice))
    if to != "any_time" and to != "term_end":  # noqa: PLR1714  # mypy narrows comparisons, not sets
        end = last_day_of_month(reached if to == "month_end" else add_months(reached, (3 - reached.month) % 3))
        return end, last_notice_day(end, notice), to
    if to == "term_end" and (regular := regular_end(agreement, reached)):
        return regular, last_notice_day(regular, notice), "term_end"
    return reached, None, "any_time"


def dates_on(agreement: Agreement, as_of: date) -> Dates:
    """All dates as seen on one day. Of what is cancelled or ended nothing is left to give notice of (T-8)."""
    minimum, known_end = agreement.min_term_ends_on, agreement.ends_on
    state = state_on(agreement, as_of)
    if state == "ended":
        return Dates(minimum, None, None, None, "ended")
    term = regular_end(agreement, as_of)
    if known_end is not None:
        term = min(term or known_end, known_end)
    if state == "cancelled":
        if known_end is not None:
            return Dates(minimum, term, None, None, "cancelled")
        assert agreement.cancelled_on is not None
        end = reachable_end(agreement, agreement.cancelled_on)[0]
        return Dates(minimum, min(term or end, end), end, None, "cancelled_without_end")
    end, last_day, decided_by = reachable_end(agreement, as_of)
    if known_end is not None and end >= known_end:
        return Dates(minimum, term, known_end, None, "ends_by_itself")
    return Dates(minimum, term, end, last_day, decided_by)


def longer_than_term(agreement: Agreement) -> bool:
    """Notice to the end of the minimum term would have to be given before the contract begins (T-11)."""
    minimum = agreement.min_term_ends_on
    if minimum is None or agreement.notice.to != "term_end":
        return False
    return after_notice(agreement.starts_on, agreement.notice) > minimum + timedelta(days=1)
