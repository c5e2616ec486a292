"""The printed chart: well-formed whatever the names, gaps as gaps, ticks where the zone's clock says."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.axis import rate, rate_labels, rate_ticks, time_ticks
from services.metrics.svg import bandwidth_svg

BERLIN = ZoneInfo("Europe/Berlin")
SVG = "{http://www.w3.org/2000/svg}"
START = datetime(2026, 11, 1, tzinfo=UTC)


def an_answer(values: list[float | None], *, step: int = 300, **fields: Any) -> dict[str, Any]:
    end = START + timedelta(seconds=step * max(len(values), 1))
    known = [value for value in values if value is not None]
    summary = {"avg": sum(known) / len(known), "max": max(known), "p95": max(known)} if known else None
    empty = {"avg": None, "max": None, "p95": None}
    return {
        "from": START,
        "to": end,
        "step_seconds": step,
        "unit": "bit/s",
        "series": {
            "at": [START + timedelta(seconds=step * number) for number in range(len(values))],
            "in_avg": values,
            "in_max": values,
            "out_avg": [value and value / 2 for value in values],
            "out_max": [value and value / 2 for value in values],
        },
        "summary": {"in": summary or empty, "out": summary or empty},
        "p95": summary and summary["p95"],
        "commit_bps": 10_000_000,
        "samples": len(known),
        "expected_samples": len(values),
        "gaps": [],
    } | fields


def drawn(answer: dict[str, Any], **options: Any) -> ElementTree.Element:
    text = bandwidth_svg(answer, **{"title": "Uplink Berlin", "language": "de"} | options)
    return ElementTree.fromstring(text)


def lines_of(picture: ElementTree.Element, colour: str = "#1b5e9e", width: str = "1.5") -> list[str]:
    found = [p for p in picture.iter(f"{SVG}path") if p.get("stroke") == colour and p.get("stroke-width") == width]
    return [path.attrib["d"] for path in found]


def words_of(picture: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{SVG}text")]


def test_both_directions_commit_and_percentile_in_words() -> None:
    words = words_of(drawn(an_answer([1e6, 8.25e6, 3e6])))

    assert {"Uplink Berlin", "zu Ihnen", "von Ihnen", "vereinbart (Commit) 10 Mbit/s", "95. Perzentil 8,25 Mbit/s"} <= {
        *words
    }
    assert "Mbit/s" in words


def test_in_english_on_request_and_german_otherwise() -> None:
    assert "95th percentile 8.25 Mbit/s" in words_of(drawn(an_answer([8.25e6]), language="en"))
    assert "zu Ihnen" in words_of(drawn(an_answer([1.0]), language="fr"))


def test_the_curve_goes_through_the_values() -> None:
    (path,) = lines_of(drawn(an_answer([0.0, 10e6, 5e6], commit_bps=None)))

    heights = [float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", path)]
    assert heights == [248.0, 46.0, 147.0]


def test_a_gap_breaks_the_line_and_a_zero_does_not() -> None:
    with_gap, with_zero = an_answer([1e6, 2e6, None, 3e6, 1e6]), an_answer([1e6, 2e6, 0.0, 3e6, 1e6])

    assert [path.count("L") for path in lines_of(drawn(with_gap))] == [1, 1]
    assert [path.count("L") for path in lines_of(drawn(with_zero))] == [4]


def test_a_lone_value_between_gaps_can_be_seen() -> None:
    (path,) = lines_of(drawn(an_answer([None, 5e6, None])))

    first, second = path.removeprefix("M").split("L")
    assert first == second


def test_gaps_are_shaded() -> None:
    gap = {"from": START + timedelta(minutes=5), "to": START + timedelta(minutes=10)}

    picture = drawn(an_answer([1e6, None, 1e6, 1e6], gaps=[gap]))

    (shade,) = [one for one in picture.iter(f"{SVG}rect") if one.get("fill") == "#e6e6e6"]
    assert [float(shade.attrib[name]) for name in ("x", "width")] == [272.5, 202.5]
    assert [title.text for title in shade] == ["nicht gemessen"]


def test_nothing_measured_is_said() -> None:
    for values in ([], [None, None]):
        assert "In diesem Zeitraum wurde nichts gemessen." in words_of(drawn(an_answer(values, p95=None)))


def test_screen_readers_hear_title_and_figures() -> None:
    picture = drawn(an_answer([2e6, 4e6, None]))

    assert picture.get("role") == "img"
    named = {one.get("id"): one.text or "" for one in picture if one.tag in (f"{SVG}title", f"{SVG}desc")}
    assert picture.attrib["aria-labelledby"].split() == list(named)
    assert list(named.values()) == [
        "Uplink Berlin",
        (
            "01.11.2026, 01:00 Uhr bis 01.11.2026, 01:15 Uhr. Zu Ihnen im Mittel 3 Mbit/s, höchstens 4 Mbit/s. "
            "Von Ihnen im Mittel 3 Mbit/s, höchstens 4 Mbit/s. 95. Perzentil: 4 Mbit/s. "
            "Vereinbart (Commit): 10 Mbit/s. 2 von 3 Messwerten."
        ),
    ]


@given(st.text())
def test_any_title_is_escaped(title: str) -> None:
    picture = drawn(an_answer([1e6]), title=title)

    assert not list(picture.iter("script"))
    allowed = re.sub("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", title)
    found = picture.find(f"{SVG}title")
    assert found is not None
    assert (found.text or "") == allowed.replace("\r\n", "\n").replace("\r", "\n")


def test_markup_in_a_title_stays_words() -> None:
    text = bandwidth_svg(an_answer([1.0]), title='"><script>alert(1)</script>', language="de")

    assert "<script" not in text
    ElementTree.fromstring(text)


def test_times_may_be_texts_or_seconds_as_in_json() -> None:
    answer = an_answer([1e6, 2e6])
    texts = answer | {"from": answer["from"].isoformat(), "to": int(answer["to"].timestamp())}
    texts["series"] = answer["series"] | {"at": [at.isoformat() for at in answer["series"]["at"]]}

    options = {"title": "x", "language": "de"}
    assert bandwidth_svg(texts, **options) == bandwidth_svg(answer, **options)


@pytest.mark.parametrize(
    ("value", "german", "english"),
    [
        (0, "0 bit/s", "0 bit/s"),
        (999, "999 bit/s", "999 bit/s"),
        (999.6, "1 kbit/s", "1 kbit/s"),
        (1234, "1,23 kbit/s", "1.23 kbit/s"),
        (10_000_000, "10 Mbit/s", "10 Mbit/s"),
        (12_345_678, "12,3 Mbit/s", "12.3 Mbit/s"),
        (999_600_000, "1 Gbit/s", "1 Gbit/s"),
        (123_456_789_000, "123 Gbit/s", "123 Gbit/s"),
        (4e18, "4000 Pbit/s", "4000 Pbit/s"),
    ],
)
def test_rates_are_written_in_base_1000(value: float, german: str, english: str) -> None:
    assert (rate(value, "de"), rate(value, "en")) == (german, english)


@pytest.mark.parametrize(
    ("highest", "labels", "unit"),
    [
        (0, ["0", "1"], "bit/s"),
        (9_500_000, ["0", "2", "4", "6", "8", "10"], "Mbit/s"),
        (10_000_000, ["0", "2", "4", "6", "8", "10"], "Mbit/s"),
        (1_100_000_000, ["0", "0,5", "1", "1,5"], "Gbit/s"),
        (450, ["0", "100", "200", "300", "400", "500"], "bit/s"),
    ],
)
def test_rate_ticks_are_round(highest: float, labels: list[str], unit: str) -> None:
    assert rate_labels(rate_ticks(highest, count=5), "de") == (labels, unit)


@given(st.floats(min_value=1e-3, max_value=1e15))
def test_rate_ticks_cover_the_highest_value_with_few_steps(highest: float) -> None:
    ticks = rate_ticks(highest, count=5)

    assert ticks[-1] >= highest * (1 - 1e-6)
    assert len(ticks) <= 7


def local(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=BERLIN).astimezone(UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("start", "end", "most", "texts"),
    [
        (local(2026, 11, 1), local(2026, 11, 2), 8, ["1.11.", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00"]),
        (
            local(2026, 10, 25),
            local(2026, 10, 25, 5),
            6,
            ["25.10.", "01:00", "02:00", "02:00", "03:00", "04:00", "05:00"],
        ),
        (local(2026, 3, 29), local(2026, 3, 29, 5), 6, ["29.3.", "01:00", "03:00", "04:00", "05:00"]),
        (local(2026, 11, 2), local(2026, 11, 9), 8, ["2.11.", "3.11.", "4.11.", "5.11.", "6.11.", "7.11.", "8.11."]),
        (local(2026, 10, 1), local(2026, 11, 1), 6, ["5.10.", "12.10.", "19.10.", "26.10."]),
        (local(2026, 1, 1), local(2026, 12, 31), 8, ["Jan 2026", "März 2026", "Mai 2026", "Juli 2026", "Sep 2026"]),
    ],
)
def test_time_ticks_stand_where_the_zones_clock_says(
    start: datetime, end: datetime, most: int, texts: list[str]
) -> None:
    found = [tick.text for tick in time_ticks(start, end, BERLIN, most=most, language="de")]

    assert found[: len(texts)] == texts


def test_day_ticks_are_at_local_midnight_on_both_sides_of_a_clock_change() -> None:
    ticks = time_ticks(local(2026, 10, 24), local(2026, 10, 28), BERLIN, most=5, language="de")

    assert [tick.at.hour for tick in ticks] == [22, 22, 23, 23, 23]


@pytest.mark.parametrize("days", [0.01, 0.5, 1, 7, 31, 366, 3660, 18_300])
def test_there_are_never_too_many_ticks(days: float) -> None:
    ticks = time_ticks(START, START + timedelta(days=days), BERLIN, most=10, language="en")

    assert 1 <= len(ticks) <= 12
