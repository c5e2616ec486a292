"""What billing says about the payment of an invoice, whichever of the two comes first."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from events.base import Envelope, InvalidEvent
from events.billing import PaymentRecorded
from services.documents.filing.lookups import customer_of, hold_customer, other_customer, same_number
from services.documents.filing.notes import Note, Outcome, refusal
from services.documents.models import Document, FeedRecord

_WAITING_PAYMENTS = (
    select(FeedRecord)
    .where(
        FeedRecord.state == "parked",
        FeedRecord.waits_for == "invoice",
        FeedRecord.waits_key == bindparam("invoice"),
        FeedRecord.source == bindparam("source"),
    )
    .order_by(FeedRecord.occurred_at)
)


async def settle_payment(session: AsyncSession, event: PaymentRecorded) -> Outcome:
    """Note on the invoice what billing says of its payment; the later statement wins, the invoice may come later.

    Raises:
        InvalidEvent: the invoice belongs to another customer.
    """
    source, said_at = event.envelope.source, event.envelope.time
    await hold_customer(session, event.customer_number)
    invoice = await same_number(session, source, "invoice", event.invoice_number)
    if invoice is None:
        detail = f"No invoice {event.invoice_number} is filed yet."
        reason = {"reason": "unknown_invoice", "detail": detail}
        outcome = Outcome("parked", None, (reason,), "invoice", event.invoice_number)
    else:
        if await customer_of(session, event.customer_number) != invoice.customer_id:
            raise other_customer("/data/customer_number")
        said = {name: getattr(event, name) for name in ("payment_state", "paid_on", "open_amount")}
        await take_payment_state(session, invoice.id, said_at, said)
        outcome = Outcome("filed", invoice.id)
    note = Note(source, event.envelope.id, event.subject, said_at)
    payload = event.model_dump(mode="json") if outcome.state == "parked" else None
    fields = {"customer_number": event.customer_number, "number": event.invoice_number, "payload": payload}
    await note.write(session, outcome, **fields)
    return outcome


async def take_payment_state(session: AsyncSession, document_id: UUID, said_at: datetime, said: dict[str, Any]) -> None:
    """Unless something later is known already."""
    later: ColumnElement[bool] = or_(Document.payment_at.is_(None), Document.payment_at <= said_at)
    newer = update(Document).where(Document.id == document_id, later)
    await session.execute(newer.values(**said, payment_at=said_at).execution_options(synchronize_session=False))


async def apply_waiting_payments(session: AsyncSession, source: str, invoice_number: str) -> None:
    """What was said about an invoice before it came."""
    waiting = await session.scalars(_WAITING_PAYMENTS, {"invoice": invoice_number, "source": source})
    for parked in waiting.all():
        await settle_parked_payment(session, parked)


async def settle_parked_payment(session: AsyncSession, parked: FeedRecord) -> None:
    """Try again; what turns out to be invalid is noted as refused."""
    envelope = Envelope(
        id=parked.event_id,
        source=parked.source,
        type=parked.subject,
        subject="",
        time=parked.occurred_at,
        traceparent=None,
        data=parked.payload,
    )
    try:
        await settle_payment(session, PaymentRecorded.received(envelope))
    except InvalidEvent as invalid:
        note = Note(parked.source, parked.event_id, parked.subject, parked.occurred_at)
        await note.write(session, refusal(invalid))
