"""One record of the billing feed, checked, with its files stored: what is filed, parked or refused. Pure."""

import hashlib
import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from events.base import Envelope
from events.billing import DocumentPublished, InvoicePublished
from services.documents.einvoice import EInvoice
from services.documents.models import CALL_RECORDS
from services.documents.search_words import words_of

NOT_CONTENT = frozenset({"source", "event_id", "subject", "occurred_at", "notify", "payment_state", "remarks"})
"""What says something about a document without being part of it; everything else must stay as it was."""


class RecordFile(BaseModel):
    """One file whose bytes are stored."""

    model_config = ConfigDict(frozen=True)

    name: str
    media_type: str
    size_bytes: int
    sha256: str
    role: Literal["invoice", "attachment"]
    kind: str | None


class Record(BaseModel):
    """An invoice or accompanying document as the feed sent it, without the bytes."""

    model_config = ConfigDict(frozen=True)

    source: str
    event_id: str
    subject: str
    occurred_at: datetime
    family: Literal["invoice", "document"]
    customer_number: str
    number: str
    kind: str
    title: str | None = None
    issued_on: date
    due_on: date | None = None
    period_from: date | None = None
    period_to: date | None = None
    billing_account: str | None = None
    purchase_order: str | None = None
    currency: str | None = None
    net: Decimal | None = None
    tax: Decimal | None = None
    gross: Decimal | None = None
    payment_state: str | None = None
    related_number: str | None = None
    notify: bool = True
    files: tuple[RecordFile, ...]
    content_sha256: str = ""
    remarks: tuple[dict[str, str], ...] = ()

    @property
    def module(self) -> str:
        """Whose eyes it is for."""
        return CALL_RECORDS if self.kind == CALL_RECORDS else "invoices"

    def words(self) -> set[str]:
        """Under which it is found."""
        texts = (self.number, self.title, self.billing_account, self.purchase_order, self.related_number)
        return words_of(texts, (self.gross, self.net))


def record_of(
    event: InvoicePublished | DocumentPublished, files: tuple[RecordFile, ...], read: EInvoice | None = None
) -> Record:
    """The record in a checked event; what the feed left out is taken from the e-invoice in its files."""
    fields = _invoice(event) if isinstance(event, InvoicePublished) else _document(event)
    remarks: list[dict[str, str]] = []
    sent = _as_sent(event.envelope, fields, files)
    if read is not None and isinstance(event, InvoicePublished):
        fields |= {name: value for name, value in _from_xml(read).items() if fields[name] is None}
        remarks = disagreements(event, read)
    return Record(
        **fields,
        source=event.envelope.source,
        event_id=event.envelope.id,
        subject=event.subject,
        occurred_at=event.envelope.time,
        files=files,
        content_sha256=sent,
        remarks=tuple(remarks),
    )


def disagreements(event: InvoicePublished, read: EInvoice) -> list[dict[str, str]]:
    """Where feed and e-invoice say different things. The document is filed all the same."""
    pairs = {
        "invoice_number": (event.invoice_number, read.number),
        "issued_on": (event.issued_on, read.issued_on),
        "due_on": (event.due_on, read.due_on),
        "currency": (event.currency, read.currency),
        "net": (event.net, read.net),
        "tax": (event.tax, read.tax),
        "gross": (event.gross, read.gross),
    }
    return [
        {"reason": "einvoice_differs", "pointer": f"/data/{name}", "detail": f"feed: {said}, e-invoice: {found}"}
        for name, (said, found) in pairs.items()
        if said is not None and found is not None and not _same(said, found)
    ]


def _same(said: Any, found: Any) -> bool:
    # a credit note's XML has positive amounts, a feed may send them negative
    return bool(abs(said) == abs(found)) if isinstance(said, Decimal) else bool(said == found)


def _invoice(event: InvoicePublished) -> dict[str, Any]:
    names = "customer_number kind issued_on due_on period_from period_to billing_account purchase_order currency"
    amounts = "net tax gross payment_state notify"
    fields = {name: getattr(event, name) for name in f"{names} {amounts}".split()}
    return fields | {"family": "invoice", "number": event.invoice_number, "related_number": event.corrects}


def _document(event: DocumentPublished) -> dict[str, Any]:
    fields = {name: getattr(event, name) for name in ("customer_number", "kind", "title", "issued_on", "notify")}
    return fields | {"family": "document", "number": event.document_id, "related_number": event.invoice_number}


def _from_xml(read: EInvoice) -> dict[str, date | None]:
    period = (read.period_from, read.period_to)
    if None not in period and read.period_from > read.period_to:  # type: ignore[operator]  # both are dates
        period = (None, None)
    return {"due_on": read.due_on, "period_from": period[0], "period_to": period[1]}


def _as_sent(envelope: Envelope, fields: dict[str, Any], files: tuple[RecordFile, ...]) -> str:
    """SHA-256 over everything that must never change, independent of spelling and order."""
    content = {name: _canonical(value) for name, value in fields.items() if name not in NOT_CONTENT}
    content["source"] = envelope.source
    content["files"] = sorted(
        [file.sha256, file.name, file.media_type, file.role, file.kind or "", str(file.size_bytes)] for file in files
    )
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value + 0:.2f}"
    return value.isoformat() if isinstance(value, date) else value
