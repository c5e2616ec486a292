"""What the graphs show of a line or group: bandwidth, volume and the billing view, from the store's rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from events.network import PercentileMethod
from services.metrics.percentile import Rates, discarded, percentile, ranked, slots_over
from services.metrics.periods import SLOT, Bucket, Span, buckets, slots_in
from services.metrics.store.reading import (
    Percentiles,
    percentiles_of_line,
    pieces_of_sums,
    rates_of_line,
    slots_of_group,
    steps_of_line,
    volumes,
)
from services.metrics.store.rows import Row
from services.metrics.thinning import Grid, Piece, Thinned, grid, joined

EXACT_SECONDS = 92 * 86_400
"""Up to here a percentile is taken from 5-minute averages also where the picture is drawn from coarser ones; beyond,
from what it is drawn from, as everybody does, but from nothing coarser than three hours."""
MOST_BUCKETS = 10_000
INCOMPLETE = 0.02


@dataclass(frozen=True, slots=True)
class Subject:
    """A line, or the lines of a group, as a graph needs them."""

    id: UUID
    name: str
    is_group: bool
    lines: tuple[int, ...]
    """Their numbers in the store."""
    line_ids: tuple[UUID, ...]
    capacity_bps: int
    commit_bps: int | None
    method: PercentileMethod
    time_zone: str

    @property
    def on(self) -> str:
        """For the audit log."""
        return f"{'group' if self.is_group else 'line'}/{self.id}"


@dataclass(frozen=True, slots=True)
class Clock:
    """Now, and since when there are 5-minute slots; seconds since 1970."""

    now: int
    raw_from: int

    @property
    def at(self) -> datetime:
        """Now."""
        return datetime.fromtimestamp(self.now, UTC)


def stamp(seconds: int) -> str:
    """RFC 3339 in UTC; a picture has a thousand of them, so days and times of day are remembered."""
    day, rest = divmod(seconds, 86_400)
    return f"{_day(day)}T{_time_of_day(rest)}Z"


@lru_cache(maxsize=32)
def _stamps(drawn: Grid) -> tuple[str, ...]:
    """Whoever looks at several lines looks at the same steps."""
    moments = range(drawn.start, drawn.start + drawn.steps * drawn.step_seconds, drawn.step_seconds)
    return tuple(f"{_day(at // 86_400)}T{_time_of_day(at % 86_400)}Z" for at in moments)


@lru_cache(maxsize=20_000)
def _day(number: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()


@lru_cache(maxsize=2000)
def _time_of_day(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


async def bandwidth(session: AsyncSession, subject: Subject, span: Span, points: int, clock: Clock) -> dict[str, Any]:
    """The fields of `api.bodies.Bandwidth`, without a model's detour: a year has thousands of numbers."""
    drawn = grid(*span, points, raw_from=clock.raw_from)
    thinned = Thinned.empty(drawn.steps)
    pieces, percentiles, seconds = await _drawn(session, subject, drawn, clock)
    thinned.take(pieces)
    elapsed = max(0, min(drawn.end, clock.now) - drawn.start)
    thinned.find_gaps(min(drawn.steps, elapsed // drawn.step_seconds))
    return {
        "from": stamp(drawn.start),
        "to": stamp(drawn.end),
        "time_zone": subject.time_zone,
        "step_seconds": drawn.step_seconds,
        "unit": "bit/s",
        "series": {
            "at": _stamps(drawn),
            "in_avg": thinned.in_avg,
            "in_max": thinned.in_max,
            "out_avg": thinned.out_avg,
            "out_max": thinned.out_max,
        },
        "summary": {
            "in": _summary(thinned.in_sum, thinned.weight, thinned.in_max, percentiles.into),
            "out": _summary(thinned.out_sum, thinned.weight, thinned.out_max, percentiles.out),
        },
        "p95": percentiles.value,
        "p95_of_seconds": seconds,
        "percentile_method": subject.method,
        "commit_bps": subject.commit_bps,
        "capacity_bps": subject.capacity_bps,
        "samples": thinned.present,
        "expected_samples": elapsed // SLOT,
        "gaps": [
            {"from": stamp(drawn.start + first * drawn.step_seconds), "to": stamp(_end(drawn, last, clock))}
            for first, last in thinned.gaps
        ],
    }


def _end(drawn: Grid, step: int, clock: Clock) -> int:
    return min(drawn.start + step * drawn.step_seconds, drawn.end, max(clock.now // SLOT * SLOT, drawn.start))


def _summary(total: float, weight: float, peaks: Iterable[int | None], p95: int | None) -> dict[str, int | None]:
    return {
        "avg": round(total / weight) if weight else None,
        "max": max((peak for peak in peaks if peak is not None), default=None),
        "p95": p95,
    }


async def _drawn(
    session: AsyncSession, subject: Subject, drawn: Grid, clock: Clock
) -> tuple[Iterable[Row], Percentiles, int]:
    """The steps, the percentiles of the range, and of which means those are."""
    if subject.is_group:
        return await _drawn_of_group(session, subject, drawn, clock)
    (line,) = subject.lines
    pieces = await steps_of_line(session, line, drawn)
    exact = drawn.end - drawn.start <= EXACT_SECONDS and drawn.start >= clock.raw_from
    seconds = SLOT if exact else min(max(drawn.unit, 3600), 10_800)
    span = (drawn.start, drawn.end)
    return pieces, await percentiles_of_line(session, line, span, seconds, subject.method), seconds


async def _drawn_of_group(
    session: AsyncSession, subject: Subject, drawn: Grid, clock: Clock
) -> tuple[Iterable[Row], Percentiles, int]:
    """Summed per slot first. Where the slots are gone the sum of each line's greatest is only an upper bound."""
    if drawn.start >= clock.raw_from:
        sums = await slots_of_group(session, subject.lines, drawn.start // SLOT, drawn.end // SLOT)
        rates = [Rates(slot, into, out) for slot, into, out, _ in sums]
        return joined(pieces_of_sums(sums, drawn), drawn.per_step), _percentiles(rates, subject.method), SLOT
    steps: dict[int, Piece] = {}
    for line in subject.lines:
        for row in await steps_of_line(session, line, drawn):
            one = Piece(*row)
            if one.present:
                # rates add up, times do not: each line's mean counts as if it were of the same length
                one = one._replace(in_sum=one.in_sum / one.weight, out_sum=one.out_sum / one.weight, weight=1)
                other = steps.get(one.step, one._replace(in_sum=0, out_sum=0, in_max=0, out_max=0))
                steps[one.step] = _added(one, other)
    return steps.values(), Percentiles(None, None, None), 3600


def _added(one: Piece, other: Piece) -> Piece:
    return one._replace(
        in_sum=one.in_sum + other.in_sum,
        out_sum=one.out_sum + other.out_sum,
        present=max(one.present, other.present),
        in_max=one.in_max + other.in_max,
        out_max=one.out_max + other.out_max,
    )


def _percentiles(rates: Sequence[Rates], method: PercentileMethod) -> Percentiles:
    directions = {one.of: one.value for one in ranked(rates, "max_of_directions")}
    return Percentiles(directions["in"], directions["out"], percentile(rates, method))


async def volume(
    session: AsyncSession, subject: Subject, span: Span, bucket: Bucket, clock: Clock, tz: ZoneInfo
) -> dict[str, Any]:
    """The fields of `api.bodies.Volume`. What one bucket has not measured is null, not zero."""
    start, end = span[0] // SLOT * SLOT, -(-span[1] // SLOT) * SLOT
    whole = list(buckets(start, end, bucket, tz))
    hours: list[tuple[int, int, int, int]] = []
    slots: list[tuple[int, int, int, int]] = []
    counted = [(max(first, start), min(last, end)) for first, last in whole]
    for n, piece in enumerate(counted):
        for line in subject.lines:
            _cut(hours, slots, (n, line), piece, clock.raw_from)
    found = await volumes(session, hours, slots)
    rows = []
    for n, ((first, last), piece) in enumerate(zip(whole, counted, strict=True)):
        row = found.get(n)
        measured = row is not None and (row.present > 0 or row.in_octets + row.out_octets > 0)
        until = max(piece[0], min(piece[1], clock.now // SLOT * SLOT))
        rows.append(
            {
                "start": stamp(first),
                "end": stamp(last),
                "in": row.in_octets if row and measured else None,
                "out": row.out_octets if row and measured else None,
                "samples": row.present if row else 0,
                "expected_samples": (until - piece[0]) // SLOT * len(subject.lines),
            }
        )
    total = {name: sum(getattr(row, f"{name}_octets") for row in found.values()) for name in ("in", "out")}
    head = {"from": stamp(start), "to": stamp(end), "time_zone": str(tz), "unit": "byte", "bucket": bucket}
    return {**head, "buckets": rows, "total": total}


def _cut(
    hours: list[tuple[int, int, int, int]],
    slots: list[tuple[int, int, int, int]],
    key: tuple[int, int],
    piece: Span,
    raw_from: int,
) -> None:
    """Whole hours from the rollups, the rest from the slots; where these are gone, hours that begin in the piece."""
    first, last = piece
    inner, outer = -(-first // 3600) * 3600, last // 3600 * 3600
    if first < raw_from:
        hours.append((*key, inner // 3600, -(-last // 3600)))
    elif inner > outer:
        slots.append((*key, first // SLOT, last // SLOT))
    else:
        hours.append((*key, inner // 3600, outer // 3600))
        edges = ((first, inner), (outer, last))
        slots.extend((*key, start // SLOT, end // SLOT) for start, end in edges if start < end)


async def rates_of_span(session: AsyncSession, subject: Subject, span: Span) -> tuple[list[Rates], int]:
    """The 5-minute averages that exist, of a group summed per slot; and in how many only some lines were measured."""
    first, end = span[0] // SLOT, span[1] // SLOT
    if not subject.is_group:
        return await rates_of_line(session, subject.lines[0], first, end), 0
    sums = await slots_of_group(session, subject.lines, first, end)
    partial = sum(row.lines < len(subject.lines) for row in sums)
    return [Rates(slot, into, out) for slot, into, out, _ in sums], partial


async def billing_view(session: AsyncSession, subject: Subject, month: str, span: Span, clock: Clock) -> dict[str, Any]:
    """The fields of `api.bodies.PercentileOut`: the value with everything needed to work it out again."""
    rates, partial = await rates_of_span(session, subject, span)
    expected = slots_in(span)
    elapsed = max(0, min(span[1], clock.now) - span[0]) // SLOT
    missing = max(0, elapsed - len(rates))
    share = (missing + partial) / elapsed if elapsed else 0.0
    lists = ranked(rates, subject.method)
    over = None if subject.commit_bps is None else slots_over(rates, subject.method, subject.commit_bps)
    return {
        "line_id": None if subject.is_group else subject.id,
        "group_id": subject.id if subject.is_group else None,
        "line_ids": list(subject.line_ids),
        "month": month,
        "time_zone": subject.time_zone,
        "from": stamp(span[0]),
        "to": stamp(span[1]),
        "method": subject.method,
        "samples": len(rates),
        "expected_samples": expected,
        "elapsed_samples": elapsed,
        "missing": missing,
        "partial": partial,
        "missing_share": round(share, 4),
        "complete": elapsed == expected and share <= INCOMPLETE,
        "discarded": discarded(len(rates)),
        "value": max((one.value for one in lists if one.value is not None), default=None),
        "sorted": [{"of": one.of, "value": one.value, "edge": _edge(one.descending, one.discarded)} for one in lists],
        "commit_bps": subject.commit_bps,
        "slots_allowed": discarded(expected),
        "slots_over_commit": over,
        "slots_left": None if over is None else max(0, discarded(expected) - over),
    }


def _edge(descending: Sequence[tuple[int, int]], drop: int) -> list[dict[str, Any]]:
    """All that is discarded, the value, and the ten behind it."""
    return [
        {"rank": n, "at": stamp(slot * SLOT), "bps": rate, "discarded": n <= drop}
        for n, (rate, slot) in enumerate(descending[: drop + 11], start=1)
    ]
