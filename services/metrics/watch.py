"""Holds lines with new samples against their commit and their customer's own limits, and tells each once a month."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database, insert_new, utc_now
from chassis.logging import log
from chassis.outbox import emit
from events.metrics import CommitExceeded, CommitNearing, ThresholdExceeded
from services.metrics.limits import Excess, Measured, rate_excess, volume_excess
from services.metrics.models import Line, Threshold, Warned
from services.metrics.percentile import commit_use
from services.metrics.periods import SLOT, Span, month_at, month_span, slots_in, zone
from services.metrics.pictures import Subject, rates_of_span
from services.metrics.rates import STEP_MS
from services.metrics.store.reading import SlotRow, slots_of_line
from services.metrics.subjects import group_subject, line_subject

AT_ONCE = 20
LATE = timedelta(days=3)
"""So long after its end a month is still looked at: late samples may change it."""


async def watch_for_ever(database: Database, *, every: timedelta) -> None:
    """Until cancelled."""
    while True:
        while await watch_some(database, utc_now()):
            pass
        await asyncio.sleep(every.total_seconds())


async def watch_some(database: Database, now: datetime) -> int:
    """Look at some lines that are due; returns how many. Several processes may do so at once."""
    due = select(Line).where(Line.due).order_by(Line.number).limit(AT_ONCE)
    async with database.transaction() as session:
        lines = (await session.scalars(due.with_for_update(skip_locked=True))).all()
        for line in lines:
            line.due = False
            if line.customer_id is not None and not line.removed:
                await _look_at(session, line, now)
    if lines:
        log.debug("lines_watched", lines=len(lines))
    return len(lines)


async def _look_at(session: AsyncSession, line: Line, now: datetime) -> None:
    assert line.customer_id is not None
    subject = await line_subject(session, line.id, line.customer_id)
    months = {month_at(at, zone(subject.time_zone)) for at in (now, now - LATE)}
    limits = select(Threshold).where(Threshold.line_number == line.number).order_by(Threshold.position)
    thresholds = (await session.scalars(limits)).all()
    billed = subject if line.group_id is None else await group_subject(session, line.group_id, line.customer_id)
    for month in sorted(months):
        span = month_span(month, zone(subject.time_zone))
        if billed.commit_bps is not None:
            await _hold_commit(session, billed, (month, span, now), line.customer_id)
        if thresholds:
            rows = await slots_of_line(session, line.number, span[0] // SLOT, span[1] // SLOT)
            for threshold in thresholds:
                if found := _excess(threshold, rows):
                    event = _exceeded(threshold, subject, (month, now, line.customer_id), found)
                    await _tell_once(session, threshold.id, month, "threshold", event)


async def _hold_commit(
    session: AsyncSession, subject: Subject, when: tuple[str, Span, datetime], customer_id: UUID
) -> None:
    month, span, now = when
    known = select(Warned.kind).where(Warned.subject_id == subject.id, Warned.month == month)
    told = set((await session.scalars(known.where(or_(Warned.kind == "nearing", Warned.kind == "exceeded")))).all())
    if "exceeded" in told:
        return
    assert subject.commit_bps is not None
    rates, _ = await rates_of_span(session, subject, span)
    use = commit_use(rates, subject.method, subject.commit_bps, slots_in(span))
    for kind, reached, event_class in (
        ("exceeded", use.exceeded, CommitExceeded),
        ("nearing", use.nearing and not use.exceeded, CommitNearing),
    ):
        if reached and kind not in told:
            event = event_class(
                customer_id=customer_id,
                line_id=None if subject.is_group else subject.id,
                group_id=subject.id if subject.is_group else None,
                name=subject.name,
                month=month,
                time_zone=subject.time_zone,
                commit_bps=subject.commit_bps,
                p95_bps=use.p95_bps,
                slots_over=use.slots_over,
                slots_left=use.slots_left,
                occurred_at=now,
            )
            await _tell_once(session, subject.id, month, kind, event)


def _excess(threshold: Threshold, rows: list[SlotRow]) -> Excess | None:
    slots = []
    for row in rows:
        counts = row.measured_ms * 2 >= STEP_MS
        into, out = (row.in_bps, row.out_bps) if counts else (None, None)
        slots.append(Measured(row.slot, into, out, row.in_octets, row.out_octets))
    direction = threshold.direction
    assert direction in ("in", "out", "any", "sum")
    if threshold.kind == "volume":
        return volume_excess(slots, direction, threshold.limit)  # type: ignore[arg-type]  # asserted above
    return rate_excess(slots, direction, threshold.limit, threshold.minutes)  # type: ignore[arg-type]


def _exceeded(
    threshold: Threshold, subject: Subject, when: tuple[str, datetime, UUID], found: Excess
) -> ThresholdExceeded:
    month, now, customer_id = when
    return ThresholdExceeded.model_validate(
        {
            "threshold_id": threshold.id,
            "customer_id": customer_id,
            "line_id": subject.id,
            "name": subject.name,
            "month": month,
            "time_zone": subject.time_zone,
            "kind": threshold.kind,
            "direction": threshold.direction,
            "limit": threshold.limit,
            "measured": found.measured,
            "exceeded_at": datetime.fromtimestamp(found.slot * SLOT, now.tzinfo),
            "occurred_at": now,
        }
    )


async def _tell_once(
    session: AsyncSession,
    subject_id: UUID,
    month: str,
    kind: str,
    event: CommitNearing | CommitExceeded | ThresholdExceeded,
) -> None:
    """The row is the promise: whoever inserts it emits."""
    if await insert_new(session, Warned, subject_id=subject_id, month=month, kind=kind, warned_at=utc_now()):
        emit(session, event)
