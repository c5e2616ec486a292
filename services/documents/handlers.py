"""The events `documents` reacts to: what billing publishes, and what `users` says about customers."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import EventRouter
from chassis.db import insert_new
from events.base import Envelope, InvalidEvent
from events.billing import DocumentPublished, InvoicePublished, PaymentRecorded
from events.users import CustomerChanged
from services.documents.filing.intake import Intake
from services.documents.filing.lookups import hold_customer
from services.documents.filing.notes import Note, refusal
from services.documents.filing.payments import settle_payment
from services.documents.filing.release import release
from services.documents.filing.settle import settle
from services.documents.models import Customer
from services.documents.record import Record

handlers = EventRouter("documents")


def handlers_with(intake: Intake) -> EventRouter:
    """The same handlers; files are stored by this intake before the transaction begins."""
    router = EventRouter(handlers.service)
    router.handlers = dict(handlers.handlers)
    router.buried = handlers.buried
    router.before(InvoicePublished, DocumentPublished)(intake.receive)
    return router


@handlers.on(InvoicePublished, DocumentPublished)
async def file_document(record: Record, session: AsyncSession) -> None:
    """File what billing published: the intake has made a record of the event and stored its files."""
    await settle(session, record)


@handlers.on(PaymentRecorded)
async def note_payment(event: PaymentRecorded, session: AsyncSession) -> None:
    """Bring the invoice's payment state up to date."""
    await settle_payment(session, event)


@handlers.on(CustomerChanged)
async def take_customer(event: CustomerChanged, session: AsyncSession) -> None:
    """Keep the newest state of the customer, and file what waited for its number."""
    await hold_customer(session, event.number)
    state = {"number": event.number, "name": event.name, "active": event.active, "version": event.version}
    if not await insert_new(session, Customer, id=event.customer_id, **state):
        newer = update(Customer).where(Customer.id == event.customer_id, Customer.version < event.version)
        await session.execute(newer.values(**state).execution_options(synchronize_session=False))
    await release(session, event.number)


@handlers.on_buried
async def note_refusal(session: AsyncSession, envelope: Envelope, delivery: str, invalid: InvalidEvent) -> None:
    """A refused feed record can be asked for by its sender, and tried again from where its bytes are kept."""
    if not envelope.type.startswith("billing."):
        return
    data = envelope.data if isinstance(envelope.data, dict) else {}
    number = next((data[name] for name in ("invoice_number", "document_id") if name in data), None)
    note = Note(envelope.source, envelope.id, envelope.type[:200], envelope.time)
    await note.write(
        session,
        refusal(invalid),
        customer_number=_short(data.get("customer_number")),
        number=_short(number),
        payload={"delivery": delivery},
    )


def _short(value: object) -> str | None:
    """What an invalid record holds may be anything."""
    return "".join(letter for letter in value if letter.isprintable())[:64] if isinstance(value, str) else None
