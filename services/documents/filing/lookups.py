"""What both kinds of feed records ask first: the lock, the customer, the number."""

from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from events.base import InvalidEvent
from services.documents.models import Customer, Document


async def hold_customer(session: AsyncSession, customer_number: str) -> None:
    """One at a time per customer: whichever of two belonging records comes second sees the first.

    SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
        await session.execute(lock, {"key": f"customer/{customer_number}"})


async def customer_of(session: AsyncSession, number: str) -> UUID | None:
    """The customer who bears this number now."""
    bearers = select(Customer.id).where(Customer.number == number).order_by(Customer.active.desc(), Customer.id)
    found: UUID | None = await session.scalar(bearers.limit(1))
    return found


async def same_number(session: AsyncSession, source: str, family: str, number: str) -> Any:
    """Id, customer and content of what was filed under this number, or None."""
    columns = (Document.id, Document.customer_id, Document.content_sha256)
    wanted = select(*columns).where(Document.source == source, Document.family == family, Document.number == number)
    return (await session.execute(wanted)).one_or_none()


def other_customer(pointer: str) -> InvalidEvent:
    """The refusal of what would hang on somebody else's invoice."""
    detail = "The invoice belongs to another customer."
    return InvalidEvent("customer_mismatch", detail, [{"pointer": pointer, "detail": detail}])
