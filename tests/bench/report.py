"""Figures beside their anchors: medians of rounds, goals, verdicts; for the screen and for `docs/bench.md`."""

import os
import platform
import re
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "bench.md"
ORDER = ("gateway", "events", "listing", "metrics", "memory", "contracts", "dashboard", "exchange", "signin", "sizing")
COLUMNS = ("figure", "measured", "anchor of the same run", "goal", "verdict")


@dataclass(frozen=True)
class Rounds:
    """The same figure, measured several times."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def text(self, unit: str, digits: int = 0) -> str:
        """The median, and from the lowest to the highest round."""
        numbers = [f"{value:,.{digits}f}" for value in (self.median, min(self.values), max(self.values))]
        if len(self.values) == 1:
            return f"{numbers[0]} {unit}".strip()
        return f"{numbers[0]} {unit} ({numbers[1]} to {numbers[2]})".replace("  ", " ")

    def over(self, other: "Rounds") -> "Rounds":
        """Round by round, because the machine's mood changes between rounds more than within one."""
        return Rounds([own / its for own, its in zip(self.values, other.values, strict=True)])

    def minus(self, other: "Rounds") -> "Rounds":
        return Rounds([own - its for own, its in zip(self.values, other.values, strict=True)])


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    figure: str
    measured: str
    anchor: str = ""
    goal: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        verdict = "" if self.met is None else "met" if self.met else "MISSED"
        return (self.figure, self.measured, self.anchor, self.goal, verdict)


@dataclass(frozen=True)
class Section:
    """What one part found, and how it was measured."""

    part: str
    title: str
    how: str
    lines: Sequence[Line]

    def table(self) -> str:
        """For the screen."""
        rows = [COLUMNS, *(line.cells() for line in self.lines)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
        text = "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return f"\n{self.title}\n{text}\n"

    def markdown(self) -> str:
        """For the page."""
        rows = "\n".join(f"| {' | '.join(line.cells())} |" for line in self.lines)
        return (
            f"<!-- {self.part} -->\n## {self.title}\n\n{self.how}\n\n*{_when_and_where()}*\n\n"
            f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n{rows}\n<!-- end -->\n"
        )


HEAD = """# Figures

Written by `make bench` (`python -m tests.bench --write`); do not edit. Every figure stands beside an anchor measured in
the same run on the same machine: well-known software doing the same work or less. Rounds alternate between what is
compared; given is the median, in brackets the lowest and the highest round, and ratios are taken round by round.

"""


def write_page(sections: Sequence[Section], page: Path = PAGE) -> None:
    """Replace the sections of the parts that ran; the others stay as they were, with their own dates."""
    text = page.read_text("utf-8") if page.exists() else ""
    kept = {match[1]: match[0] for match in re.finditer(r"<!-- (\w+) -->\n.*?<!-- end -->\n", text, re.DOTALL)}
    kept |= {section.part: section.markdown() for section in sections}
    order = [name for name in ORDER if name in kept]
    page.write_text(HEAD + "\n".join(kept[name] for name in order), "utf-8")


def _when_and_where() -> str:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {len(os.sched_getaffinity(0))} cores ({_processor()}), "
        f"{pages / 2**30:.0f} GiB, {platform.system()}, Python {platform.python_version()}; everything, the load too, "
        "on the one machine"
    )


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def say(text: str) -> None:
    """To the person who waits."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
