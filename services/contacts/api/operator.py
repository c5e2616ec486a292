"""What the operator's staff sees and decides: records that were not taken, conflicts, dead letters, health."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request
from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import load_only

from chassis.access import Operator
from chassis.db import ReadSession, Session, Transactions, utc_now
from chassis.errors import problems
from chassis.identity import Identity
from chassis.inbox import FailedEvent, drop, try_again
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from services.contacts.api.approvals import note_looks
from services.contacts.api.piles import ConflictOut, DeadLetterOut, FeedHealthOut, HealthOut, RecordOut
from services.contacts.api.rows import settings_of
from services.contacts.audit import audit_line
from services.contacts.filing.release import keep_ours, settle_again, take_theirs
from services.contacts.models import (
    Approval,
    Contact,
    Customer,
    FeedHealth,
    FeedRecord,
    RecordNotFound,
    RecordSettled,
)

router = APIRouter(prefix="/contacts/operator", tags=["operator"])

_MISSING = problems(RecordNotFound, RecordSettled)
LetterId = Annotated[int, Path(ge=1, lt=2**63)]
Act = Callable[[AsyncSession, FeedRecord, str], Awaitable[str]]


@router.get("/conflicts")
async def list_conflicts(
    operator: Operator, session: ReadSession, transactions: Transactions, limit: Limit = 50, cursor: Cursor = None
) -> Page[ConflictOut]:
    """The CRM says something else than what was confirmed or edited here since; newest first, both values."""
    found, more = await _page(session, "conflict", limit, cursor)
    ids = [record.contact_id for record in found]
    concerned = select(Contact, Customer).outerjoin(Customer, Customer.id == Contact.customer_id)
    contacts = {
        contact.id: (contact, customer)
        for contact, customer in (await session.execute(concerned.where(Contact.id.in_(ids)))).all()
    }
    seen = {contact.customer_id for contact, _ in contacts.values() if contact.customer_id}
    await note_looks(transactions, operator, "contact_conflicts_listed", seen)
    shown = [
        ConflictOut.of_conflict(record, *contacts[record.contact_id])
        for record in found
        if record.contact_id in contacts
    ]
    return Page(items=shown, next_cursor=more)


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
    more = cursor_of(shown[-1].id) if len(found) > limit else None
    return Page(items=[DeadLetterOut.of(one) for one in shown], next_cursor=more)


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
    waiting = unsettled.where(FeedRecord.state.in_(("parked", "conflict", "refused")), FeedRecord.state != "filed")
    grouped = waiting.group_by(FeedRecord.source, FeedRecord.customer_number, FeedRecord.state)
    counts = {(source, number, state): count for source, number, state, count in await session.execute(grouped)}
    return HealthOut.of(
        [FeedHealthOut.of(health, customer) for health, customer in newest],
        counts,
        dead_letters=await _count(session, FailedEvent, FailedEvent.state == "buried"),
        approvals=await _count(session, Approval, Approval.state == "pending"),
    )


async def _count(session: AsyncSession, table: Any, condition: Any) -> int:
    return await session.scalar(select(func.count()).select_from(table).where(condition)) or 0


def _add_pile(pile: str, state: str, retry: Act, give_up: Act) -> None:
    async def list_records(
        _operator: Operator, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[RecordOut]:
        """Newest first."""
        found, more = await _page(session, state, limit, cursor)
        return Page(items=[RecordOut.of(record) for record in found], next_cursor=more)

    async def retry_record(record_id: UUID, operator: Operator, request: Request, session: Session) -> None:
        await _decide(session, (record_id, state), operator, settings_of(request).country_code, retry)

    async def drop_record(record_id: UUID, operator: Operator, request: Request, session: Session) -> None:
        await _decide(session, (record_id, state), operator, settings_of(request).country_code, give_up)

    in_conflict = state == "conflict"
    retry_record.__doc__ = (
        "Take the CRM's values." if in_conflict else "Settle it again: perhaps what it waited for is there now."
    )
    drop_record.__doc__ = "Keep ours; the same word of the CRM will not count." if in_conflict else "Nobody needs it."
    if not in_conflict:
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


async def _page(
    session: AsyncSession, state: str, limit: int, cursor: str | None
) -> tuple[list[FeedRecord], str | None]:
    records = select(FeedRecord).where(FeedRecord.state == state, FeedRecord.state != "filed")
    if cursor:
        received_at, last_id = key_of(cursor, datetime, UUID)
        same_moment = and_(FeedRecord.received_at == received_at, FeedRecord.id < last_id)
        records = records.where(or_(FeedRecord.received_at < received_at, same_moment))
    newest = records.order_by(FeedRecord.received_at.desc(), FeedRecord.id.desc())
    found = (await session.scalars(newest.limit(limit + 1))).all()
    shown = list(found[:limit])
    return shown, cursor_of(shown[-1].received_at, shown[-1].id) if len(found) > limit else None


async def _decide(
    session: AsyncSession, which: tuple[UUID, str], operator: Identity, country_code: str, act: Act
) -> None:
    record_id, state = which
    record = await session.get(FeedRecord, record_id, with_for_update=True)
    if record is None:
        raise RecordNotFound(record_id=str(record_id))
    if record.state != state:
        raise RecordSettled(record_id=str(record_id), state=record.state)
    done = await act(session, record, country_code)
    concerned = await session.get(Contact, record.contact_id) if record.contact_id else None
    customer_id = concerned.customer_id if concerned else None
    on = f"contact/{record.contact_id}" if record.contact_id else f"feed_record/{record_id}"
    emit(session, audit_line(done, operator, on, utc_now(), customer_id=customer_id))


async def _retry(session: AsyncSession, record: FeedRecord, country_code: str) -> str:
    if delivery := _delivery_of(record):
        await try_again(session, await _buried(session, FailedEvent.delivery == delivery))
    else:
        await settle_again(session, record, country_code)
    return "feed_record_retried"


async def _drop(session: AsyncSession, record: FeedRecord, _country_code: str) -> str:
    if delivery := _delivery_of(record):
        kept = await session.scalar(select(FailedEvent).where(FailedEvent.delivery == delivery))
        if kept is not None and kept.state == "buried":
            drop(kept)
    record.state, record.payload, record.changed_at = "dropped", None, utc_now()
    return "feed_record_dropped"


async def _take_theirs(session: AsyncSession, record: FeedRecord, country_code: str) -> str:
    await take_theirs(session, record, country_code)
    return "contact_conflict_taken"


async def _keep_ours(session: AsyncSession, record: FeedRecord, country_code: str) -> str:
    await keep_ours(session, record, country_code)
    return "contact_conflict_kept"


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


_add_pile("parked", "parked", _retry, _drop)
_add_pile("refused", "refused", _retry, _drop)
_add_pile("conflicts", "conflict", _take_theirs, _keep_ours)
