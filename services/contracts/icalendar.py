"""Writes calendars (iCalendar) that Thunderbird, Outlook and Apple's calendar read. Pure.

Sources: RFC 5545 (§3.1 folding, §3.3.11 escaping, §3.6.1 events, §3.6.6 alarms), RFC 7986 (name and refresh interval).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

_LINE_BYTES = 75
_NINE_O_CLOCK = 15
"""Hours before midnight of the day after: an alarm n days before rings at nine in the morning."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One day in the calendar.

    Attributes:
        uid: The same for the same thing, whatever becomes of its day or words.
        sequence: Grows with every change.
        changed_at: When it last changed; the same entry is the same text.
        alarms: Days on which to remind, before the day itself.
    """

    uid: str
    sequence: int
    changed_at: datetime
    day: date
    summary: str
    description: str
    url: str
    alarms: tuple[date, ...] = ()


def calendar(name: str, language: str, entries: Iterable[Entry]) -> bytes:
    """The whole file: CRLF, folded, UTF-8. Same entries, same bytes."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//Kundenportal//Contracts//{language.upper()}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{escaped(name)}",
        f"X-WR-CALNAME:{escaped(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT6H",
        "X-PUBLISHED-TTL:PT6H",
    ]
    for entry in entries:
        lines += _event(entry)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded(line)}\r\n" for line in lines).encode()


def _event(entry: Entry) -> list[str]:
    stamp = f"{entry.changed_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    lines = [
        "BEGIN:VEVENT",
        f"UID:{escaped(entry.uid)}",
        f"DTSTAMP:{stamp}",
        f"LAST-MODIFIED:{stamp}",
        f"SEQUENCE:{entry.sequence}",
        f"DTSTART;VALUE=DATE:{entry.day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{entry.day + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{escaped(entry.summary)}",
        f"DESCRIPTION:{escaped(entry.description)}",
        f"URL:{entry.url}",
        "STATUS:CONFIRMED",
        "TRANSP:TRANSPARENT",
    ]
    for day in entry.alarms:
        lines += [
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            f"DESCRIPTION:{escaped(entry.summary)}",
            # relative: every program knows it; absolute ones are dropped by some
            f"TRIGGER:-P{(entry.day - day).days - 1}DT{_NINE_O_CLOCK}H",
            "END:VALARM",
        ]
    return [*lines, "END:VEVENT"]


def escaped(text: str) -> str:
    """A value of type TEXT; control characters, which no program shows, go."""
    text = text.replace("\r\n", "\n").replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return "".join(letter for letter in text if letter >= " " and letter != "\x7f")


def folded(line: str) -> str:
    """At most 75 bytes in a line, never within a character; what goes on begins with a space."""
    pieces, piece, room = [], "", _LINE_BYTES
    for letter in line:
        size = len(letter.encode())
        if size > room:
            pieces.append(piece)
            piece, room = " ", _LINE_BYTES - 1
        piece += letter
        room -= size
    return "\r\n".join([*pieces, piece])
