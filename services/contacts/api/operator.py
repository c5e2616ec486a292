"""What the operator's staff sees and decides: records that were not taken, conflicts, dead letters, health."""

from fastapi import APIRouter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import feeds
from chassis.access import Operator
from chassis.db import ReadSession, Transactions, utc_now
from chassis.dead_letters import add_dead_letters, count_buried
from chassis.identity import Identity
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page
from services.contacts.api.approvals import note_looks
from services.contacts.api.piles import ConflictOut, FeedHealthOut, HealthOut, RecordOut
from services.contacts.audit import audit_line
from services.contacts.filing.release import keep_ours, settle_again, take_theirs
from services.contacts.models import Approval, Contact, Customer, FeedHealth, FeedRecord
from services.contacts.settings import settings

router = APIRouter(prefix="/contacts/operator", tags=["operator"])
add_dead_letters(router, audit_line)


@router.get("/conflicts")
async def list_conflicts(
    operator: Operator, session: ReadSession, transactions: Transactions, limit: Limit = 50, cursor: Cursor = None
) -> Page[ConflictOut]:
    """The CRM says something else than what was confirmed or edited here since; newest first, both values."""
    found, more = await feeds.pile(session, FeedRecord, "conflict", limit, cursor)
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


@router.get("/health")
async def get_health(_operator: Operator, session: ReadSession) -> HealthOut:
    """Per source and customer what came last, and how much waits for somebody to decide."""
    of_customers = select(FeedHealth, Customer).outerjoin(Customer, Customer.id == FeedHealth.customer_id)
    newest = (await session.execute(of_customers.order_by(FeedHealth.last_filed_at.desc()).limit(1000))).all()
    pending = select(func.count()).select_from(Approval).where(Approval.state == "pending")
    return HealthOut.of(
        [FeedHealthOut.of(health, customer) for health, customer in newest],
        await feeds.count_unsettled(session, FeedRecord, ("parked", "conflict", "refused")),
        dead_letters=await count_buried(session),
        approvals=await session.scalar(pending) or 0,
    )


def _add_list(path: str, state: str) -> None:
    async def list_records(
        _operator: Operator, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[RecordOut]:
        """Newest first."""
        found, more = await feeds.pile(session, FeedRecord, state, limit, cursor)
        return Page(items=[RecordOut.of(record) for record in found], next_cursor=more)

    router.add_api_route(f"/{path}", list_records, name=f"list_{path}", methods=["GET"])


async def _settle_again(session: AsyncSession, record: FeedRecord) -> None:
    await settle_again(session, record, settings().country_code)


async def _retry(session: AsyncSession, record: FeedRecord) -> str:
    await feeds.retry(session, record, _settle_again)
    return "feed_record_retried"


async def _drop(session: AsyncSession, record: FeedRecord) -> str:
    await feeds.give_up(session, record)
    return "feed_record_dropped"


async def _take_theirs(session: AsyncSession, record: FeedRecord) -> str:
    await take_theirs(session, record, settings().country_code)
    return "contact_conflict_taken"


async def _keep_ours(session: AsyncSession, record: FeedRecord) -> str:
    await keep_ours(session, record, settings().country_code)
    return "contact_conflict_kept"


async def _note(session: AsyncSession, record: FeedRecord, done: str, operator: Identity) -> None:
    concerned = await session.get(Contact, record.contact_id) if record.contact_id else None
    customer_id = concerned.customer_id if concerned else None
    on = f"contact/{record.contact_id}" if record.contact_id else f"feed_record/{record.id}"
    emit(session, audit_line(done, operator, on, utc_now(), customer_id=customer_id))


PILES: tuple[feeds.Pile[FeedRecord], ...] = (
    feeds.Pile("parked", "parked", _retry, _drop),
    feeds.Pile("refused", "refused", _retry, _drop),
    feeds.Pile(
        "conflicts",
        "conflict",
        _take_theirs,
        _keep_ours,
        "Take the CRM's values.",
        "Keep ours; the same word of the CRM will not count.",
    ),
)
for _pile in PILES:
    if _pile.path != "conflicts":
        _add_list(_pile.path, _pile.state)
    feeds.add_decisions(router, FeedRecord, _pile, _note)
