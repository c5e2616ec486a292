"""What waited for its customer is filed when the customer comes."""

import asyncio
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import is_outage
from chassis.db import Database
from chassis.logging import log
from events.base import InvalidEvent
from events.crm import ContractUpserted
from services.contracts.filing.notes import Note, refusal
from services.contracts.filing.settle import hold, settle
from services.contracts.models import Customer, FeedRecord

AT_ONCE = 500
"""More than so many wait for the next round, so that no transaction grows without bound."""


async def release(session: AsyncSession, customer_number: str, *, at_most: int = AT_ONCE) -> int:
    """Settle the oldest records that wait for this customer number; returns how many."""
    waiting = select(FeedRecord).where(FeedRecord.state == "parked", FeedRecord.customer_number == customer_number)
    oldest = waiting.order_by(FeedRecord.received_at, FeedRecord.id).limit(at_most)
    found = (await session.scalars(oldest)).all()
    for parked in found:
        await settle_again(session, parked)
    return len(found)


async def settle_again(session: AsyncSession, waiting: FeedRecord) -> None:
    """One record that is kept here; whatever is wrong with it refuses this one only, never its customer's event."""
    note = Note(waiting.source, waiting.event_id, waiting.subject, waiting.occurred_at)
    try:
        async with session.begin_nested():
            await settle(session, note, ContractUpserted.model_validate(waiting.payload))
    except Exception as error:
        if is_outage(error):
            raise
        log.error("waiting_record_failed", event_id=note.event_id, exc_info=error)
        invalid = error if isinstance(error, InvalidEvent) else InvalidEvent("handler_error", type(error).__name__)
        await note.write(session, refusal(invalid))


async def release_for_ever(database: Database, *, every: timedelta) -> None:
    """The rest of what is too much for one transaction, and whatever slipped through."""
    left_over = (
        select(Customer.number)
        .join(FeedRecord, FeedRecord.customer_number == Customer.number)
        .where(FeedRecord.state == "parked")
        .limit(1)
    )
    while True:
        async with database.reading() as session:
            number = await session.scalar(left_over)
        if number is None:
            await asyncio.sleep(every.total_seconds())
            continue
        async with database.transaction() as session:
            await hold(session, f"customer/{number}")
            released = await release(session, number)
        log.info("parked_records_released", records=released)
