"""Tells the current state of all contacts again, for listeners that lost something (`portalctl republish`)."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.outbox import emit
from services.contacts.models import Contact, Customer
from services.contacts.settings import settings

AT_ONCE = 1000


async def republish(session: AsyncSession) -> int:
    """One changed event for each contact that is or was in force, with its version; returns how many."""
    count, last, country_code = 0, None, settings().country_code
    languages = {row.id: row.language for row in (await session.scalars(select(Customer))).all()}
    while True:
        page = select(Contact).where(Contact.state == "active").order_by(Contact.id).limit(AT_ONCE)
        contacts = (await session.scalars(page.where(Contact.id > last) if last else page)).all()
        if not contacts:
            return count
        for contact in contacts:
            language = languages.get(contact.customer_id, "de") if contact.customer_id else "de"
            emit(session, contact.changed(country_code=country_code, language=language))
        count, last = count + len(contacts), contacts[-1].id
        await session.flush()
        session.expunge_all()
