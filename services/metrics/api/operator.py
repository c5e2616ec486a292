"""What the operator's staff sees and decides: what waits, what was refused, dead letters, the feeds' health."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import Operator
from chassis.db import ReadSession, Session, utc_now
from chassis.dead_letters import UNSETTLED, RecordNotFound, RecordSettled, add_dead_letters, count_buried
from chassis.errors import problems
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from services.metrics.api.bodies import FeedHealthOut, HealthOut, ParkedOut, RefusedOut
from services.metrics.audit import audit_line
from services.metrics.lines import adopt, forget_line
from services.metrics.models import (
    Customer,
    Line,
    Refusal,
    StillUnknown,
    WaitingLine,
)
from services.metrics.subjects import moment
from services.metrics.waiting import forget, release_one

router = APIRouter(prefix="/metrics/operator", tags=["operator"])
add_dead_letters(router, audit_line)


@router.get("/health")
async def get_health(_operator: Operator, session: ReadSession) -> HealthOut:
    """Per source and customer how many lines there are and when the newest sample was taken."""
    newest = func.max(Line.last_sample_ms)
    counted = select(Line.source, Line.customer_id, Line.customer_number, func.count(), newest)
    of_feed = counted.where(Line.removed.is_(False)).group_by(Line.source, Line.customer_id, Line.customer_number)
    lines = (await session.execute(of_feed.order_by(newest).limit(1000))).all()
    names = {one.id: one.name for one in await session.scalars(select(Customer))}
    waiting = await session.execute(select(WaitingLine.source, func.count()).group_by(WaitingLine.source))
    refused = await session.execute(select(Refusal.source, func.sum(Refusal.samples)).group_by(Refusal.source))
    feeds = [
        FeedHealthOut(
            source=source,
            customer_id=customer_id,
            customer_number=number,
            customer_name=names.get(customer_id) if customer_id else None,
            lines=count,
            last_sample_at=moment(last_sample_ms),
            parked=count if customer_id is None else 0,
        )
        for source, customer_id, number, count, last_sample_ms in lines
    ]
    of_source = _of_sources(dict(iter(waiting)), dict(iter(refused)))
    return HealthOut(
        feeds=feeds + of_source,
        parked=sum(feed.parked for feed in feeds + of_source),
        refused=sum(feed.refused for feed in of_source),
        dead_letters=await count_buried(session),
    )


@router.get("/parked")
async def list_parked(
    _operator: Operator, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
) -> Page[ParkedOut]:
    """Lines that wait for their customer, then samples that wait for their line, in the order in which they came."""
    kind, after = key_of(cursor, str, int) if cursor else ("line", 0)
    found: list[tuple[str, int, ParkedOut]] = []
    if kind == "line":
        orphans = select(Line).where(Line.customer_id.is_(None), Line.number > after).order_by(Line.number)
        found = [("line", one.number, _parked_line(one)) for one in await session.scalars(orphans.limit(limit + 1))]
        after = 0
    if len(found) <= limit:
        waiting = select(WaitingLine).where(WaitingLine.number > after).order_by(WaitingLine.number)
        rest = await session.scalars(waiting.limit(limit + 1 - len(found)))
        found += [("samples", one.number, _parked_samples(one)) for one in rest]
    more = len(found) > limit
    last = found[limit - 1][:2] if more else None
    return Page(items=[one for _, _, one in found[:limit]], next_cursor=cursor_of(*last) if last else None)


@router.post("/parked/{record_id}/retry", status_code=202, responses=UNSETTLED | problems(StillUnknown))
async def retry_parked(record_id: UUID, operator: Operator, session: Session) -> None:
    """Look again: perhaps what it waited for is there now."""
    parked = await _parked(session, record_id)
    if isinstance(parked, WaitingLine):
        done = await release_one(session, parked)
    else:
        done = await adopt(session, parked.customer_number)
    if not done:
        raise StillUnknown(record_id=str(record_id))
    emit(session, audit_line("parked_retried", operator, f"parked/{record_id}", utc_now()))


@router.post("/parked/{record_id}/drop", status_code=204, responses=UNSETTLED)
async def drop_parked(record_id: UUID, operator: Operator, session: Session) -> None:
    """Nobody needs it. A line goes with all its samples; its source may send it again."""
    parked = await _parked(session, record_id)
    if isinstance(parked, WaitingLine):
        await forget(session, parked.number)
    else:
        await forget_line(session, parked)
    emit(session, audit_line("parked_dropped", operator, f"parked/{record_id}", utc_now()))


@router.get("/refused")
async def list_refused(
    _operator: Operator, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
) -> Page[RefusedOut]:
    """By source and reason: how many samples, and the newest as an example."""
    rows = select(Refusal).order_by(Refusal.id)
    if cursor:
        (after,) = key_of(cursor, UUID)
        rows = rows.where(Refusal.id > after)
    found = (await session.scalars(rows.limit(limit + 1))).all()
    shown = found[:limit]
    items = [RefusedOut(**{name: getattr(one, name) for name in RefusedOut.model_fields}) for one in shown]
    return Page(items=items, next_cursor=cursor_of(shown[-1].id) if len(found) > limit else None)


@router.post("/refused/{record_id}/drop", status_code=204, responses=problems(RecordNotFound))
async def drop_refused(record_id: UUID, operator: Operator, session: Session) -> None:
    """Seen: the count begins anew."""
    gone: Any = await session.execute(delete(Refusal).where(Refusal.id == record_id))
    if not gone.rowcount:
        raise RecordNotFound(record_id=str(record_id))
    emit(session, audit_line("refused_dropped", operator, f"refused/{record_id}", utc_now()))


def _of_sources(waiting: dict[str, int], refused: dict[str, int]) -> list[FeedHealthOut]:
    """What belongs to a source but to no customer."""
    return [
        FeedHealthOut(
            source=source,
            customer_id=None,
            customer_number=None,
            customer_name=None,
            lines=0,
            last_sample_at=None,
            parked=waiting.get(source, 0),
            refused=int(refused.get(source, 0)),
        )
        for source in sorted({*waiting, *refused})
    ]


def _parked_line(line: Line) -> ParkedOut:
    return ParkedOut(
        id=line.id,
        kind="line",
        source=line.source,
        source_line_id=line.source_line_id,
        customer_number=line.customer_number,
        reason="unknown_customer",
        samples=0,
        received_at=line.received_at,
    )


def _parked_samples(waiting: WaitingLine) -> ParkedOut:
    return ParkedOut(
        id=waiting.id,
        kind="samples",
        source=waiting.source,
        source_line_id=waiting.source_line_id,
        customer_number=None,
        reason="unknown_line",
        samples=waiting.samples,
        received_at=waiting.received_at,
    )


async def _parked(session: AsyncSession, record_id: UUID) -> Line | WaitingLine:
    waiting = await session.scalar(select(WaitingLine).where(WaitingLine.id == record_id).with_for_update())
    if waiting is not None:
        return waiting
    line = await session.scalar(select(Line).where(Line.id == record_id).with_for_update())
    if line is None:
        raise RecordNotFound(record_id=str(record_id))
    if line.customer_id is not None:
        raise RecordSettled(record_id=str(record_id))
    return line
