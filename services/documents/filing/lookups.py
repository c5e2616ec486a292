"""What both kinds of feed records ask first: the lock, the customer, the number."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from events.base import InvalidEvent
from services.documents.models import Customer, Document

# built once: putting a statement together costs more than SQLite needs to run it
_CUSTOMERS, _DOCUMENTS = Customer.__table__.c, Document.__table__.c
_BEARER = (
    select(_CUSTOMERS.id)
    .where(_CUSTOMERS.number == bindparam("number"))
    .order_by(_CUSTOMERS.active.desc(), _CUSTOMERS.id)
    .limit(1)
)
_SAME_NUMBER = select(_DOCUMENTS.id, _DOCUMENTS.customer_id, _DOCUMENTS.content_sha256).where(
    _DOCUMENTS.source == bindparam("source"),
    _DOCUMENTS.family == bindparam("family"),
    _DOCUMENTS.number == bindparam("number"),
)


async def hold_customer(session: AsyncSession, customer_number: str) -> None:
    """One at a time per customer: whichever of two belonging records comes second sees the first.

    SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
        await session.execute(lock, {"key": f"customer/{customer_number}"})


async def customer_of(session: AsyncSession, number: str) -> UUID | None:
    """The customer who bears this number now."""
    found: UUID | None = await session.scalar(_BEARER, {"number": number})
    return found


async def same_number(session: AsyncSession, source: str, family: str, number: str) -> Any:
    """Id, customer and content of what was filed under this number, or None."""
    key = {"source": source, "family": family, "number": number}
    return (await session.execute(_SAME_NUMBER, key)).one_or_none()


def other_customer(pointer: str) -> InvalidEvent:
    """The refusal of what would hang on somebody else's invoice."""
    detail = "The invoice belongs to another customer."
    return InvalidEvent("customer_mismatch", detail, [{"pointer": pointer, "detail": detail}])
