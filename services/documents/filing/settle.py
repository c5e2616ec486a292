"""The second half of filing, inside the transaction: filed, parked, unchanged, or a conflict. Rules: invoices.md."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import bindparam, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import add_up, insert_new, utc_now
from chassis.logging import log
from chassis.outbox import emit
from services.documents.filing.lookups import customer_of, hold_customer, other_customer, same_number
from services.documents.filing.notes import Note, Outcome
from services.documents.filing.payments import apply_waiting_payments, take_payment_state
from services.documents.models import Document, FeedHealth, FeedRecord, File, FolderCount, HeldFile, SearchWord
from services.documents.record import Record
from services.documents.search_words import text_of

_NOT_COLUMNS = {"event_id", "subject", "occurred_at", "customer_number", "files", "remarks"}
# built once: putting a statement together costs more than SQLite needs to run it
_INSERT_FILES = insert(File.__table__)  # type: ignore[arg-type]
_INSERT_WORDS = insert(SearchWord.__table__)  # type: ignore[arg-type]
_RELATE_WAITING = (
    update(Document.__table__)  # type: ignore[arg-type]
    .where(
        Document.source == bindparam("of_source"),
        Document.related_number == bindparam("of_number"),
        Document.related_id.is_(None),
        Document.customer_id == bindparam("of_customer"),
        Document.id != bindparam("invoice"),
    )
    .values(related_id=bindparam("invoice"))
)
_RECORDS, _DOCUMENTS = FeedRecord.__table__.c, Document.__table__.c
_WHAT_WAITS = select(
    exists().where(
        _DOCUMENTS.source == bindparam("of_source"),
        _DOCUMENTS.related_number == bindparam("of_number"),
        _DOCUMENTS.related_id.is_(None),
    ),
    exists().where(
        _RECORDS.state == "parked",
        _RECORDS.waits_for == "invoice",
        _RECORDS.waits_key == bindparam("of_number"),
        _RECORDS.source == bindparam("of_source"),
    ),
)
_FIELDS = ["module", *(name for name in Record.model_fields if name not in _NOT_COLUMNS)]


async def settle(session: AsyncSession, record: Record) -> Outcome:
    """File the record, or say why not yet or not at all, and note it. Any number of times: one effect."""
    await hold_customer(session, record.customer_number)
    outcome = await _decide(session, record)
    payload = None if outcome.state == "filed" else record.model_dump(mode="json")
    note = Note(record.source, record.event_id, record.subject, record.occurred_at)
    record_id = await note.write(
        session,
        outcome,
        customer_number=record.customer_number,
        number=record.number,
        content_sha256=record.content_sha256,
        payload=payload,
    )
    for sha256 in {file.sha256 for file in record.files} if payload else ():
        await insert_new(session, HeldFile, record_id=record_id, sha256=sha256)
    return outcome


async def _decide(session: AsyncSession, record: Record) -> Outcome:
    filed = await same_number(session, record.source, record.family, record.number)
    if filed is None:
        customer_id = await customer_of(session, record.customer_number)
        if customer_id is None:
            reason = {"reason": "unknown_customer", "detail": f"No customer {record.customer_number} is known yet."}
            return Outcome("parked", None, (reason,), "customer", record.customer_number)
        new_id = await _file(session, record, customer_id)
        if new_id is not None:
            return Outcome("filed", new_id, record.remarks)
        # filed by somebody else in this very moment, under another customer's number
        filed = await same_number(session, record.source, record.family, record.number)
        assert filed is not None
    if filed.content_sha256 != record.content_sha256:
        log.warning("invoice_conflict", document_id=str(filed.id), source=record.source)
        detail = "This number was filed before with other content."
        return Outcome("conflict", filed.id, ({"reason": "invoice_conflict", "detail": detail},))
    if record.payment_state is not None:
        await take_payment_state(session, filed.id, record.occurred_at, {"payment_state": record.payment_state})
    return Outcome("filed", filed.id, record.remarks)


async def _file(session: AsyncSession, record: Record, customer_id: UUID) -> UUID | None:
    """All rows of a new document; None when its number was taken meanwhile."""
    now, document_id, words = utc_now(), uuid4(), record.words()
    invoice = await _related(session, record, customer_id)
    values = {name: getattr(record, name) for name in _FIELDS} | {
        "id": document_id,
        "customer_id": customer_id,
        "payment_at": record.occurred_at if record.payment_state else None,
        "related_id": invoice,
        "search_text": text_of(words),
        "filed_at": now,
    }
    if not await insert_new(session, Document, **values):
        return None
    files = [
        {"id": uuid4(), "document_id": document_id, "position": position, **file.model_dump()}
        for position, file in enumerate(record.files)
    ]
    await session.execute(_INSERT_FILES, files)
    found_by = [{"customer_id": customer_id, "word": word, "document_id": document_id} for word in sorted(words)]
    await session.execute(_INSERT_WORDS, found_by)
    await _count(session, record, customer_id, now)
    if record.family == "invoice":
        await _take_in_what_waited(session, record, customer_id, document_id)
    emit(session, Document(**values).filed(notify=record.notify))
    return document_id


async def _related(session: AsyncSession, record: Record, customer_id: UUID) -> UUID | None:
    """The invoice it hangs on or corrects, if it is here already.

    Raises:
        InvalidEvent: it belongs to another customer.
    """
    if record.related_number is None:
        return None
    found = await same_number(session, record.source, "invoice", record.related_number)
    if found is None:
        return None
    if found.customer_id != customer_id:
        field = "corrects" if record.family == "invoice" else "invoice_number"
        raise other_customer(f"/data/{field}")
    return UUID(str(found.id))


async def _take_in_what_waited(session: AsyncSession, record: Record, customer_id: UUID, document_id: UUID) -> None:
    """Documents and payments that came before their invoice. Mostly there is nothing, so both are asked at once."""
    key = {"of_source": record.source, "of_number": record.number}
    documents, payments = (await session.execute(_WHAT_WAITS, key)).one()
    if documents:
        await _relate_waiting(session, record, customer_id, document_id)
    if payments:
        await apply_waiting_payments(session, record.source, record.number)


async def _relate_waiting(session: AsyncSession, record: Record, customer_id: UUID, document_id: UUID) -> None:
    """What came before the invoice it belongs to is hung on it now; only within one customer."""
    await session.execute(
        _RELATE_WAITING,
        {
            "of_source": record.source,
            "of_number": record.number,
            "of_customer": customer_id,
            "invoice": document_id,
        },
    )


async def _count(session: AsyncSession, record: Record, customer_id: UUID, now: datetime) -> None:
    folder = {
        "customer_id": customer_id,
        "year": record.issued_on.year,
        "month": record.issued_on.month,
        "module": record.module,
    }
    await add_up(session, FolderCount, folder, "count")
    feed = {"source": record.source, "customer_id": customer_id}
    last = {"last_number": record.number, "last_filed_at": now}
    await add_up(session, FeedHealth, feed, "filed", **last)
