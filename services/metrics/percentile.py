"""The 95th percentile of a month and how much of a commit is used. Pure; rules: docs/rules/traffic.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal, NamedTuple

from events.network import PercentileMethod

Of = Literal["in", "out", "larger", "sum"]
_RATE = _SLOT = itemgetter(0)


class Rates(NamedTuple):
    """One 5-minute slot: its number since 1970, and averages in bit/s; of a group already the sum of its lines."""

    slot: int
    in_bps: int
    out_bps: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """One sorted list of averages, largest first, with what it yields."""

    of: Of
    descending: Sequence[tuple[int, int]]
    """Rate and slot."""
    discarded: int

    @property
    def value(self) -> int | None:
        """The next after the discarded ones; None of nothing."""
        return self.descending[self.discarded][0] if self.descending else None


@dataclass(frozen=True, slots=True)
class CommitUse:
    """How far a month has come towards its commit."""

    p95_bps: int
    slots_over: int
    slots_left: int
    nearing: bool
    exceeded: bool


def discarded(samples: int) -> int:
    """floor(0.05 n): so many of the largest do not count."""
    return samples // 20


def ranked(rates: Sequence[Rates], method: PercentileMethod) -> list[Ranked]:
    """The sorted lists of which the greatest value is the percentile."""
    drop = discarded(len(rates))
    in_order = sorted(rates, key=_SLOT)
    # sorting keeps the order of equal ones: the earlier slot first
    return [Ranked(of, sorted(series, key=_RATE, reverse=True), drop) for of, series in _series(in_order, method)]


def percentile(rates: Sequence[Rates], method: PercentileMethod) -> int | None:
    """In bit/s; None where nothing was measured."""
    drop = discarded(len(rates))
    values = [sorted((rate for rate, _ in series), reverse=True) for _, series in _series(rates, method)]
    return max((descending[drop] for descending in values if descending), default=None)


def slots_over(rates: Sequence[Rates], method: PercentileMethod, limit_bps: int) -> int:
    """In how many slots the limit is exceeded, in the direction where it is more often."""
    return max(sum(rate > limit_bps for rate, _ in series) for _, series in _series(rates, method))


def commit_use(rates: Sequence[Rates], method: PercentileMethod, commit_bps: int, slots_of_month: int) -> CommitUse:
    """Held against what the whole month will leave out, so that one peak on the first day warns nobody."""
    allowed = discarded(slots_of_month)
    over = slots_over(rates, method, commit_bps)
    near = max(sum(rate * 5 >= commit_bps * 4 for rate, _ in series) for _, series in _series(rates, method))
    return CommitUse(
        p95_bps=percentile(rates, method) or 0,
        slots_over=over,
        slots_left=max(0, allowed - over),
        nearing=near > allowed or over * 5 >= allowed * 4,
        exceeded=over > allowed,
    )


def _series(rates: Sequence[Rates], method: PercentileMethod) -> list[tuple[Of, list[tuple[int, int]]]]:
    if method == "max_per_sample":
        return [("larger", [(max(into, out), slot) for slot, into, out in rates])]
    if method == "sum":
        return [("sum", [(into + out, slot) for slot, into, out in rates])]
    return [("in", [(into, slot) for slot, into, _ in rates]), ("out", [(out, slot) for slot, _, out in rates])]
