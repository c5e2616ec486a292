"""Keeps counters and brings the slots and rollups that follow from them up to date.

What is stored depends only on which samples came, never on their order: of two for one moment the greater stands, and
slots are always worked out anew from all counters around them, rollups from all slots beneath them.
"""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from services.metrics.rates import LONGEST_INTERVAL_MS, STEP_MS, Counter, clusters, slots_of
from services.metrics.store import partitions
from services.metrics.store.rows import Row, is_postgresql, read, read_plain, write, write_from
from services.metrics.store.statements import (
    ADD_COUNTERS,
    ADD_SLOTS,
    COUNTERS_IN,
    EXTENT,
    LOCK_LINES,
    NOTE_NEWEST,
    PUT_COUNTERS,
    PUT_SLOTS,
    REMOVE_ROLLUPS,
    REMOVE_SLOTS,
    ROLL_UP_ROLLUPS,
    ROLL_UP_SLOTS,
    SLOTS_IN,
)

Counters = Mapping[int, Counter]
"""By milliseconds since 1970."""

SIGN = 2**63
"""64-bit counters are stored less this; the order stays."""
LOWER_TIERS = ((3600, 300), (10_800, 3600), (43_200, 10_800), (86_400, 10_800))
"""Each rollup and what it is made of, in seconds."""
_REACH_MS = 5 * STEP_MS
"""A sample changes slots up to 15 minutes away; those need the counters 10 minutes further."""
_APART_MS = 24 * STEP_MS
_DERIVED_AT_ONCE_MS = 30 * 86_400_000


class _Work(NamedTuple):
    """What one batch changes beside the counters."""

    slots: list[Row]
    gone: list[Row]
    touched: list[tuple[int, int, int]]
    """Line, first and last slot."""


async def keep(
    session: AsyncSession, new: Mapping[int, Counters], ceilings: Mapping[int, int], *, due_from_ms: int
) -> None:
    """Store these samples by line number. ``ceilings``: the greatest capacity of each line in bit/s."""
    first, last = min(map(min, new.values())), max(map(max, new.values()))
    await partitions.ensure(session, _months(first - STEP_MS, last + LONGEST_INTERVAL_MS))
    await lock_lines(session, list(new))
    runs = {line: clusters(sorted(counters), apart_ms=_APART_MS) for line, counters in new.items()}
    around = [(line, run[0] - _REACH_MS, run[-1] + _REACH_MS) for line, found in runs.items() for run in found]
    kept = await _counters_in(session, around)
    fresh = {line: _fresh(counters, kept.get(line, {})) for line, counters in new.items()}
    work = _Work([], [], [])

    def work_out() -> None:
        for line, counters in fresh.items():
            _work_on(work, line, runs[line], counters, kept.get(line, {}) | counters, ceilings[line])

    await _while_writing(_write_counters(session, fresh, kept), work_out)
    await _write_slots(session, work)
    newest = ((line, found[-1][-1]) for line, found in runs.items())
    await write(session, NOTE_NEWEST, [(at, at >= due_from_ms, line) for line, at in newest])


