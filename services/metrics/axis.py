"""Where ticks stand on a chart and what they say: bit rates in base 1000, times of the customer's zone. Pure."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

UNITS = ("bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s")
MONTHS = {
    "de": ("Jan", "Feb", "März", "Apr", "Mai", "Juni", "Juli", "Aug", "Sep", "Okt", "Nov", "Dez"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
_MINUTE_STEPS = (1, 5, 10, 15, 30, 60, 120, 180, 360, 720)
_DAY_STEPS = (1, 2, 7, 14)
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
_DAY_MINUTES = 1440
_MONTH_MINUTES = 30.4 * _DAY_MINUTES


class Tick(NamedTuple):
    """A place on the axis and its words."""

    at: datetime
    text: str


def rate(value: float, language: str) -> str:
    """``8,25 Mbit/s``: three significant digits at most, base 1000."""
    power = _power(value)
    number = value / 1000**power
    digits = 0 if number >= 100 else 1 if number >= 10 else 2
    return f"{_number(round(number, digits), language)} {UNITS[power]}"


def rate_ticks(highest: float, *, count: int) -> list[float]:
    """From zero in steps of 1, 2 or 5 up to the first that is not below the highest value."""
    if not highest > 0:
        return [0.0, 1.0]
    rough = highest / count
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough * (1 - 1e-9))
    return [step * number for number in range(math.ceil(highest / step - 1e-9) + 1)]


def rate_labels(ticks: list[float], language: str) -> tuple[list[str], str]:
    """The numbers in one unit, and the unit."""
    power = _power(ticks[-1])
    return [_number(round(tick / 1000**power, 6), language) for tick in ticks], UNITS[power]


def _power(value: float) -> int:
    power = 0
    while power < len(UNITS) - 1 and value >= 999.5 * 1000**power:
        power += 1
    return power


def _number(value: float, language: str) -> str:
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if language == "de" else text


def time_ticks(start: datetime, end: datetime, zone: ZoneInfo, *, most: int, language: str) -> list[Tick]:
    """At whole hours, days or months as the zone counts them, also where its clock changes."""
    minutes = (end - start) / timedelta(minutes=1) / most
    for step in _MINUTE_STEPS:
        if minutes <= step:
            return [Tick(at, _hour_text(at, zone, language)) for at in _by_minutes(start, end, zone, step)]
    for step in _DAY_STEPS:
        if minutes <= step * _DAY_MINUTES:
            return [Tick(at, _day_text(at.astimezone(zone), language)) for at in _by_days(start, end, zone, step)]
    months = next((step for step in _MONTH_STEPS if minutes <= step * _MONTH_MINUTES), _MONTH_STEPS[-1])
    return [Tick(at, _month_text(at.astimezone(zone), language)) for at in _by_months(start, end, zone, months)]


def _by_minutes(start: datetime, end: datetime, zone: ZoneInfo, step: int) -> Iterator[datetime]:
    """Walks in UTC, so the hour that comes twice is there twice and the one left out is not."""
    stride = timedelta(minutes=min(step, 15))
    at = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while at <= end:
        local = at.astimezone(zone)
        if at >= start and (local.hour * 60 + local.minute) % step == 0:
            yield at
        at += stride


def _by_days(start: datetime, end: datetime, zone: ZoneInfo, step: int) -> Iterator[datetime]:
    day = start.astimezone(zone).date()
    while (at := _midnight(day.year, day.month, day.day, zone)) <= end:
        # weeks begin on Monday, which day 1 of the common era was
        if at >= start and (day.toordinal() - 1) % step == 0:
            yield at
        day += timedelta(days=1)


def _by_months(start: datetime, end: datetime, zone: ZoneInfo, step: int) -> Iterator[datetime]:
    local = start.astimezone(zone)
    month = local.year * 12 + local.month - 1
    while (at := _midnight(month // 12, month % 12 + 1, 1, zone)) <= end:
        if at >= start and month % step == 0:
            yield at
        month += 1


def _midnight(year: int, month: int, day: int, zone: ZoneInfo) -> datetime:
    return datetime(year, month, day, tzinfo=zone).astimezone(UTC)


def _hour_text(at: datetime, zone: ZoneInfo, language: str) -> str:
    local = at.astimezone(zone)
    return _day_text(local, language) if local.hour == local.minute == 0 else f"{local:%H:%M}"


def _day_text(local: datetime, language: str) -> str:
    return f"{local.day}.{local.month}." if language == "de" else f"{local.day} {MONTHS['en'][local.month - 1]}"


def _month_text(local: datetime, language: str) -> str:
    return f"{MONTHS[language][local.month - 1]} {local.year}"


def moment(at: datetime, zone: ZoneInfo, language: str) -> str:
    """For sentences: ``23.11.2026, 14:05 Uhr`` or ``23 Nov 2026, 14:05``."""
    local = at.astimezone(zone)
    if language == "de":
        return f"{local:%d.%m.%Y, %H:%M} Uhr"
    return f"{local.day} {MONTHS['en'][local.month - 1]} {local:%Y, %H:%M}"
