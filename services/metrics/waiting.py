"""Samples of a line that nobody has told of yet: kept, and stored once the line is known."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import insert_new, utc_now
from services.metrics.lines import known_lines
from services.metrics.models import WaitingCounters, WaitingLine
from services.metrics.rates import Counter
from services.metrics.store.rows import write
from services.metrics.store.samples import SIGN, keep
from services.metrics.store.statements import PUT_WAITING

TOO_MANY_WAITING = "too_many_waiting"
_AT_ONCE = 20_000

Refuse = Callable[[str, Any, int], None]


async def park(
    session: AsyncSession,
    source: str,
    by_line: Mapping[str, Mapping[int, Counter]],
    most: tuple[int, int],
    refuse: Refuse,
) -> int:
    """Keep what waits for its line; returns how many samples. ``most``: unknown lines, and samples of each."""
    most_lines, most_samples = most
    lines = await session.scalar(select(func.count()).select_from(WaitingLine)) or 0
    parked = 0
    for name in sorted(by_line):
        counters = by_line[name]
        waiting = await _waiting_line(session, source, name, may_be_new=lines < most_lines)
        if waiting is None or waiting.samples + len(counters) > most_samples:
            refuse(TOO_MANY_WAITING, {"line_id": name}, len(counters))
            continue
        lines += waiting.samples == 0
        rows = [(waiting.number, at, c[0], c[1] - SIGN, c[2] - SIGN) for at, c in sorted(counters.items())]
        await write(session, PUT_WAITING, rows)
        await _count(session, waiting.number)
        parked += len(counters)
    return parked


async def release(session: AsyncSession, source_line_id: str) -> int:
    """Store what waits for lines of this id, wherever one is meant now; returns how many samples."""
    waiting = select(WaitingLine).where(WaitingLine.source_line_id == source_line_id).order_by(WaitingLine.number)
    released = 0
    for one in (await session.scalars(waiting)).all():
        released += await release_one(session, one)
    return released


async def release_one(session: AsyncSession, waiting: WaitingLine) -> int:
    """Store what waits here, if its line is known; returns how many samples."""
    known = (await known_lines(session, waiting.source, [waiting.source_line_id])).get(waiting.source_line_id)
    if known is None:
        return 0
    columns = (
        WaitingCounters.at_ms,
        WaitingCounters.discontinuity,
        WaitingCounters.in_octets,
        WaitingCounters.out_octets,
    )
    mine = select(*columns).where(WaitingCounters.waiting_number == waiting.number).order_by(WaitingCounters.at_ms)
    after, released = -(2**63), 0
    while True:
        rows = (await session.execute(mine.where(WaitingCounters.at_ms > after).limit(_AT_ONCE))).all()
        if not rows:
            break
        counters = {at: Counter(stop, into + SIGN, out + SIGN) for at, stop, into, out in rows}
        await keep(session, {known.number: counters}, {known.number: known.ceiling_bps}, due_from_ms=0)
        after, released = rows[-1].at_ms, released + len(rows)
    await forget(session, waiting.number)
    return released


async def forget(session: AsyncSession, number: int) -> None:
    """Nobody waits any more."""
    await session.execute(delete(WaitingCounters).where(WaitingCounters.waiting_number == number))
    await session.execute(delete(WaitingLine).where(WaitingLine.number == number))


async def forget_before(session: AsyncSession, before: datetime) -> int:
    """What has waited in vain; returns how many lines."""
    old = (await session.scalars(select(WaitingLine.number).where(WaitingLine.last_received_at < before))).all()
    for number in old:
        await forget(session, number)
    return len(old)


async def _waiting_line(
    session: AsyncSession, source: str, source_line_id: str, *, may_be_new: bool
) -> WaitingLine | None:
    key = {"source": source, "source_line_id": source_line_id}
    found: WaitingLine | None = await session.scalar(select(WaitingLine).filter_by(**key).with_for_update())
    if found is None and may_be_new:
        now = utc_now()
        await insert_new(session, WaitingLine, id=uuid4(), samples=0, received_at=now, last_received_at=now, **key)
        found = await session.scalar(select(WaitingLine).filter_by(**key))
    return found


async def _count(session: AsyncSession, number: int) -> None:
    counted = select(func.count()).select_from(WaitingCounters).where(WaitingCounters.waiting_number == number)
    newest = update(WaitingLine).where(WaitingLine.number == number)
    state = newest.values(samples=counted.scalar_subquery(), last_received_at=utc_now())
    await session.execute(state.execution_options(synchronize_session=False))
