"""When a contact is due for review. Pure. Rules: docs/rules/contacts.md."""

import calendar
from datetime import date, datetime
from zoneinfo import ZoneInfo

YEAR_MONTHS = 12


def day_in(zone: str, moment: datetime) -> date:
    """The day there."""
    return moment.astimezone(ZoneInfo(zone)).date()


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last one of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def due_on(vouched_on: date, months: int) -> date:
    """From this day on somebody should look whether it is still right."""
    return months_after(vouched_on, months)


def may_tell_again(told_on: date | None, today: date) -> bool:
    """A due contact is told of once a year, whatever else changes."""
    return told_on is None or months_after(told_on, YEAR_MONTHS) <= today
