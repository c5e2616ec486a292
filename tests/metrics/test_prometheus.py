"""Remote-write 1.0 read by hand: what Prometheus sends, and what liars send."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.prometheus import (
    LARGEST_MESSAGE_BYTES,
    MOST_SERIES,
    NotRemoteWrite1,
    UnreadableWriteRequest,
    WriteRequestTooLarge,
    readings_of,
    require_version_1,
    unpacked,
)
from services.metrics.series import Reading, SeriesRule, SeriesTable
from tests.metrics.write_request import in_field, message, packed, sample, time_series, varint

AT = 1_790_000_000_000
TABLE = SeriesTable([SeriesRule(labels={"job": "snmp"}, line="{ifAlias}")])
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0_0000_0000_0002))[0]


def labels(counter: str = "ifHCInOctets", alias: str = "UL-1", **more: str) -> dict[str, str]:
    return {"__name__": counter, "job": "snmp", "ifAlias": alias} | more


def test_both_counters_of_a_line_are_found() -> None:
    sent = message((labels("ifHCInOctets"), [(AT, 7.0)]), (labels("ifHCOutOctets"), [(AT, 9.0), (AT + 1, 10.0)]))

    found = readings_of(unpacked(packed(sent)), TABLE)

    assert found.found == [
        Reading("UL-1", AT, "out", 7),
        Reading("UL-1", AT, "in", 9),
        Reading("UL-1", AT + 1, "in", 10),
    ]


def test_series_nobody_asked_for_are_ignored_not_refused() -> None:
    found = readings_of(message(({"__name__": "up", "job": "snmp"}, [(AT, 1.0), (AT + 1, 1.0)])), TABLE)

    assert (found.found, found.ignored, found.refused) == ([], 2, {})


def test_stale_markers_and_nan_are_no_samples() -> None:
    found = readings_of(message((labels(), [(AT, STALE), (AT, float("nan"))])), TABLE)

    assert (found.found, found.ignored, found.refused) == ([], 0, {})


def test_two_ports_in_one_line_are_told_and_only_the_first_counts() -> None:
    sent = message((labels(ifName="a"), [(AT, 5.0)]), (labels(ifName="b"), [(AT, 6.0)]), (labels(ifName="a"), [(9, 9)]))

    found = readings_of(sent, TABLE)

    assert [reading.octets for reading in found.found] == [5, 9]
    assert found.refused == {"two_series_for_one_line": 1}


def test_zeros_that_protobuf_leaves_out() -> None:
    names = b"".join(in_field(1, in_field(1, n.encode()) + in_field(2, v.encode())) for n, v in labels().items())

    found = readings_of(in_field(1, names + in_field(2, b"")), TABLE)

    assert found.found == [Reading("UL-1", 0, "out", 0)]


def test_times_before_1970_are_refused_not_misread() -> None:
    assert readings_of(message((labels(), [(-1, 1.0)])), TABLE).refused == {"invalid_time": 1}


def test_metadata_exemplars_and_histograms_are_stepped_over() -> None:
    series = time_series(labels(), [(AT, 1.0)]) + in_field(3, b"exemplar") + in_field(4, b"histogram")
    sent = in_field(3, b"metadata") + in_field(1, series) + b"\x20\x05" + b"\x2d1234" + b"\x3112345678"

    assert len(readings_of(sent, TABLE).found) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"\x0a",
        b"\x0a\x05ab",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x0b\x00",
        b"\xff" * 11,
        in_field(1, in_field(1, in_field(1, b"\xff"))),
        in_field(1, in_field(2, b"\x09\x00")),
        in_field(1, in_field(2, in_field(1, b"12345678"))),
        in_field(1, in_field(1, b"") * 101),
    ],
)
def test_what_is_not_a_write_request_is_refused(sent: bytes) -> None:
    with pytest.raises(UnreadableWriteRequest):
        readings_of(sent, TABLE)


def test_a_length_beyond_the_limit_is_refused_before_unpacking() -> None:
    with pytest.raises(WriteRequestTooLarge):
        unpacked(varint(LARGEST_MESSAGE_BYTES + 1) + b"\x00a")
    with pytest.raises(WriteRequestTooLarge):
        unpacked(varint(2**32 - 1))


@pytest.mark.parametrize("declared", [0, 3, 5, 2000, LARGEST_MESSAGE_BYTES])
def test_a_length_that_lies_is_refused(declared: int) -> None:
    block = packed(b"four")

    with pytest.raises(UnreadableWriteRequest):
        unpacked(varint(declared) + block[1:])


@pytest.mark.parametrize("body", [b"", b"\x80", b"\xff\xff\xff\xff\xff", b"not snappy at all"])
def test_what_is_no_snappy_block_is_refused(body: bytes) -> None:
    with pytest.raises((UnreadableWriteRequest, WriteRequestTooLarge)):
        unpacked(body)


def test_hundreds_of_thousands_of_empty_series_are_refused() -> None:
    with pytest.raises(WriteRequestTooLarge):
        readings_of(b"\x0a\x00" * (MOST_SERIES + 1), TABLE)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for read in (lambda: unpacked(body), lambda: readings_of(body, TABLE)):
        with contextlib.suppress(UnreadableWriteRequest, WriteRequestTooLarge):
            read()


@given(
    st.lists(
        st.tuples(st.integers(0, 2**42), st.integers(0, 2**53), st.sampled_from(["ifHCInOctets", "ifHCOutOctets"])),
        max_size=20,
    )
)
def test_whatever_is_written_is_read_again(sent: list[tuple[int, int, str]]) -> None:
    body = message(*((labels(counter), [(at, float(octets))]) for at, octets, counter in sent))

    found = readings_of(unpacked(packed(body)), TABLE).found

    assert [(at, octets, "ifHCInOctets" if way == "out" else "ifHCOutOctets") for _, at, way, octets in found] == sent


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-protobuf",
        "application/x-protobuf;proto=prometheus.WriteRequest",
        'Application/X-Protobuf; proto="prometheus.WriteRequest"',
    ],
)
def test_version_1_is_taken(content_type: str) -> None:
    require_version_1(content_type, "snappy")


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy"),
        ("application/json", "snappy"),
        ("", "snappy"),
        ("application/x-protobuf", "gzip"),
        ("application/x-protobuf", ""),
    ],
)
def test_anything_else_is_answered_415_so_that_senders_fall_back(content_type: str, encoding: str) -> None:
    with pytest.raises(NotRemoteWrite1) as refusal:
        require_version_1(content_type, encoding)

    assert refusal.value.status == 415


def test_the_samples_helper_writes_what_the_guide_says() -> None:
    assert sample(150, 1.0) == b"\x09" + struct.pack("<d", 1.0) + b"\x10\x96\x01"
