"""Answers, exactly as the public interface promises them."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from chassis.feeds import RecordOutBase, spread
from services.documents.models import Customer, Document, FeedHealth, FeedRecord, File

_SHARED = ["event_id", "source", "subject", "customer_number", "number", "reasons", "document_id"]
_SHARED += ["received_at", "changed_at"]
_TITLES = {
    "de": {"invoice": "Rechnung", "credit_note": "Gutschrift", "correction": "Korrektur"},
    "en": {"invoice": "Invoice", "credit_note": "Credit note", "correction": "Correction"},
}


class MoneyOut(BaseModel):
    """An exact amount."""

    amount: str
    currency: str


class MonthOut(BaseModel):
    """A folder of a month."""

    month: int
    count: int


class YearOut(BaseModel):
    """A folder of a year."""

    year: int
    count: int
    months: list[MonthOut]


class FileOut(BaseModel):
    """One file of a document."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    role: str


class DocumentOut(BaseModel):
    """An invoice or accompanying document."""

    id: UUID
    kind: str
    number: str
    title: str
    issued_on: date
    due_on: date | None
    period_from: date | None
    period_to: date | None
    net: MoneyOut | None
    tax: MoneyOut | None
    gross: MoneyOut | None
    payment_state: str | None
    paid_on: date | None
    open_amount: MoneyOut | None
    billing_account: str | None
    purchase_order: str | None
    invoice_id: UUID | None
    """The invoice that an accompanying document hangs on."""
    corrects: str | None
    corrects_id: UUID | None
    files: list[FileOut]
    filed_at: datetime
    first_opened_at: datetime | None

    @classmethod
    def of(cls, document: Document, files: Iterable[File], language: str) -> "DocumentOut":
        """As its reader may see it: ``files`` are those that are visible."""
        same = ("id", "kind", "number", "issued_on", "due_on", "period_from", "period_to", "payment_state", "paid_on")
        also = ("billing_account", "purchase_order", "filed_at", "first_opened_at")
        values: dict[str, Any] = {name: getattr(document, name) for name in (*same, *also)}
        for name in ("net", "tax", "gross", "open_amount"):
            values[name] = money(getattr(document, name), document.currency)
        kind_name = _TITLES[language].get(document.kind, document.kind)
        return cls(
            **values,
            title=document.title or f"{kind_name} {document.number}",
            invoice_id=None if document.is_invoice else document.related_id,
            corrects=document.related_number if document.is_invoice else None,
            corrects_id=document.related_id if document.is_invoice else None,
            files=[file_out(file) for file in files],
        )


class EventOut(BaseModel):
    """What became of a feed record."""

    event_id: str
    source: str
    subject: str
    state: str
    """``filed``, ``parked`` or ``refused``."""
    reasons: list[dict[str, str]]
    customer_number: str | None
    number: str | None
    document_id: UUID | None
    received_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, record: FeedRecord) -> "EventOut":
        """A conflict is refused for its sender; what an operator dropped is, too."""
        state = record.state if record.state in ("filed", "parked") else "refused"
        values = {name: getattr(record, name) for name in _SHARED}
        # of a conflict the document is somebody's original, not what became of this record
        values["document_id"] = record.document_id if state == "filed" else None
        if record.state == "dropped":
            values["reasons"] = [*record.reasons, {"reason": "dropped", "detail": "The operator dropped it."}]
        return cls(state=state, **values)


class AcceptedOut(BaseModel):
    """The record was taken; ask for the event to hear more."""

    event_id: str
    state: str
    """``filed``, or ``parked`` until its customer or invoice is known."""
    dry_run: bool = False


def money(amount: Decimal | None, currency: str | None) -> MoneyOut | None:
    """As text with its currency."""
    return None if amount is None else MoneyOut(amount=f"{amount:.2f}", currency=currency or "EUR")


def file_out(file: File) -> FileOut:
    """Without where it lies."""
    return FileOut(
        id=file.id,
        name=file.name,
        media_type=file.media_type,
        size=file.size_bytes,
        sha256=file.sha256,
        role=file.role,
    )


class RecordOut(RecordOutBase):
    """A feed record that waits for a decision."""

    document_id: UUID | None
    """With a conflict: the original that stays."""


class FeedHealthOut(BaseModel):
    """What one source sent for one customer."""

    source: str
    customer_id: UUID | None
    customer_number: str | None
    customer_name: str | None
    filed: int
    last_number: str | None
    last_invoice_at: datetime | None
    parked: int = 0
    conflicts: int = 0
    refused: int = 0

    @classmethod
    def of(cls, health: FeedHealth, customer: Customer | None) -> "FeedHealthOut":
        """What was filed; what waits is added by `HealthOut.of`."""
        return cls(
            source=health.source,
            customer_id=health.customer_id,
            customer_number=customer.number if customer else None,
            customer_name=customer.name if customer else None,
            filed=health.filed,
            last_number=health.last_number,
            last_invoice_at=health.last_filed_at,
        )


class HealthOut(BaseModel):
    """How the feeds are."""

    feeds: list[FeedHealthOut]
    parked: int
    conflicts: int
    refused: int
    dead_letters: int

    @classmethod
    def of(
        cls, feeds: list[FeedHealthOut], waiting: dict[tuple[str, str | None, str], int], *, dead_letters: int
    ) -> "HealthOut":
        """What waits goes to its feed, or makes one."""

        def empty(source: str, number: str | None) -> FeedHealthOut:
            nothing = {"customer_id": None, "customer_name": None, "last_number": None, "last_invoice_at": None}
            return FeedHealthOut(source=source, customer_number=number, filed=0, **nothing)

        rows, totals = spread(feeds, waiting, _COUNTED, empty)
        return cls(feeds=rows, dead_letters=dead_letters, **totals)


_COUNTED = {"parked": "parked", "conflict": "conflicts", "refused": "refused"}
