"""Prometheus remote-write 1.0: a snappy block with the protobuf message `WriteRequest`, read by hand. Pure.

Source: Prometheus Remote-Write 1.0 specification; protobuf encoding guide. Strings and numbers only; exemplars,
histograms and metadata are stepped over. Nothing is unpacked before its declared size is known to fit.
"""

import struct
from collections.abc import Iterator

import cramjam

from chassis.errors import BadRequest, TooLarge, UnsupportedMedia
from services.metrics.series import Place, Readings, SeriesTable

LARGEST_MESSAGE_BYTES = 16 * 1024**2
MOST_SERIES = 100_000
MOST_SAMPLES = 200_000
MOST_LABELS = 100
VERSION_1 = "prometheus.WriteRequest"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DOUBLE = struct.Struct("<d")
_NAME = "__name__"
_TAKEN: Place = ("", "in")
"""Another series is this line already."""

Field = tuple[int, int, int, int]
"""Number, wire type, then start and end of its bytes, or value and 0."""


class NotRemoteWrite1(UnsupportedMedia):
    """Only Prometheus remote-write 1.0 is taken here: application/x-protobuf in snappy."""

    de = "Hier wird nur Prometheus Remote-Write 1.0 angenommen: application/x-protobuf in Snappy."


class UnreadableWriteRequest(BadRequest):
    """The body is not a WriteRequest of remote-write 1.0 in a snappy block."""

    de = "Der Inhalt ist kein WriteRequest von Remote-Write 1.0 in einem Snappy-Block."


class WriteRequestTooLarge(TooLarge):
    """The unpacked message, or the number of its series or samples, is too large."""

    de = "Die ausgepackte Nachricht oder die Zahl ihrer Reihen oder Messwerte ist zu groß."


def require_version_1(content_type: str, content_encoding: str) -> None:
    """A sender of 2.0 falls back to 1.0 when it is told so by this answer.

    Raises:
        NotRemoteWrite1: something else is announced.
    """
    kind, _, parameters = content_type.lower().partition(";")
    proto = dict(part.strip().partition("=")[::2] for part in parameters.split(";")).get("proto", "").strip('"')
    if kind.strip() != "application/x-protobuf" or proto not in ("", VERSION_1.lower()):
        raise NotRemoteWrite1(detail=f"Content-Type {content_type[:100]}")
    if content_encoding.strip().lower() != "snappy":
        raise NotRemoteWrite1(detail=f"Content-Encoding {content_encoding[:100] or 'missing'}")


def unpacked(body: bytes, *, limit: int = LARGEST_MESSAGE_BYTES) -> bytes:
    """The message inside the snappy block.

    Raises:
        WriteRequestTooLarge: it says that it is larger than the limit; nothing was unpacked.
        UnreadableWriteRequest: it is no snappy block, or not as long as it says.
    """
    declared, _ = _varint(body[:5], 0)
    if declared > limit:
        raise WriteRequestTooLarge(detail=f"{declared} bytes, at most {limit}")
    try:
        # its own length check is what catches a block that lies about it
        message = bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError:
        raise UnreadableWriteRequest(detail="not a snappy block") from None
    if len(message) != declared:
        raise UnreadableWriteRequest(detail="the block is not as long as it says")
    return message


def readings_of(message: bytes, table: SeriesTable) -> Readings:
    """The counters of known lines in a WriteRequest.

    Raises:
        UnreadableWriteRequest: not protobuf.
        WriteRequestTooLarge: more series or samples than anybody sends at once.
    """
    readings = Readings()
    series = samples = 0
    known: dict[tuple[bytes, ...], Place | None] = {}
    for number, wire, start, end in _fields(message, 0, len(message)):
        if number != 1 or wire != _BYTES:
            continue
        series += 1
        raw, values = _series(message, start, end)
        samples += len(values)
        if series > MOST_SERIES or samples > MOST_SAMPLES:
            raise WriteRequestTooLarge(detail=f"at most {MOST_SERIES} series and {MOST_SAMPLES} samples")
        # senders repeat a series' labels with each of its samples
        if raw not in known:
            known[raw] = _place(readings, table, _labels(raw))
        place = known[raw]
        if place is None:
            readings.ignored += len(values)
        elif place == _TAKEN:
            readings.refused["two_series_for_one_line"] += len(values)
        else:
            for at_ms, value in values:
                readings.add(place, at_ms, value)
    return readings


def _place(readings: Readings, table: SeriesTable, labels: dict[str, str]) -> Place | None:
    place = table.find(labels.get(_NAME, ""), labels)
    return place if place is None or readings.claim(place, labels) else _TAKEN


def _series(message: bytes, start: int, end: int) -> tuple[tuple[bytes, ...], list[tuple[int, float]]]:
    """The labels as they stand, and the samples, of a TimeSeries."""
    labels: list[bytes] = []
    values: list[tuple[int, float]] = []
    for number, wire, first, last in _fields(message, start, end):
        if number == 2 and wire == _BYTES:
            values.append(_sample(message, first, last))
        elif number == 1 and wire == _BYTES:
            labels.append(message[first:last])
    if len(labels) > MOST_LABELS:
        raise UnreadableWriteRequest(detail=f"a series with more than {MOST_LABELS} labels")
    return tuple(labels), values


def _labels(raw: tuple[bytes, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for label in raw:
        texts = {1: "", 2: ""}
        for number, wire, first, last in _fields(label, 0, len(label)):
            if number in texts and wire == _BYTES:
                texts[number] = _text(label[first:last])
        found[texts[1]] = texts[2]
    return found


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UnreadableWriteRequest(detail="a label that is not UTF-8") from None


def _sample(message: bytes, start: int, end: int) -> tuple[int, float]:
    """Milliseconds and value; protobuf leaves out what is zero."""
    at_ms, value = 0, 0.0
    for number, wire, first, last in _fields(message, start, end):
        if number == 1 and wire == _FIXED64:
            (value,) = _DOUBLE.unpack_from(message, first)
        elif number == 2 and wire == _VARINT:
            at_ms = first - 2**64 if first >= 2**63 else first
        elif number in (1, 2):
            raise UnreadableWriteRequest(detail=f"field {number} of a sample has wire type {wire}, {last}")
    return at_ms, value


def _fields(data: bytes, at: int, end: int) -> Iterator[Field]:
    while at < end:
        key, at = _varint(data, at)
        wire = key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            _require(at <= end)
            yield key >> 3, wire, value, 0
            continue
        if wire == _BYTES:
            length, at = _varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise UnreadableWriteRequest(detail=f"wire type {wire}")
        _require(at + length <= end)
        yield key >> 3, wire, at, at + length
        at += length


def _require(fits: bool) -> None:
    if not fits:
        raise UnreadableWriteRequest(detail="it ends in the middle of a field")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    for place in range(at, min(at + 10, len(data))):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place + 1
        shift += 7
    raise UnreadableWriteRequest(detail="a number without end")
