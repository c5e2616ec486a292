"""What `documents` tells: what was filed. Never content."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from events.base import Amount, AuditRecorded, Event

Side = Literal["customer", "operator"]
"""Who brought a file to the exchange drive: the customer's people, or the operator's staff."""


class InvoiceFiled(Event):
    """An invoice, credit note or correction can be read by its customer now."""

    subject = "documents.invoice.filed.v1"
    listeners = frozenset({"users"})
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
    listeners = frozenset({"users"})
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


class FileShared(Event):
    """A file, or a new version of one, can be read on the exchange drive by the other side now."""

    subject = "documents.file.shared.v1"
    listeners = frozenset({"users"})
    entity_field = "file_id"

    file_id: UUID
    version_id: UUID
    customer_id: UUID
    kind: Literal["new", "new_version"]
    side: Side = Field(description="who brought it; the other one is to be told")
    name: str
    folder_id: UUID | None = Field(description="none for the top of the drive")
    folder: str = Field(description="names of the folders from the top, with ` / ` between; empty for the top")
    size_bytes: int
    scan: Literal["not_scanned", "clean", "unscannable"]
    shared_by: str = Field(description="the person's name as it was then")
    actor_id: UUID | None = Field(description="the person")
    shared_at: datetime


class FileQuarantined(Event):
    """The scan has found something in a file of the exchange drive; it is never served."""

    subject = "documents.file.quarantined.v1"
    listeners = frozenset({"users"})
    entity_field = "file_id"

    file_id: UUID
    version_id: UUID
    customer_id: UUID
    side: Side = Field(description="who brought it")
    name: str
    folder_id: UUID | None
    folder: str = Field(description="as in documents.file.shared.v1")
    signature: str = Field(description="what the scanner calls it")
    shared_by: str
    actor_id: UUID | None = Field(description="the person who brought it")
    quarantined_at: datetime


class FileOpened(Event):
    """The other side has fetched a version of a file for the first time."""

    subject = "documents.file.opened.v1"
    entity_field = "file_id"

    file_id: UUID
    version_id: UUID
    customer_id: UUID
    side: Side = Field(description="who brought it, and hears of this")
    name: str
    folder_id: UUID | None
    opened_by: str
    actor_id: UUID | None
    opened_at: datetime


class DocumentsAuditRecorded(AuditRecorded):
    """A line of `documents` for the audit log."""

    subject = "documents.audit.recorded.v1"
    listeners = frozenset({"users"})
