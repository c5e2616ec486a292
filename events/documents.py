"""What `documents` tells: what was filed. Never content."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from events.base import Amount, AuditRecorded, Event


class InvoiceFiled(Event):
    """An invoice, credit note or correction can be read by its customer now."""

    subject = "documents.invoice.filed.v1"
    entity_field = "document_id"

    document_id: UUID
    customer_id: UUID
    kind: str
    number: str
    issued_on: date
    due_on: date | None
    period_from: date | None
    period_to: date | None
    currency: str
    net: Amount
    tax: Amount
    gross: Amount
    notify: bool = Field(description="false for backfilled history")
    filed_at: datetime


class DocumentFiled(Event):
    """An accompanying document can be read by its customer now."""

    subject = "documents.document.filed.v1"
    entity_field = "document_id"

    document_id: UUID
    customer_id: UUID
    kind: str
    number: str
    title: str
    invoice_id: UUID | None
    issued_on: date
    notify: bool
    filed_at: datetime


class DocumentsAuditRecorded(AuditRecorded):
    """A line of `documents` for the audit log."""

    subject = "documents.audit.recorded.v1"
    listeners = frozenset({"users"})
