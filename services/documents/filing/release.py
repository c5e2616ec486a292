"""What waited for its customer is filed when the customer comes."""

import asyncio
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import is_outage
from chassis.db import Database
from chassis.logging import log
from events.base import InvalidEvent
from events.billing import PaymentRecorded
from services.documents.filing.lookups import hold_customer
from services.documents.filing.notes import Note, refusal
from services.documents.filing.payments import settle_parked_payment
from services.documents.filing.settle import settle
from services.documents.models import Customer, FeedRecord
from services.documents.record import Record

AT_ONCE = 500
"""More than so many wait for the next round, so that no transaction grows without bound."""


async def release(session: AsyncSession, customer_number: str, *, at_most: int = AT_ONCE) -> int:
    """Settle the oldest records that wait for this customer number; returns how many."""
    waiting = select(FeedRecord).where(
        FeedRecord.state == "parked", FeedRecord.waits_for == "customer", FeedRecord.waits_key == customer_number
    )
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
            if waiting.subject == PaymentRecorded.subject:
                await settle_parked_payment(session, waiting)
            else:
                await settle(session, Record.model_validate(waiting.payload))
    except Exception as error:
        if is_outage(error):
            raise
        log.error("waiting_record_failed", event_id=note.event_id, exc_info=error)
        invalid = error if isinstance(error, InvalidEvent) else InvalidEvent("handler_error", type(error).__name__)
        await note.write(session, refusal(invalid))


async def next_waiting(session: AsyncSession) -> str | None:
    """A known customer's number for which records are still parked."""
    left_over = (
        select(Customer.number)
        .join(FeedRecord, FeedRecord.waits_key == Customer.number)
        .where(FeedRecord.state == "parked", FeedRecord.waits_for == "customer")
    )
    found: str | None = await session.scalar(left_over.limit(1))
    return found


async def release_for_ever(database: Database, *, every: timedelta) -> None:
    """The rest of what is too much for one transaction, and whatever slipped through."""
    while True:
        async with database.reading() as session:
            number = await next_waiting(session)
        if number is None:
            await asyncio.sleep(every.total_seconds())
            continue
        async with database.transaction() as session:
            await hold_customer(session, number)
            released = await release(session, number)
        log.info("parked_records_released", records=released)
