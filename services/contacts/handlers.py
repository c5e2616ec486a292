"""The events `contacts` reacts to: what the CRM says about contacts, and what `users` says about customers."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import EventRouter
from chassis.db import insert_new
from events.base import Envelope, InvalidEvent
from events.crm import ContactUpserted
from events.users import CustomerChanged
from services.contacts.filing.lookups import hold
from services.contacts.filing.notes import Note, refusal
from services.contacts.filing.release import release
from services.contacts.filing.settle import settle
from services.contacts.models import Customer
from services.contacts.settings import settings

handlers = EventRouter("contacts")


@handlers.on(ContactUpserted)
async def take_over_contact(event: ContactUpserted, session: AsyncSession) -> None:
    """The CRM's word counts unless somebody here has said something newer."""
    await settle(session, event, settings().country_code)


@handlers.on(CustomerChanged)
async def take_customer(event: CustomerChanged, session: AsyncSession) -> None:
    """Keep the newest state of the customer, and settle what waited for its number."""
    await hold(session, "customer", event.number)
    state = {name: getattr(event, name) for name in ("number", "name", "language", "time_zone", "active", "version")}
    if not await insert_new(session, Customer, id=event.customer_id, **state):
        newer = update(Customer).where(Customer.id == event.customer_id, Customer.version < event.version)
        await session.execute(newer.values(**state).execution_options(synchronize_session="fetch"))
    await release(session, event.number, settings().country_code)


@handlers.on_buried
async def note_refusal(session: AsyncSession, envelope: Envelope, delivery: str, invalid: InvalidEvent) -> None:
    """A refused feed record is shown to the operator, and can be tried again from where its bytes are kept."""
    if not envelope.type.startswith("crm."):
        return
    data = envelope.data if isinstance(envelope.data, dict) else {}
    note = Note(envelope.source, envelope.id, envelope.type[:200], envelope.time)
    await note.write(
        session,
        refusal(invalid),
        customer_number=_short(data.get("customer_number")),
        number=_short(data.get("contact_id")),
        payload={"delivery": delivery},
    )


def _short(value: object) -> str | None:
    """What an invalid record holds may be anything."""
    return "".join(letter for letter in value if letter.isprintable())[:64] if isinstance(value, str) else None
