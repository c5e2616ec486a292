"""Tells once a year of each contact that nobody has vouched for: after a restart, with any number of processes."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database, utc_now
from chassis.logging import log
from chassis.outbox import emit
from events.contacts import ReviewDue
from services.contacts.models import Contact, Customer
from services.contacts.review import day_in, due_on, may_tell_again, months_after

AT_ONCE = 200


async def tell_what_is_due(session: AsyncSession, now: datetime, *, review_months: int) -> int:
    """One event for each contact that became due since it was told of last; returns how many."""
    # two days of slack: which day it is depends on the customer's time zone and is looked at below
    longest_ago = now - timedelta(days=review_months * 28 - 2)
    told_long_ago = or_(
        Contact.review_told_on.is_(None), Contact.review_told_on <= months_after(now.date(), -12) + timedelta(days=2)
    )
    candidates = (
        select(Contact, Customer)
        .join(Customer, Customer.id == Contact.customer_id)
        .where(Contact.side == "customer", Contact.state == "active", Contact.removed_at.is_(None), Customer.active)
        .where(Contact.vouched_at <= longest_ago, told_long_ago)
        .order_by(Contact.vouched_at, Contact.id)
    )
    told = 0
    for contact, customer in (await session.execute(candidates)).all():
        today = day_in(customer.time_zone, now)
        day = due_on(day_in(customer.time_zone, contact.vouched_at), review_months)
        if day <= today and may_tell_again(contact.review_told_on, today) and told < AT_ONCE:
            told += await _tell(
                session,
                contact,
                ReviewDue(
                    contact_id=contact.id,
                    customer_id=customer.id,
                    roles=contact.roles,
                    due_on=day,
                    confirmed_at=contact.confirmed_at,
                ),
                today,
            )
    return told


async def _tell(session: AsyncSession, contact: Contact, due: ReviewDue, today: Any) -> int:
    """Check and act in one statement: of two processes one tells."""
    before = contact.review_told_on
    as_before = Contact.review_told_on.is_(None) if before is None else Contact.review_told_on == before
    mine = update(Contact).where(Contact.id == contact.id, Contact.vouched_at == contact.vouched_at, as_before)
    result: Any = await session.execute(mine.values(review_told_on=today).execution_options(synchronize_session=False))
    if result.rowcount == 1:
        emit(session, due)
    return int(result.rowcount)


async def tell_for_ever(database: Database, *, every: timedelta, review_months: int) -> None:
    """Once at start, then now and then."""
    while True:
        async with database.transaction() as session:
            told = await tell_what_is_due(session, utc_now(), review_months=review_months)
        if told:
            log.info("contacts_due", told=told)
        if told < AT_ONCE:
            await asyncio.sleep(every.total_seconds())
