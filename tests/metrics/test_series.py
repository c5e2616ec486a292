"""The table of series: which port is which line and direction, and how two counters become one sample."""

import pytest
from pydantic import ValidationError

from services.metrics.series import MEASUREMENT, Pair, Reading, Readings, SeriesRule, SeriesTable, paired

AT = 1_790_000_000_000
PORT = {"instance": "r1.nordwelle.example", "ifName": "xe-0/0/1"}


def test_what_the_operators_port_sends_comes_in_to_the_customer() -> None:
    table = SeriesTable([SeriesRule(labels=PORT, line="UL-1")])

    assert table.find("ifHCOutOctets", PORT | {"job": "snmp"}) == ("UL-1", "in")
    assert table.find("ifHCInOctets", PORT) == ("UL-1", "out")
    assert table.find("ifHCInOctets", PORT | {"ifName": "xe-0/0/2"}) is None
    assert table.find("ifHCInOctets", {"ifName": "xe-0/0/1"}) is None
    assert table.find("ifInErrors", PORT) is None


def test_a_port_on_the_customers_side_is_told_by_its_counters_names() -> None:
    table = SeriesTable([SeriesRule(line="UL-1", in_octets="ifHCInOctets", out_octets="ifHCOutOctets")])

    assert table.find("ifHCInOctets", {}) == ("UL-1", "in")


def test_one_rule_names_all_lines_by_a_label() -> None:
    table = SeriesTable([SeriesRule(labels={"job": "snmp"}, line="{site}-{ifAlias}")])

    assert table.find("ifHCInOctets", {"job": "snmp", "site": "ber", "ifAlias": "4711"}) == ("ber-4711", "out")
    assert table.find("ifHCInOctets", {"job": "snmp", "site": "ber", "ifAlias": ""}) is None
    assert table.find("ifHCInOctets", {"job": "snmp", "site": "ber"}) is None


def test_the_first_rule_that_fits_wins_whatever_labels_it_asks_for() -> None:
    general, special = SeriesRule(line="general"), SeriesRule(labels=PORT, line="special")

    assert SeriesTable([general, special]).find("ifHCInOctets", PORT) == ("general", "out")
    assert SeriesTable([special, general]).find("ifHCInOctets", PORT) == ("special", "out")
    assert SeriesTable([special, general]).find("ifHCInOctets", {}) == ("general", "out")


def test_a_rule_whose_label_is_missing_leaves_room_for_the_next() -> None:
    table = SeriesTable([SeriesRule(line="{ifAlias}"), SeriesRule(line="rest")])

    assert table.find("ifHCInOctets", {}) == ("rest", "out")


def test_the_plain_form_needs_no_table() -> None:
    labels = {MEASUREMENT: "traffic", "line_id": "UL-1"}

    assert SeriesTable([]).find("in_octets", labels) == ("UL-1", "in")
    assert SeriesTable([]).find("in_octets", {"line_id": "UL-1"}) is None


@pytest.mark.parametrize("line", ["", "{ifAlias", "ifAlias}", "{}", "{a{b}}"])
def test_rules_that_mean_nothing_are_refused_at_start(line: str) -> None:
    with pytest.raises(ValidationError):
        SeriesRule(line=line)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (-1.0, "negative_counter"),
        (float("-inf"), "negative_counter"),
        (float("inf"), "counter_too_large"),
        (2.0**64, "counter_too_large"),
        (2**64, "counter_too_large"),
        (0.5, "not_a_counter"),
    ],
)
def test_values_that_are_no_counters_are_counted(value: float, reason: str) -> None:
    readings = Readings()
    readings.add(("UL-1", "in"), AT, value)

    assert readings.refused == {reason: 1}
    assert readings.found == []


@pytest.mark.parametrize("value", [0.0, 1, 2.0**53, 2**64 - 1])
def test_values_that_are_counters_are_exact(value: float) -> None:
    readings = Readings()
    readings.add(("UL-1", "in"), AT, value)

    assert readings.found == [Reading("UL-1", AT, "in", int(value))]


@pytest.mark.parametrize(
    ("line", "at_ms", "reason"),
    [
        ("x" * 65, AT, "invalid_line_id"),
        ("UL\n1", AT, "invalid_line_id"),
        ("UL-1", -1, "invalid_time"),
        ("UL-1", 253_402_300_800_000, "invalid_time"),
    ],
)
def test_lines_and_times_that_cannot_be(line: str, at_ms: int, reason: str) -> None:
    readings = Readings()
    readings.add((line, "in"), at_ms, 1)

    assert readings.refused == {reason: 1}


def test_what_is_not_a_number_is_neither_sample_nor_error() -> None:
    readings = Readings()
    readings.add(("UL-1", "in"), AT, float("nan"))

    assert (readings.found, readings.refused) == ([], {})


def test_counters_are_paired_by_line_and_moment() -> None:
    readings = [
        Reading("UL-2", AT, "in", 5),
        Reading("UL-1", AT + 1, "out", 4),
        Reading("UL-1", AT, "out", 2),
        Reading("UL-1", AT, "in", 9),
        Reading("UL-1", AT, "in", 1),
    ]

    pairs = paired(readings)

    assert pairs == [Pair("UL-1", AT, 1, 2), Pair("UL-1", AT + 1, None, 4), Pair("UL-2", AT, 5, None)]
    assert [pair.whole for pair in pairs] == [True, False, False]
