"""What waited for its customer is settled when the customer comes; what an operator decides about a conflict."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import feeds
from chassis.db import Database, utc_now
from events.base import Envelope, InvalidEvent
from events.crm import ContactUpserted
from services.contacts.filing.lookups import hold
from services.contacts.filing.notes import Note, refusal
from services.contacts.filing.settle import Said, settle, take
from services.contacts.models import Contact, Customer, FeedRecord


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


async def release(
    session: AsyncSession, customer_number: str, country_code: str, *, at_most: int = feeds.AT_ONCE
) -> int:
    """Settle the oldest records that wait for this customer number; returns how many."""
    waits = FeedRecord.waits_key == customer_number
    found = await feeds.oldest_parked(session, FeedRecord, waits, at_most=at_most)
    for parked in found:
        await settle_again(session, parked, country_code)
    return len(found)


async def settle_again(session: AsyncSession, waiting: FeedRecord, country_code: str) -> None:
    """One record that is kept here."""
    note = Note(waiting.source, waiting.event_id, waiting.subject, waiting.occurred_at)

    async def take_up() -> None:
        await settle(session, event_of_record(waiting), country_code)

    async def refuse(invalid: InvalidEvent) -> None:
        await note.write(session, refusal(invalid))

    await feeds.settle_or_refuse(session, note.event_id, take_up, refuse)


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
    """What the customer's event left over."""

    async def hold_and_release(session: AsyncSession, number: str) -> int:
        await hold(session, "customer", number)
        return await release(session, number, country_code)

    await feeds.release_for_ever(database, next_waiting, hold_and_release, every=every)
