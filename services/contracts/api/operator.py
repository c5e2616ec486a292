"""What the operator's staff sees and decides: records that could not be filed, dead letters, the feed's health."""

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import feeds
from chassis.access import Operator
from chassis.db import ReadSession, utc_now
from chassis.dead_letters import add_dead_letters, count_buried
from chassis.identity import Identity
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page
from services.contracts.api.bodies import FeedHealthOut, HealthOut, RecordOut
from services.contracts.audit import audit_line
from services.contracts.filing.release import settle_again
from services.contracts.models import Customer, FeedHealth, FeedRecord

router = APIRouter(prefix="/contracts/operator", tags=["operator"])
add_dead_letters(router, audit_line)

PILES = {"parked": "parked", "refused": "refused"}
"""Path to state."""


@router.get("/health")
async def get_health(_operator: Operator, session: ReadSession) -> HealthOut:
    """Per source and customer what came last, and how much waits for somebody to decide."""
    of_customers = select(FeedHealth, Customer).outerjoin(Customer, Customer.id == FeedHealth.customer_id)
    newest = (await session.execute(of_customers.order_by(FeedHealth.last_filed_at.desc()).limit(1000))).all()
    counts = await feeds.count_unsettled(session, FeedRecord, tuple(PILES.values()))
    return HealthOut.of(
        [FeedHealthOut.of(health, customer) for health, customer in newest],
        counts,
        dead_letters=await count_buried(session),
    )


def _add_pile(path: str, state: str) -> None:
    async def list_records(
        _operator: Operator, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[RecordOut]:
        """Newest first."""
        found, more = await feeds.pile(session, FeedRecord, state, limit, cursor)
        return Page(items=[RecordOut.of(record) for record in found], next_cursor=more)

    router.add_api_route(f"/{path}", list_records, name=f"list_{path}", methods=["GET"])
    feeds.add_decisions(router, FeedRecord, feeds.Pile(path, state, _retry, _drop), _note)


async def _retry(session: AsyncSession, record: FeedRecord) -> str:
    await feeds.retry(session, record, settle_again)
    return "feed_record_retried"


async def _drop(session: AsyncSession, record: FeedRecord) -> str:
    await feeds.give_up(session, record)
    return "feed_record_dropped"


async def _note(session: AsyncSession, record: FeedRecord, done: str, operator: Identity) -> None:
    emit(session, audit_line(done, operator, f"feed_record/{record.id}", utc_now()))


for _path, _state in PILES.items():
    _add_pile(_path, _state)
