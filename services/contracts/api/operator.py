"""What the operator's staff sees and decides: records that could not be filed, dead letters, the feed's health."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import load_only

from chassis.access import Operator
from chassis.db import ReadSession, Session, utc_now
from chassis.errors import problems
from chassis.identity import Identity
from chassis.inbox import FailedEvent, drop, try_again
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from services.contracts.api.bodies import DeadLetterOut, FeedHealthOut, HealthOut, RecordOut
from services.contracts.audit import audit_line
from services.contracts.filing.release import settle_again
from services.contracts.models import Customer, FeedHealth, FeedRecord, RecordNotFound, RecordSettled

router = APIRouter(prefix="/contracts/operator", tags=["operator"])

PILES = {"parked": "parked", "refused": "refused"}
"""Path to state."""
_MISSING = problems(RecordNotFound, RecordSettled)
LetterId = Annotated[int, Path(ge=1, lt=2**63)]


@router.get("/dead-letters")
async def list_dead_letters(
    _operator: Operator, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
) -> Page[DeadLetterOut]:
    """Events that were given up, newest first."""
    shown_columns = load_only(*(getattr(FailedEvent, name) for name in DeadLetterOut.model_fields))
    buried = select(FailedEvent).options(shown_columns).where(FailedEvent.state == "buried")
    if cursor:
        (before,) = key_of(cursor, int)
        buried = buried.where(FailedEvent.id < min(before, 2**63 - 1))
    found = (await session.scalars(buried.order_by(FailedEvent.id.desc()).limit(limit + 1))).all()
    shown = found[:limit]
    more = len(found) > limit
    return Page(items=[DeadLetterOut.of(one) for one in shown], next_cursor=cursor_of(shown[-1].id) if more else None)


@router.post("/dead-letters/{letter_id}/retry", status_code=202, responses=_MISSING)
async def retry_dead_letter(letter_id: LetterId, operator: Operator, session: Session) -> None:
    """Handled anew within a second."""
    await try_again(session, await _buried(session, FailedEvent.id == letter_id))
    emit(session, audit_line("dead_letter_retried", operator, f"dead_letter/{letter_id}", utc_now()))


@router.post("/dead-letters/{letter_id}/drop", status_code=204, responses=_MISSING)
async def drop_dead_letter(letter_id: LetterId, operator: Operator, session: Session) -> None:
    """Nobody needs it; its bytes stay in the stream of dead letters for as long as that keeps them."""
    drop(await _buried(session, FailedEvent.id == letter_id))
    emit(session, audit_line("dead_letter_dropped", operator, f"dead_letter/{letter_id}", utc_now()))


@router.get("/health")
async def get_health(_operator: Operator, session: ReadSession) -> HealthOut:
    """Per source and customer what came last, and how much waits for somebody to decide."""
    feeds = select(FeedHealth, Customer).outerjoin(Customer, Customer.id == FeedHealth.customer_id)
    newest = (await session.execute(feeds.order_by(FeedHealth.last_filed_at.desc()).limit(1000))).all()
    unsettled = select(FeedRecord.source, FeedRecord.customer_number, FeedRecord.state, func.count())
    waiting = unsettled.where(FeedRecord.state.in_(PILES.values()), FeedRecord.state != "filed")
    grouped = waiting.group_by(FeedRecord.source, FeedRecord.customer_number, FeedRecord.state)
    counts = {(source, number, state): count for source, number, state, count in await session.execute(grouped)}
    buried = select(func.count()).select_from(FailedEvent).where(FailedEvent.state == "buried")
    return HealthOut.of(
        [FeedHealthOut.of(health, customer) for health, customer in newest],
        counts,
        dead_letters=await session.scalar(buried) or 0,
    )


def _add_pile(pile: str, state: str) -> None:
    async def list_records(
        _operator: Operator, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[RecordOut]:
        """Newest first."""
        return await _page(session, state, limit, cursor)

    async def retry_record(record_id: UUID, operator: Operator, session: Session) -> None:
        """Settle it again: perhaps what it waited for is there now."""
        await _decide(session, record_id, state, operator, _retry)

    async def drop_record(record_id: UUID, operator: Operator, session: Session) -> None:
        """Nobody needs it."""
        await _decide(session, record_id, state, operator, _drop)

    router.add_api_route(f"/{pile}", list_records, name=f"list_{pile}", methods=["GET"])
    for verb, endpoint, status in (("retry", retry_record, 202), ("drop", drop_record, 204)):
        router.add_api_route(
            f"/{pile}/{{record_id}}/{verb}",
            endpoint,
            name=f"{verb}_{pile}",
            methods=["POST"],
            status_code=status,
            responses=_MISSING,
        )


for _pile, _state in PILES.items():
    _add_pile(_pile, _state)


async def _page(session: AsyncSession, state: str, limit: int, cursor: str | None) -> Page[RecordOut]:
    records = select(FeedRecord).where(FeedRecord.state == state, FeedRecord.state != "filed")
    if cursor:
        received_at, last_id = key_of(cursor, datetime, UUID)
        same_moment = and_(FeedRecord.received_at == received_at, FeedRecord.id < last_id)
        records = records.where(or_(FeedRecord.received_at < received_at, same_moment))
    newest = records.order_by(FeedRecord.received_at.desc(), FeedRecord.id.desc())
    found = (await session.scalars(newest.limit(limit + 1))).all()
    shown = found[:limit]
    return Page(
        items=[RecordOut.of(record) for record in shown],
        next_cursor=cursor_of(shown[-1].received_at, shown[-1].id) if len(found) > limit else None,
    )


async def _decide(
    session: AsyncSession,
    record_id: UUID,
    state: str,
    operator: Identity,
    act: Callable[[AsyncSession, FeedRecord], Awaitable[str]],
) -> None:
    record = await session.get(FeedRecord, record_id, with_for_update=True)
    if record is None:
        raise RecordNotFound(record_id=str(record_id))
    if record.state != state:
        raise RecordSettled(record_id=str(record_id), state=record.state)
    done = await act(session, record)
    emit(session, audit_line(f"feed_record_{done}", operator, f"feed_record/{record_id}", utc_now()))


async def _retry(session: AsyncSession, record: FeedRecord) -> str:
    if delivery := _delivery_of(record):
        await try_again(session, await _buried(session, FailedEvent.delivery == delivery))
    else:
        await settle_again(session, record)
    return "retried"


async def _drop(session: AsyncSession, record: FeedRecord) -> str:
    if delivery := _delivery_of(record):
        kept = await session.scalar(select(FailedEvent).where(FailedEvent.delivery == delivery))
        if kept is not None and kept.state == "buried":
            drop(kept)
    record.state, record.payload, record.changed_at = "dropped", None, utc_now()
    return "dropped"


def _delivery_of(record: FeedRecord) -> str | None:
    """Where the bytes of an event are kept that was refused on arrival; None when the record itself is kept here."""
    return (record.payload or {}).get("delivery")


async def _buried(session: AsyncSession, condition: object) -> FailedEvent:
    wanted = select(FailedEvent).where(condition).with_for_update()  # type: ignore[arg-type]
    failed = await session.scalar(wanted)
    if failed is None:
        raise RecordNotFound
    if failed.state != "buried":
        raise RecordSettled(failed_id=failed.id, state=failed.state)
    return failed
