"""The days of a contract that somebody must not miss. Pure. Rules: docs/rules/terms.md."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.contracts.terms import Agreement, add_months, dates_on, state_on

Kind = Literal["last_notice_day", "min_term_end", "end"]


@dataclass(frozen=True, slots=True)
class Due:
    """One of them."""

    kind: Kind
    on: date
    earliest_end_on: date | None = None


def due_days(agreement: Agreement, today: date) -> list[Due]:
    """Those to come; of a cancelled contract only its end is left (D-1)."""
    if agreement.cancelled_on is not None:
        dates = dates_on(agreement, max(today, agreement.cancelled_on))
        end = agreement.ends_on or dates.earliest_end_on
        return [Due("end", end)] if end is not None and end >= today else []
    if state_on(agreement, today) == "ended":
        return []
    dates, found = dates_on(agreement, today), []
    if dates.last_notice_day is not None and dates.last_notice_day >= today:
        found.append(Due("last_notice_day", dates.last_notice_day, dates.earliest_end_on))
    if dates.min_term_ends_on is not None and dates.min_term_ends_on >= today:
        found.append(Due("min_term_end", dates.min_term_ends_on))
    if agreement.ends_on is not None:
        found.append(Due("end", agreement.ends_on))
    return found


def reminder_days(last_notice_day: date, months_before: Iterable[int]) -> dict[int, date]:
    """From which day on each reminder is due (D-2)."""
    return {months: add_months(last_notice_day, -months) for months in sorted(months_before)}
