"""A customer's own limits, held against a month of 5-minute slots. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

Direction = Literal["in", "out", "any", "sum"]


class Measured(NamedTuple):
    """A slot: rates where it counts, and what flowed."""

    slot: int
    in_bps: int | None
    out_bps: int | None
    in_octets: int
    out_octets: int


class Excess(NamedTuple):
    """The first moment at which a limit was exceeded, and by what."""

    slot: int
    measured: int


_OF: dict[str, Callable[[int, int], int]] = {
    "in": lambda into, _out: into,
    "out": lambda _into, out: out,
    "any": max,
    "sum": lambda into, out: into + out,
}


def rate_excess(slots: Iterable[Measured], direction: Direction, limit_bps: int, minutes: int) -> Excess | None:
    """The first slot that makes the rate exceed the limit for so long without a break."""
    needed, run, expected = max(1, minutes // 5), 0, None
    for slot, into, out, _, _ in slots:
        if into is None or out is None:
            continue
        rate = _OF[direction](into, out)
        run = (run + 1 if slot == expected else 1) if rate > limit_bps else 0
        expected = slot + 1
        if run == needed:
            return Excess(slot, rate)
    return None


def volume_excess(slots: Sequence[Measured], direction: Direction, limit_bytes: int) -> Excess | None:
    """The slot in which the month's sum exceeds the limit."""
    into = out = 0
    for slot in slots:
        into, out = into + slot.in_octets, out + slot.out_octets
        if (volume := _OF[direction](into, out)) > limit_bytes:
            return Excess(slot.slot, volume)
    return None
