"""What filing asks first: the lock, the customer, the contact."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from events.base import InvalidEvent
from services.contacts.models import Approval, Contact, Customer


async def hold(session: AsyncSession, kind: str, key: str) -> None:
    """One at a time for each key, until the transaction ends. SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
        await session.execute(lock, {"key": f"{kind}/{key}"})


async def customer_of(session: AsyncSession, number: str) -> Customer | None:
    """The customer who bears this number now."""
    bearers = select(Customer).where(Customer.number == number).order_by(Customer.active.desc(), Customer.id)
    return await session.scalar(bearers.limit(1))


async def known_contact(session: AsyncSession, source: str, external_id: str) -> Contact | None:
    """The contact that this feed knows by this id, held; also a removed one."""
    wanted = select(Contact).where(Contact.source == source, Contact.external_id == external_id)
    return await session.scalar(wanted.with_for_update())


async def waiting_change(session: AsyncSession, contact_id: UUID) -> Approval | None:
    """What waits for the operator about this contact."""
    wanted = select(Approval).where(Approval.contact_id == contact_id, Approval.state == "pending")
    return await session.scalar(wanted.with_for_update())


async def language_of(session: AsyncSession, customer_id: UUID | None) -> str:
    """The customer's; German for everybody."""
    customer = await session.get(Customer, customer_id) if customer_id else None
    return customer.language if customer else "de"


def visible_to(customer_id: UUID) -> list[ColumnElement[bool]]:
    """The customer's own contacts, and the operator's for this customer or for everybody."""
    theirs = or_(Contact.customer_id == customer_id, Contact.customer_id.is_(None))
    return [theirs, Contact.removed_at.is_(None)]


def contacts_of(customer_id: UUID) -> Select[Any]:
    """All that this customer may see."""
    return select(Contact).where(*visible_to(customer_id))


def refused(reason: str, pointer: str, detail: str) -> InvalidEvent:
    """One field is to blame."""
    return InvalidEvent(reason, detail, [{"pointer": pointer, "detail": detail}])