async def derive(session: AsyncSession, line: int, ceiling_bps: int) -> None:
    """All slots of a line anew from its counters, because its ceiling has risen."""
    first, last = await _extent(session, line)
    if first is None:
        return
    await partitions.ensure(session, _months(first - STEP_MS, last + LONGEST_INTERVAL_MS))
    start = first // STEP_MS
    while start <= last // STEP_MS:
        end = min(start + _DERIVED_AT_ONCE_MS // STEP_MS, last // STEP_MS + 1)
        around = [(line, start * STEP_MS - _REACH_MS, end * STEP_MS + _REACH_MS)]
        counters = (await _counters_in(session, around)).get(line, {})
        work = _Work([], [], [])
        _add_slots(work, line, sorted(counters), counters, (start, end - 1, ceiling_bps))
        await _write_slots(session, work)
        start = end


async def lock_lines(session: AsyncSession, lines: Sequence[int]) -> None:
    """Until the end of the transaction nobody else changes their samples."""
    if is_postgresql(session):
        await (await session.connection()).exec_driver_sql(LOCK_LINES, (list(lines),))


def _months(first_ms: int, last_ms: int) -> Iterator[partitions.Month]:
    month = partitions.month_of(first_ms)
    while month <= partitions.month_of(last_ms):
        yield month
        month = partitions.following(month)


async def _extent(session: AsyncSession, line: int) -> tuple[int | None, int]:
    first, last = (await read_plain(session, EXTENT, line))[0]
    return first, last or 0


async def _counters_in(session: AsyncSession, ranges: Sequence[Row]) -> dict[int, dict[int, Counter]]:
    found: dict[int, dict[int, Counter]] = {}
    for line, at_ms, discontinuity, in_octets, out_octets in await read(session, COUNTERS_IN, ranges):
        found.setdefault(line, {})[at_ms] = Counter(discontinuity, in_octets + SIGN, out_octets + SIGN)
    return found


async def _while_writing(writing: Coroutine[Any, Any, None], work_out: Callable[[], None]) -> None:
    """The database has its work, this process another; both are done after it."""
    written = asyncio.create_task(writing)
    try:
        await asyncio.sleep(0)  # the statement is on its way
        work_out()
    finally:
        await written


def _fresh(new: Counters, kept: Counters) -> dict[int, Counter]:
    """What is there already, or smaller, changes nothing."""
    return {at: counter for at, counter in new.items() if (old := kept.get(at)) is None or counter > old}


async def _write_counters(session: AsyncSession, fresh: Mapping[int, Counters], kept: Mapping[int, Counters]) -> None:
    """Nobody else adds one meanwhile: the lines are locked."""
    added: list[Row] = []
    raised: list[Row] = []
    for line, counters in fresh.items():
        before = kept.get(line, {})
        for at, (discontinuity, into, out) in counters.items():
            (raised if at in before else added).append((line, at, discontinuity, into - SIGN, out - SIGN))
    await write(session, ADD_COUNTERS, added)
    await write(session, PUT_COUNTERS, raised)


def _work_on(
    work: _Work, line: int, runs: Sequence[Sequence[int]], fresh: Counters, kept: Counters, ceiling_bps: int
) -> None:
    """Note what the fresh samples of one line change; ``kept`` has them and those around them."""
    if not fresh:
        return
    all_times = sorted(kept)
    for run in runs:
        changed = [at for at in run if at in fresh]
        if changed:
            low, high = bisect_left(all_times, changed[0]), bisect_left(all_times, changed[-1])
            start, end = all_times[max(low - 1, 0)], all_times[min(high + 1, len(all_times) - 1)]
            start = start if changed[0] - start <= LONGEST_INTERVAL_MS else changed[0]
            end = end if end - changed[-1] <= LONGEST_INTERVAL_MS else changed[-1]
            reach = slice(
                bisect_left(all_times, changed[0] - _REACH_MS), bisect_right(all_times, changed[-1] + _REACH_MS)
            )
            bounds = (start // STEP_MS, (end - 1) // STEP_MS, ceiling_bps)
            _add_slots(work, line, all_times[reach], kept, bounds)


def _add_slots(work: _Work, line: int, times: Sequence[int], counters: Counters, bounds: tuple[int, int, int]) -> None:
    """Work out the slots from the first to the last of the bounds; beyond them the counters are not all at hand."""
    low, high, ceiling_bps = bounds
    if low > high:
        return
    found = slots_of(times, counters, ceiling_bps)
    work.slots.extend((line, slot, *sums) for slot, sums in found.items() if low <= slot <= high)
    work.gone.extend((line, slot) for slot in range(low, high + 1) if slot not in found)
    work.touched.append((line, low, high))


async def _write_slots(session: AsyncSession, work: _Work) -> None:
    there = {(line, slot) for line, slot in await read(session, SLOTS_IN, work.touched)}
    gone = [slot for slot in work.gone if slot in there]
    await write(session, ADD_SLOTS, [row for row in work.slots if row[:2] not in there])
    await write(session, PUT_SLOTS, [row for row in work.slots if row[:2] in there])
    await write(session, REMOVE_SLOTS, gone)
    for seconds, below in LOWER_TIERS:
        per_position = seconds // 300
        ranges = _joined([(line, low // per_position, high // per_position) for line, low, high in work.touched])
        if gone:
            await write(session, REMOVE_ROLLUPS, [(line, seconds, low, high) for line, low, high in ranges])
        given = [(line, below, seconds // below, low, high) for line, low, high in ranges]
        await write_from(session, ROLL_UP_SLOTS if below == 300 else ROLL_UP_ROLLUPS, given)


def _joined(ranges: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The same positions, none twice: what overlaps becomes one."""
    ranges.sort()
    found = ranges[:1]
    for (line, _, _), (next_line, low, high) in pairwise(ranges):
        _, last_low, last_high = found[-1]
        if line == next_line and low <= last_high + 1:
            found[-1] = (line, last_low, max(last_high, high))
        else:
            found.append((next_line, low, high))
    return found
