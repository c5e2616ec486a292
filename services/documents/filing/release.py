"""What waited for its customer is filed when the customer comes."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import feeds
from chassis.db import Database
from events.base import InvalidEvent
from events.billing import PaymentRecorded
from services.documents.filing.lookups import hold_customer
from services.documents.filing.notes import Note, refusal
from services.documents.filing.payments import settle_parked_payment
from services.documents.filing.settle import settle
from services.documents.models import Customer, FeedRecord
from services.documents.record import Record


async def release(session: AsyncSession, customer_number: str, *, at_most: int = feeds.AT_ONCE) -> int:
    """Settle the oldest records that wait for this customer number; returns how many."""
    waits = (FeedRecord.waits_for == "customer", FeedRecord.waits_key == customer_number)
    found = await feeds.oldest_parked(session, FeedRecord, *waits, at_most=at_most)
    for parked in found:
        await settle_again(session, parked)
    return len(found)


async def settle_again(session: AsyncSession, waiting: FeedRecord) -> None:
    """One record that is kept here."""
    note = Note(waiting.source, waiting.event_id, waiting.subject, waiting.occurred_at)

    async def file() -> None:
        if waiting.subject == PaymentRecorded.subject:
            await settle_parked_payment(session, waiting)
        else:
            await settle(session, Record.model_validate(waiting.payload))

    async def refuse(invalid: InvalidEvent) -> None:
        await note.write(session, refusal(invalid))

    await feeds.settle_or_refuse(session, note.event_id, file, refuse)


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
    """What the customer's event left over."""

    async def hold_and_release(session: AsyncSession, number: str) -> int:
        await hold_customer(session, number)
        return await release(session, number)

    await feeds.release_for_ever(database, next_waiting, hold_and_release, every=every)
