"""What waited for its customer is settled when the customer comes; what an operator decides about a conflict."""

import asyncio
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import is_outage
from chassis.db import Database, utc_now
from chassis.logging import log
from events.base import Envelope, InvalidEvent
from events.crm import ContactUpserted
from services.contacts.filing.lookups import hold
from services.contacts.filing.notes import Note, refusal
from services.contacts.filing.settle import Said, settle, take
from services.contacts.models import Contact, Customer, FeedRecord

AT_ONCE = 500
"""More than so many wait for the next round, so that no transaction grows without bound."""


def event_of_record(record: FeedRecord) -> ContactUpserted:
    """The event as it came."""
    envelope = Envelope(
        id=record.event_id,
        source=record.source,
        type=record.subject,
        subject="",
        time=record.occurred_at,
        traceparent=None,
        data=record.payload,
    )
    return ContactUpserted.received(envelope)


async def release(session: AsyncSession, customer_number: str, country_code: str, *, at_most: int = AT_ONCE) -> int:
    """Settle the oldest records that wait for this customer number; returns how many."""
    waiting = select(FeedRecord).where(FeedRecord.state == "parked", FeedRecord.waits_key == customer_number)
    oldest = waiting.order_by(FeedRecord.received_at, FeedRecord.id).limit(at_most)
    found = (await session.scalars(oldest)).all()
    for parked in found:
        await settle_again(session, parked, country_code)
    return len(found)


async def settle_again(session: AsyncSession, waiting: FeedRecord, country_code: str) -> None:
    """One record that is kept here; whatever is wrong with it refuses this one only, never its customer's event."""
    note = Note(waiting.source, waiting.event_id, waiting.subject, waiting.occurred_at)
    try:
        async with session.begin_nested():
            await settle(session, event_of_record(waiting), country_code)
    except Exception as error:
        if is_outage(error):
            raise
        log.error("waiting_record_failed", event_id=note.event_id, exc_info=error)
        invalid = error if isinstance(error, InvalidEvent) else InvalidEvent("handler_error", type(error).__name__)
        await note.write(session, refusal(invalid))


async def take_theirs(session: AsyncSession, record: FeedRecord, country_code: str) -> None:
    """The operator decides a conflict for the CRM: all of its values, also where ours are newer."""
    contact = await _held(session, record)
    said = Said.of(event_of_record(record), country_code)
    await take(session, contact, said, country_code)
    contact.touched_at = utc_now()
    record.state, record.payload, record.changed_at = "filed", None, utc_now()


async def keep_ours(session: AsyncSession, record: FeedRecord, country_code: str) -> None:
    """The operator decides a conflict for the portal: the same word of the CRM will not count again."""
    contact = await _held(session, record)
    said = Said.of(event_of_record(record), country_code)
    contact.feed_version, contact.feed_state = said.event.version, said.values
    record.state, record.payload, record.changed_at = "dropped", None, utc_now()


async def _held(session: AsyncSession, record: FeedRecord) -> Contact:
    await hold(session, "contact", f"{record.source}/{record.number}")
    return await session.get_one(Contact, record.contact_id, with_for_update=True, populate_existing=True)


async def next_waiting(session: AsyncSession) -> str | None:
    """A known customer's number for which records are still parked."""
    left_over = (
        select(Customer.number)
        .join(FeedRecord, FeedRecord.waits_key == Customer.number)
        .where(FeedRecord.state == "parked")
    )
    found: str | None = await session.scalar(left_over.limit(1))
    return found


async def release_for_ever(database: Database, *, every: timedelta, country_code: str) -> None:
    """The rest of what is too much for one transaction, and whatever slipped through."""
    while True:
        async with database.reading() as session:
            number = await next_waiting(session)
        if number is None:
            await asyncio.sleep(every.total_seconds())
            continue
        async with database.transaction() as session:
            await hold(session, "customer", number)
            released = await release(session, number, country_code)
        log.info("parked_records_released", records=released)
