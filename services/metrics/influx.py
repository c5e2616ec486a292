r"""Influx line protocol: ``traffic,line_id=UL-1 in_octets=1u,out_octets=2u 1767225600``. Pure.

Source: InfluxDB v2 line protocol reference. Escapes: ``\,`` and ``\ `` in measurements, also ``\=`` in tags and field
keys, ``\"`` and ``\\`` in quoted strings; any other backslash stands for itself. Integers are ``1i``, unsigned ``1u``.
"""

import math
import re
from collections.abc import Iterator

from chassis.errors import BadRequest, TooLarge
from services.metrics.series import MEASUREMENT, Readings, SeriesTable

MOST_LINES = 200_000
LONGEST_LINE = 64 * 1024
PER_MILLISECOND = {"ns": 1_000_000, "n": 1_000_000, "us": 1_000, "u": 1_000, "µ": 1_000, "ms": 1}
PER_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000}

_KEY = r"(?:\\.|[^\\,= \n])+"
_MEASUREMENT = r"(?:\\.|[^\\, \n])+"
_HEAD = re.compile(rf"({_MEASUREMENT})((?:,{_KEY}={_KEY})*) +", re.DOTALL)
_TAG = re.compile(rf",({_KEY})=({_KEY})", re.DOTALL)
_FIELD = re.compile(rf'({_KEY})=("(?:\\.|[^"\\])*"|[^", \n]+)(,|(?= |\n|\Z))', re.DOTALL)
_TIME = re.compile(r" *(-?\d{1,20})? *\Z")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\Z")
_INTEGER = re.compile(r"-?\d{1,30}[iu]\Z")
_ESCAPED = re.compile(r"\\([,= ])")


class UnknownPrecision(BadRequest):
    """The precision of the times is one of ns, us, ms, s, m, h."""

    de = "Die Genauigkeit der Zeiten ist eine von ns, us, ms, s, m, h."


class UnreadableLineProtocol(BadRequest):
    """The body is not line protocol in UTF-8."""

    de = "Der Inhalt ist kein Line Protocol in UTF-8."


class TooManyLines(TooLarge):
    """These are too many lines for one request."""

    de = "Das sind zu viele Zeilen für eine Anfrage."


class _Unreadable(Exception):
    """One line; those around it go in."""


def require_precision(precision: str) -> None:
    """Before anything is read.

    Raises:
        UnknownPrecision: none of those that exist.
    """
    if precision not in PER_MILLISECOND and precision not in PER_UNIT_MS:
        raise UnknownPrecision(detail=precision[:20])


def readings_of(body: bytes, table: SeriesTable, *, precision: str, now_ms: int) -> Readings:
    """The counters of known lines; a line that cannot be read is counted and stops nobody.

    ``now_ms`` stands for times that are left out.

    Raises:
        UnreadableLineProtocol: not UTF-8.
        TooManyLines: more than anybody sends at once.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise UnreadableLineProtocol from None
    readings = Readings()
    for count, line in enumerate(_lines(text), start=1):
        if count > MOST_LINES:
            raise TooManyLines(detail=f"at most {MOST_LINES}")
        try:
            _take(readings, table, line, precision, now_ms)
        except _Unreadable:
            readings.refused["unreadable_line"] += 1
    return readings


def _lines(text: str) -> Iterator[str]:
    """Without empty ones and comments; a line break inside a quoted string ends no line."""
    waiting = ""
    for part in text.split("\n"):
        line = f"{waiting}\n{part}" if waiting else part
        if not waiting and (not part.strip() or part.lstrip().startswith("#")):
            continue
        if _open_quote(line) and len(line) < LONGEST_LINE:
            waiting = line
            continue
        waiting = ""
        yield line.strip("\r")
    if waiting:
        yield waiting


def _open_quote(line: str) -> bool:
    """An odd number of quotes that count: none do in measurement and tags."""
    if '"' not in line:
        return False
    head = _HEAD.match(line)
    if head is None:
        return False
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', line[head.end() :])) % 2 == 1


def _take(readings: Readings, table: SeriesTable, line: str, precision: str, now_ms: int) -> None:
    head = _HEAD.match(line)
    if head is None or len(line) > LONGEST_LINE:
        raise _Unreadable
    labels = {MEASUREMENT: _plain(head[1])}
    labels |= {_plain(tag[1]): _plain(tag[2]) for tag in _TAG.finditer(head[2])}
    fields, end = _fields(line, head.end())
    time = _TIME.match(line, end)
    if time is None:
        raise _Unreadable
    at_ms = now_ms if time[1] is None else _milliseconds(int(time[1]), precision)
    for name, raw in fields:
        place = table.find(name, labels)
        if place is None:
            readings.ignored += 1
        elif not readings.claim(place, (name, labels)):
            readings.refused["two_series_for_one_line"] += 1
        elif (value := _number(raw)) is None:
            readings.refused["not_a_counter"] += 1
        else:
            readings.add(place, at_ms, value)


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _fields(line: str, at: int) -> tuple[list[tuple[str, str]], int]:
    found = []
    more = ","
    while more:
        match = _FIELD.match(line, at)
        if match is None:
            raise _Unreadable
        found.append((_plain(match[1]), match[2]))
        at, more = match.end(), match[3]
    return found, at


def _number(raw: str) -> float | int | None:
    """None for strings and truth values."""
    if _INTEGER.match(raw):
        return int(raw[:-1])
    if not _NUMBER.match(raw):
        return None
    value = float(raw)
    # beyond 2^53 a float's digits as they stand are more exact than the float
    exact = raw.lstrip("+")
    return int(exact) if exact.isdigit() and not math.isinf(value) else value


def _milliseconds(value: int, precision: str) -> int:
    if precision in PER_UNIT_MS:
        return value * PER_UNIT_MS[precision]
    return value // PER_MILLISECOND[precision]
