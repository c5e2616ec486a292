"""Writes what Prometheus sends, straight from the protobuf encoding guide, for tests."""

import struct
from collections.abc import Iterable, Mapping

import cramjam

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
Series = tuple[Mapping[str, str], Iterable[tuple[int, float]]]


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def in_field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def sample(at_ms: int, value: float) -> bytes:
    return b"\x09" + struct.pack("<d", value) + b"\x10" + varint(at_ms)


def time_series(labels: Mapping[str, str], samples: Iterable[tuple[int, float]]) -> bytes:
    parts = [
        in_field(1, in_field(1, name.encode()) + in_field(2, value.encode())) for name, value in sorted(labels.items())
    ]
    return b"".join([*parts, *(in_field(2, sample(*one)) for one in samples)])


def message(*series: Series) -> bytes:
    return b"".join(in_field(1, time_series(labels, samples)) for labels, samples in series)


def packed(content: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(content))
