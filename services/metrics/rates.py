"""From counters to intervals to 5-minute slots. Pure, in whole numbers: the same counters give the same bytes.

Rules: docs/rules/traffic.md. The counter between two samples is a straight line; at each slot's border it is read off
in whole octets. So a volume is exactly the difference of two counters, however finely it is cut.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

STEP_MS = 300_000
LONGEST_INTERVAL_MS = 2 * STEP_MS
HALF_MS = STEP_MS // 2
LARGEST_COUNTER = 2**64 - 1
LARGEST_LINE_ID = 64

INVALID_SAMPLE = "invalid_sample"
INVALID_LINE = "invalid_line_id"
INVALID_TIME = "invalid_time"
INVALID_COUNTER = "invalid_counter"


class Sample(NamedTuple):
    """Both counters of a line at one moment, as some door took them."""

    line_id: str
    at_ms: int
    in_octets: int
    out_octets: int
    discontinuity: bool = False


class Counter(NamedTuple):
    """What a line's counters said. Of several for one moment the greatest stands, so their order does not matter."""

    discontinuity: int
    in_octets: int
    out_octets: int


class SlotSum(NamedTuple):
    """What flowed in one slot, and how long of it was measured."""

    in_octets: int
    out_octets: int
    measured_ms: int


def read_sample(raw: Any) -> Sample | str:
    """A sample of the feed, its counters unchecked, or the reason why it is none."""
    if not isinstance(raw, dict):
        return INVALID_SAMPLE
    at = raw.get("at")
    if not isinstance(at, str):
        return INVALID_TIME
    try:
        time = datetime.fromisoformat(at)
        at_ms = round(time.timestamp() * 1000)
    except (ValueError, OverflowError):
        return INVALID_TIME
    if time.tzinfo is None:
        return INVALID_TIME
    discontinuity = raw.get("discontinuity", False)
    if discontinuity is not None and not isinstance(discontinuity, bool):
        return INVALID_SAMPLE
    line_id, in_octets, out_octets = raw.get("line_id"), raw.get("in_octets"), raw.get("out_octets")
    # whatever these are: `refusal_of` looks
    return Sample(line_id, at_ms, in_octets, out_octets, bool(discontinuity))  # type: ignore[arg-type]


def refusal_of(sample: Sample) -> str | None:
    """Why a sample cannot be taken, or None. The doors may have built it of anything."""
    line_id, at_ms, in_octets, out_octets, _ = sample
    if type(in_octets) is not int or type(out_octets) is not int:
        return INVALID_COUNTER
    if not 0 <= in_octets <= LARGEST_COUNTER or not 0 <= out_octets <= LARGEST_COUNTER:
        return INVALID_COUNTER
    if type(line_id) is not str or not 0 < len(line_id) <= LARGEST_LINE_ID or not line_id.isprintable():
        return INVALID_LINE
    if type(at_ms) is not int:
        return INVALID_TIME
    return None


def is_gap(before_ms: int, before: Counter, at_ms: int, now: Counter, ceiling_bps: int) -> bool:
    """True where the difference of two samples says nothing: break, reset, hole, or faster than the line can be."""
    milliseconds = at_ms - before_ms
    if now.discontinuity or milliseconds > LONGEST_INTERVAL_MS:
        return True
    into, out = now.in_octets - before.in_octets, now.out_octets - before.out_octets
    # octets * 8 * 1000 / milliseconds > 1.5 * ceiling, without fractions
    return into < 0 or out < 0 or max(into, out) * 16_000 > 3 * ceiling_bps * milliseconds


def slots_of(times: Sequence[int], counters: Mapping[int, Counter], ceiling_bps: int) -> dict[int, SlotSum]:
    """The slots touched by the intervals between these samples, whose times are sorted."""
    found: dict[int, SlotSum] = {}
    for before_ms, at_ms in pairwise(times):
        before, now = counters[before_ms], counters[at_ms]
        if not is_gap(before_ms, before, at_ms, now, ceiling_bps):
            into, out = now.in_octets - before.in_octets, now.out_octets - before.out_octets
            _cut(found, before_ms, at_ms, into, out)
    return found


def _cut(found: dict[int, SlotSum], start: int, end: int, into: int, out: int) -> None:
    """Share one interval among its slots, in proportion to time."""
    length = end - start
    first, last = start // STEP_MS, (end - 1) // STEP_MS
    if first == last and first not in found:
        found[first] = SlotSum(into, out, length)
        return
    in_before = out_before = 0
    position = start
    for slot in range(first, last + 1):
        border = min((slot + 1) * STEP_MS, end)
        in_now, out_now = into * (border - start) // length, out * (border - start) // length
        part = SlotSum(in_now - in_before, out_now - out_before, border - position)
        if (there := found.get(slot)) is not None:
            part = SlotSum(there[0] + part[0], there[1] + part[1], there[2] + part[2])
        found[slot] = part
        in_before, out_before, position = in_now, out_now, border


def rate_bps(octets: int, measured_ms: int) -> int:
    """Whole bit/s, halves up."""
    return (octets * 16_000 + measured_ms) // (2 * measured_ms)


def rates_of(slot: SlotSum) -> tuple[int, int] | None:
    """In and out in bit/s; None where less than half of the slot was measured: it is missing, which is not zero."""
    if slot.measured_ms < HALF_MS:
        return None
    return rate_bps(slot.in_octets, slot.measured_ms), rate_bps(slot.out_octets, slot.measured_ms)


def clusters(times: Sequence[int], *, apart_ms: int) -> list[Sequence[int]]:
    """Sorted times, cut wherever two neighbours are further apart."""
    borders = [0, *(n + 1 for n, (one, two) in enumerate(pairwise(times)) if two - one > apart_ms), len(times)]
    return [times[start:end] for start, end in pairwise(borders)]
