"""Hours, days and months of a customer's time zone, as seconds since 1970. Pure."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SLOT = 300
DEFAULT_ZONE = "Europe/Berlin"

Bucket = Literal["hour", "day", "month"]
Span = tuple[int, int]
"""Start and end."""

_MONTH = re.compile(r"(19[7-9]\d|20\d\d|21\d\d)-(0[1-9]|1[0-2])")


def zone(name: str) -> ZoneInfo:
    """The time zone of this name; what nobody knows is read as Berlin's."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(DEFAULT_ZONE)


def month_span(month: str, tz: ZoneInfo) -> Span:
    """Of ``YYYY-MM``.

    Raises:
        ValueError: not a month between 1970 and 2199.
    """
    matched = _MONTH.fullmatch(month)
    if matched is None:
        raise ValueError(month)
    first = date(int(matched[1]), int(matched[2]), 1)
    return _midnight(first, tz), _midnight(_after(first, "month"), tz)


def month_at(at: datetime, tz: ZoneInfo) -> str:
    """``YYYY-MM`` of a moment."""
    return f"{at.astimezone(tz):%Y-%m}"


def slots_in(span: Span) -> int:
    """How many 5-minute slots it has; 300 on the day when the clock is set back."""
    return (span[1] - span[0]) // SLOT


def buckets(start: int, end: int, bucket: Bucket, tz: ZoneInfo) -> Iterator[Span]:
    """Whole buckets that cover the range."""
    if bucket == "hour":
        # the offsets of all zones are whole minutes since long; hours follow the clock on the wall
        offset = int((datetime.fromtimestamp(start, tz).utcoffset() or timedelta()).total_seconds()) % 3600
        at = (start + offset) // 3600 * 3600 - offset
        while at < end:
            yield at, at + 3600
            at += 3600
        return
    day = datetime.fromtimestamp(start, tz).date()
    day = day.replace(day=1) if bucket == "month" else day
    while (at := _midnight(day, tz)) < end:
        following = _after(day, bucket)
        if at < (end_of_day := _midnight(following, tz)):  # a zone may leave out a whole day
            yield at, end_of_day
        day = following


def _after(day: date, bucket: Bucket) -> date:
    if bucket == "day":
        return day + timedelta(days=1)
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _midnight(day: date, tz: ZoneInfo) -> int:
    """The first moment of a local day; where the clock leaps over midnight, the moment of the leap."""
    local = datetime(day.year, day.month, day.day, tzinfo=tz)
    at = int(local.timestamp())
    there_and_back = datetime.fromtimestamp(at, UTC).astimezone(tz)
    return at if there_and_back.date() == day else at + int((local - there_and_back.replace(tzinfo=tz)).total_seconds())
