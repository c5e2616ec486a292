"""A bandwidth chart for mails and print: drawn here, so that paper and mail show what the screen shows. Pure.

Black on white with two colours that also differ in grey; words for both directions; a sentence for screen readers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from services.metrics.axis import moment, rate, rate_labels, rate_ticks, time_ticks

WORDS = {
    "de": {
        "in": "zu Ihnen",
        "out": "von Ihnen",
        "commit": "vereinbart (Commit)",
        "p95": "95. Perzentil",
        "gap": "nicht gemessen",
        "none": "In diesem Zeitraum wurde nichts gemessen.",
        "mean": "im Mittel",
        "max": "höchstens",
        "range": "{start} bis {end}.",
        "counted": "{samples} von {expected} Messwerten.",
    },
    "en": {
        "in": "to you",
        "out": "from you",
        "commit": "commit",
        "p95": "95th percentile",
        "gap": "not measured",
        "none": "Nothing was measured in this range.",
        "mean": "on average",
        "max": "at most",
        "range": "{start} to {end}.",
        "counted": "{samples} of {expected} samples.",
    },
}
COLOURS = {"in": "#1b5e9e", "out": "#b35900", "commit": "#a00020", "p95": "#444444"}
DASHES = {"commit": "8 4", "p95": "2 3"}
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 46, 52
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the picture's inside lies, and how time and rate become places."""

    start: datetime
    end: datetime
    top_rate: float
    width: int
    height: int

    def x(self, at: datetime) -> float:
        """Of a moment, never outside."""
        share = (at - self.start) / max(self.end - self.start, timedelta(seconds=1))
        return round(_LEFT + min(max(share, 0.0), 1.0) * (self.width - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        """Of a rate."""
        inside = self.height - _TOP - _BOTTOM
        return round(self.height - _BOTTOM - min(max(value / self.top_rate, 0.0), 1.0) * inside, 1)


def bandwidth_svg(
    answer: BaseModel | Mapping[str, Any], *, title: str, language: str, width: int = 900, height: int = 300
) -> str:
    """The chart of a bandwidth answer (docs: `GET /metrics/lines/{id}/bandwidth`), as a whole SVG document."""
    data = answer.model_dump(by_alias=True) if isinstance(answer, BaseModel) else answer
    language = language if language in WORDS else "de"
    zone = ZoneInfo(data.get("time_zone") or "Europe/Berlin")
    series = data["series"]
    highest = _highest(data)
    ticks = rate_ticks(highest, count=5)
    frame = Frame(_time(data["from"]), _time(data["to"]), ticks[-1], width, height)
    parts = [
        *_gaps(frame, data.get("gaps") or (), language),
        *_rate_axis(frame, ticks, language),
        *_time_axis(frame, zone, language),
        *_curves(frame, [_time(at) for at in series["at"]], series, data["step_seconds"]),
        *_levels(frame, data),
        *_legend(data, frame, title, language),
    ]
    if not any(value is not None for value in series["in_avg"]):
        parts.append(_words(WORDS[language]["none"], (width + _LEFT - _RIGHT) / 2, height / 2, anchor="middle"))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-labelledby="bandwidth-title bandwidth-desc" font-family="sans-serif" font-size="12">'
        f'<title id="bandwidth-title">{_text(title)}</title>'
        f'<desc id="bandwidth-desc">{_text(_sentence(data, zone, language))}</desc>'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    )
    return head + "".join(parts) + "</svg>"


def _text(value: object) -> str:
    """What XML can hold, escaped."""
    return escape(_NOT_XML.sub("", str(value)))


def _time(value: Any) -> datetime:
    """As models and JSON give it: a time, its text, or seconds since 1970."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return datetime.fromtimestamp(value, UTC)


def _highest(data: Mapping[str, Any]) -> float:
    series = data["series"]
    measured = [v for name in ("in_avg", "in_max", "out_avg", "out_max") for v in series[name] if v is not None]
    levels = [data.get(name) or 0 for name in ("commit_bps", "p95")]
    return float(max([*measured, *levels, 0]))


def _words(text: str, x: float, y: float, *, anchor: str = "start", fill: str = "#222222") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{fill}">{_text(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" {style}/>'


def _gaps(frame: Frame, gaps: Sequence[Any], language: str) -> list[str]:
    """Grey where nothing is known; white with a line at the bottom is a measured zero."""
    found = []
    for gap in gaps:
        left, right = frame.x(_time(gap["from"])), frame.x(_time(gap["to"]))
        height = frame.height - _TOP - _BOTTOM
        found.append(
            f'<rect x="{left:g}" y="{_TOP}" width="{max(right - left, 0.5):.1f}" height="{height}" fill="#e6e6e6">'
            f"<title>{_text(WORDS[language]['gap'])}</title></rect>"
        )
    return found


def _rate_axis(frame: Frame, ticks: list[float], language: str) -> list[str]:
    labels, unit = rate_labels(ticks, language)
    right = frame.width - _RIGHT
    found = [_words(unit, 8, _TOP - 8)]
    for tick, label in zip(ticks, labels, strict=True):
        y = frame.y(tick)
        colour = "#222222" if tick == 0 else "#cccccc"
        found.append(_line(_LEFT, y, right, y, f'stroke="{colour}" stroke-width="1"'))
        found.append(_words(label, _LEFT - 8, y + 4, anchor="end"))
    return found


def _time_axis(frame: Frame, zone: ZoneInfo, language: str) -> list[str]:
    bottom = frame.height - _BOTTOM
    most = max((frame.width - _LEFT - _RIGHT) // 80, 2)
    found = []
    for tick in time_ticks(frame.start, frame.end, zone, most=most, language=language):
        x = frame.x(tick.at)
        found.append(_line(x, bottom, x, bottom + 5, 'stroke="#222222"'))
        found.append(_words(tick.text, x, bottom + 19, anchor="middle"))
    return found


def _curves(frame: Frame, at: list[datetime], series: Mapping[str, Any], step_seconds: float) -> list[str]:
    half = timedelta(seconds=step_seconds / 2)
    xs = [frame.x(moment + half) for moment in at]
    found = []
    for direction in ("in", "out"):
        colour = COLOURS[direction]
        peaks = f'stroke="{colour}" stroke-width="0.6" stroke-opacity="0.55"'
        found += [_path(frame, run, peaks) for run in _runs(xs, series[f"{direction}_max"])]
        for run in _runs(xs, series[f"{direction}_avg"]):
            if direction == "in":
                found.append(_area(frame, run, colour))
            found.append(_path(frame, run, f'stroke="{colour}" stroke-width="1.5"'))
    return found


def _runs(xs: list[float], values: Values) -> list[list[tuple[float, float]]]:
    """What hangs together; where nothing was measured the line breaks."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, value in zip(xs, values, strict=True):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((x, value))
    return [run for run in runs if run]


def _path(frame: Frame, run: list[tuple[float, float]], style: str) -> str:
    points = [f"{x:g} {frame.y(value):g}" for x, value in run]
    # a lone point is a line of no length, which round ends make visible
    steps = "L".join(points if len(points) > 1 else points * 2)
    return f'<path d="M{steps}" fill="none" {style} stroke-linejoin="round" stroke-linecap="round"/>'


def _area(frame: Frame, run: list[tuple[float, float]], colour: str) -> str:
    points = "L".join(f"{x:g} {frame.y(value):g}" for x, value in run)
    bottom = frame.y(0)
    return (
        f'<path d="M{run[0][0]:g} {bottom:g}L{points}L{run[-1][0]:g} {bottom:g}Z" fill="{colour}" fill-opacity="0.2"/>'
    )


def _levels(frame: Frame, data: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in (("commit", data.get("commit_bps")), ("p95", data.get("p95"))):
        if value is not None:
            y = frame.y(value)
            style = f'stroke="{COLOURS[name]}" stroke-width="1.5" {_dashes(name)}'
            found.append(_line(_LEFT, y, frame.width - _RIGHT, y, style))
    return found


def _legend(data: Mapping[str, Any], frame: Frame, title: str, language: str) -> list[str]:
    """The title above, the names of the lines below."""
    words = WORDS[language]
    entries = [("in", words["in"]), ("out", words["out"])]
    for name, key in (("commit", "commit_bps"), ("p95", "p95")):
        if data.get(key) is not None:
            entries.append((name, f"{words[name]} {rate(data[key], language)}"))
    found = [f'<text x="8" y="20" font-size="15" font-weight="bold" fill="#111111">{_text(title)}</text>']
    x, y = float(_LEFT), frame.height - 12
    for name, text in entries:
        style = f'stroke="{COLOURS[name]}" stroke-width="3" {_dashes(name)}'
        found += [_line(x, y - 4, x + 22, y - 4, style), _words(text, x + 28, y)]
        x += 52 + 6.6 * len(text)
    return found


def _dashes(name: str) -> str:
    pattern = DASHES.get(name)
    return f'stroke-dasharray="{pattern}"' if pattern else ""


def _sentence(data: Mapping[str, Any], zone: ZoneInfo, language: str) -> str:
    """What the picture says, for those who do not see it."""
    words = WORDS[language]
    start, end = (moment(_time(data[name]), zone, language) for name in ("from", "to"))
    parts = [words["range"].format(start=start, end=end)]
    for direction in ("in", "out"):
        summary = data["summary"][direction]
        if summary["avg"] is None:
            continue
        mean, most = rate(summary["avg"], language), rate(summary["max"], language)
        said = f"{words[direction]} {words['mean']} {mean}, {words['max']} {most}."
        parts.append(said[0].upper() + said[1:])
    for name, key in (("p95", "p95"), ("commit", "commit_bps")):
        if data.get(key) is not None:
            said = f"{words[name]}: {rate(data[key], language)}."
            parts.append(said[0].upper() + said[1:])
    parts.append(words["counted"].format(samples=data["samples"], expected=data["expected_samples"]))
    return " ".join(parts)
