"""Line protocol: escapes, kinds of numbers, precisions, lines that cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.influx import (
    MOST_LINES,
    TooManyLines,
    UnknownPrecision,
    UnreadableLineProtocol,
    readings_of,
    require_precision,
)
from services.metrics.series import MEASUREMENT, Reading, Readings, SeriesRule, SeriesTable

AT = 1_790_000_000_000
NOW = AT + 5_000
TABLE = SeriesTable([SeriesRule(labels={MEASUREMENT: "interface"}, line="{ifAlias}")])


def read(text: str, *, precision: str = "ms") -> Readings:
    return readings_of(text.encode(), TABLE, precision=precision, now_ms=NOW)


def test_the_plain_form() -> None:
    found = read(f"traffic,line_id=UL-1 in_octets=18446744073709551615u,out_octets=2i {AT}\n").found

    assert found == [Reading("UL-1", AT, "in", 2**64 - 1), Reading("UL-1", AT, "out", 2)]


def test_what_telegraf_sends() -> None:
    found = read(
        "interface,agent_host=192.0.2.1,host=nms,ifAlias=UL-1,ifName=xe-0/0/1 "
        f'ifHCInOctets=10u,ifHCOutOctets=20u,ifDescr="port, one = \\"1\\"",ifUp=true {AT}'
    )

    assert found.found == [Reading("UL-1", AT, "out", 10), Reading("UL-1", AT, "in", 20)]
    assert (found.ignored, found.refused) == (2, {})


@pytest.mark.parametrize(
    ("tag", "line_id"),
    [
        (r"UL\ 1", "UL 1"),
        (r"UL\,1", "UL,1"),
        (r"UL\=1", "UL=1"),
        ("UL\\1", "UL\\1"),
        (r"UL\\1", r"UL\\1"),
        ('UL"1', 'UL"1'),
        ("Leitung-ÄÖ", "Leitung-ÄÖ"),
    ],
)
def test_escapes_in_tags(tag: str, line_id: str) -> None:
    assert read(f"traffic,line_id={tag} in_octets=1i {AT}").found == [Reading(line_id, AT, "in", 1)]


def test_escapes_in_measurement_and_field_keys() -> None:
    table = SeriesTable([SeriesRule(labels={MEASUREMENT: "my port,x"}, line="L", in_octets="in oct", out_octets="o=,")])
    body = rf"my\ port\,x in\ oct=1i,o\=\,=2i {AT}".encode()

    found = readings_of(body, table, precision="ms", now_ms=NOW).found

    assert found == [Reading("L", AT, "in", 1), Reading("L", AT, "out", 2)]


def test_comments_blank_lines_and_line_breaks_in_strings() -> None:
    text = f'# traffic,line_id=X in_octets=9i 1\n\n  \r\ntraffic,line_id=UL-1 note="a\nb",in_octets=1i {AT}\r\n'

    found = read(text)

    assert found.found == [Reading("UL-1", AT, "in", 1)]
    assert found.refused == {}


@pytest.mark.parametrize(
    ("value", "octets"),
    [("5", 5), ("5.0", 5), ("+5", 5), ("5e3", 5000), ("5i", 5), ("5u", 5), ("9007199254740993", 9007199254740993)],
)
def test_all_kinds_of_numbers(value: str, octets: int) -> None:
    assert read(f"traffic,line_id=UL-1 in_octets={value} {AT}").found == [Reading("UL-1", AT, "in", octets)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("-5i", "negative_counter"),
        ("18446744073709551616u", "counter_too_large"),
        ("1e400", "counter_too_large"),
        ("2.5", "not_a_counter"),
        ('"5"', "not_a_counter"),
        ("true", "not_a_counter"),
        ("five", "not_a_counter"),
        ("0x5", "not_a_counter"),
        ("NaN", "not_a_counter"),
    ],
)
def test_values_that_are_no_counters_are_counted(value: str, reason: str) -> None:
    found = read(f"traffic,line_id=UL-1 in_octets={value} {AT}\ntraffic,line_id=UL-1 in_octets=1i {AT}")

    assert found.refused == {reason: 1}
    assert [reading.octets for reading in found.found] == [1]


@pytest.mark.parametrize(
    "line",
    [
        "traffic",
        "traffic,line_id=UL-1",
        "traffic,line_id=UL-1 ",
        "traffic,line_id= in_octets=1i",
        "traffic,line_id=UL-1 in_octets=",
        "traffic,line_id=UL-1 in_octets=1i,",
        "traffic,line_id=UL-1 in_octets=1i yesterday",
        "traffic,line_id=UL-1 in_octets=1i 1 2",
        'traffic,line_id=UL-1 in_octets="open',
        ",line_id=UL-1 in_octets=1i",
        "=" * 70_000,
    ],
)
def test_a_line_that_cannot_be_read_stops_nobody_before_it(line: str) -> None:
    found = read(f"traffic,line_id=UL-1 in_octets=7i {AT}\n{line}")

    assert [reading.octets for reading in found.found] == [7]
    assert found.refused == {"unreadable_line": 1}


@pytest.mark.parametrize(
    ("precision", "stamp"),
    [
        ("ns", AT * 1_000_000 + 999_999),
        ("n", AT * 1_000_000),
        ("us", AT * 1_000),
        ("u", AT * 1_000),
        ("ms", AT),
        ("s", AT // 1_000),
    ],
)
def test_precisions(precision: str, stamp: int) -> None:
    require_precision(precision)

    found = read(f"traffic,line_id=UL-1 in_octets=1i {stamp}", precision=precision).found

    assert [reading.at_ms for reading in found] == [AT]


def test_times_that_are_left_out_are_now() -> None:
    assert [reading.at_ms for reading in read("traffic,line_id=UL-1 in_octets=1i").found] == [NOW]


@pytest.mark.parametrize("stamp", ["-1", "99999999999999999999"])
def test_times_that_cannot_be_are_counted(stamp: str) -> None:
    assert read(f"traffic,line_id=UL-1 in_octets=1i {stamp}").refused == {"invalid_time": 1}


@pytest.mark.parametrize("precision", ["", "d", "ps", "S"])
def test_unknown_precisions_are_refused(precision: str) -> None:
    with pytest.raises(UnknownPrecision):
        require_precision(precision)


def test_bytes_that_are_not_text_are_refused() -> None:
    with pytest.raises(UnreadableLineProtocol):
        readings_of(b"traffic,line_id=\xff in_octets=1i", TABLE, precision="ns", now_ms=NOW)


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(TooManyLines):
        readings_of(b"x y=1\n" * (MOST_LINES + 1), TABLE, precision="ns", now_ms=NOW)


@given(st.text(max_size=200))
def test_any_text_is_read_or_counted(text: str) -> None:
    found = read(text)

    assert set(found.refused) <= {"unreadable_line", "not_a_counter", "invalid_time", "invalid_line_id"}


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=30))
def test_any_line_id_can_be_written(line_id: str) -> None:
    escaped = line_id.replace(",", r"\,").replace("=", r"\=").replace(" ", r"\ ")
    if "\\" in line_id:
        return

    found = read(f"traffic,line_id={escaped} in_octets=1i {AT}")

    assert [reading.line_id for reading in found.found] in ([line_id], [])
    assert found.found or found.refused == {"invalid_line_id": 1}
