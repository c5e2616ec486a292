"""How a long range fits into few points without losing a peak. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

UNITS = (300, 3600, 10_800, 43_200, 86_400)
"""What the store has ready, in seconds."""
STEPS = (300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)
"""Of a picture, in seconds: lengths that one can name and that divide a day; beyond are whole days."""
_DAY = 86_400


class Grid(NamedTuple):
    """The steps of a picture: each is some units long."""

    unit: int
    first: int
    """Position of the first unit: seconds since 1970, divided by the unit."""
    units: int
    per_step: int

    @property
    def step_seconds(self) -> int:
        """Length of a step."""
        return self.unit * self.per_step

    @property
    def steps(self) -> int:
        """How many."""
        return -(-self.units // self.per_step)

    @property
    def start(self) -> int:
        """Seconds since 1970."""
        return self.first * self.unit

    @property
    def end(self) -> int:
        """Seconds since 1970; the last step may be cut short by it."""
        return (self.first + self.units) * self.unit


def grid(start: int, end: int, points: int, *, raw_from: int) -> Grid:
    """The shortest steps of which at most ``points`` cover the range. Before ``raw_from`` there are no slots."""
    finest = 300 if start >= raw_from else 3600
    for step in STEPS:
        found = _of_steps(start, end, step)
        if step >= finest and found.steps <= points:
            return found
    days = _of_steps(start, end, _DAY)
    return days._replace(per_step=-(-days.units // points))


def _of_steps(start: int, end: int, step: int) -> Grid:
    """Made of the longest units that they are whole multiples of."""
    unit = max(unit for unit in UNITS if step % unit == 0)
    first = start // unit
    return Grid(unit, first, -(-end // unit) - first, step // unit)


class Piece(NamedTuple):
    """One unit or step: bits times milliseconds, the milliseconds measured, and the greatest averages in it."""

    step: int
    in_sum: float
    out_sum: float
    weight: float
    present: int
    in_max: int
    out_max: int


@dataclass(slots=True)
class Thinned:
    """Means and maxima per step; None where nothing was measured."""

    in_avg: list[int | None]
    in_max: list[int | None]
    out_avg: list[int | None]
    out_max: list[int | None]
    present: int = 0
    in_sum: float = 0
    out_sum: float = 0
    weight: float = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """First step without anything, and the next with something."""

    @classmethod
    def empty(cls, steps: int) -> "Thinned":
        """Nothing measured."""
        return cls([None] * steps, [None] * steps, [None] * steps, [None] * steps)

    def take(self, pieces: Iterable[tuple[Any, ...]]) -> None:
        """One `Piece` per step, or a row with its columns."""
        # whole columns, not rows: a year has a thousand
        columns = zip(*[piece for piece in pieces if piece[4]], strict=True)
        steps, in_sums, out_sums, weights, present, in_maxs, out_maxs = tuple(columns) or ((),) * 7
        self._put(self.in_avg, self.in_max, zip(steps, in_sums, weights, in_maxs, strict=True))
        self._put(self.out_avg, self.out_max, zip(steps, out_sums, weights, out_maxs, strict=True))
        self.in_sum += sum(in_sums)
        self.out_sum += sum(out_sums)
        self.weight += sum(weights)
        self.present += sum(present)

    @staticmethod
    def _put(
        means: list[int | None], peaks: list[int | None], direction: Iterable[tuple[int, float, float, int]]
    ) -> None:
        for step, total, weight, peak in direction:
            means[step] = mean = round(total / weight)
            # a slot that is missing for its short measure counts in the mean only
            peaks[step] = peak if peak > mean else mean  # noqa: FURB136  # max() takes four times as long

    def find_gaps(self, until: int) -> None:
        """Stretches of empty steps before this one."""
        start = None
        for step, value in enumerate(self.in_avg[:until]):
            if value is None and start is None:
                start = step
            elif value is not None and start is not None:
                self.gaps.append((start, step))
                start = None
        if start is not None:
            self.gaps.append((start, until))


def joined(units: Iterable[Piece], per_step: int) -> list[Piece]:
    """Units, sorted, put together into steps."""
    if per_step == 1:
        return list(units)
    found: dict[int, Piece] = {}
    for position, in_sum, out_sum, weight, present, in_max, out_max in units:
        step = position // per_step
        if (before := found.get(step)) is None:
            found[step] = Piece(step, in_sum, out_sum, weight, present, in_max, out_max)
        else:
            found[step] = Piece(
                step,
                before.in_sum + in_sum,
                before.out_sum + out_sum,
                before.weight + weight,
                before.present + present,
                max(before.in_max, in_max),
                max(before.out_max, out_max),
            )
    return list(found.values())
