"""What a billing system tells us (feed): invoices, accompanying documents, payments."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from events.base import Amount, Event

Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Number = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
InvoiceKind = Literal["invoice", "credit_note", "correction"]
DocumentKind = Literal["call_records", "traffic_report", "power_statement", "price_list", "letter", "other"]
PaymentState = Literal["open", "paid", "partially_paid", "overdue"]
_LISTENERS = frozenset({"documents"})


class ObjectReference(BaseModel):
    """A file that waits in an object store both sides can reach."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    bucket: Text
    key: Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class FeedFile(BaseModel):
    """One file: its bytes inside (``content``), or where to fetch them (``url``, ``object``)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    media_type: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$", max_length=100)]
    sha256: Sha256 = Field(description="of the bytes, lower-case hexadecimal")
    role: Literal["invoice", "attachment"] = "invoice"
    kind: DocumentKind | None = Field(default=None, description="what an attachment is")
    content: str | None = Field(default=None, description="base64 (RFC 4648), up to 5 MiB over all files")
    url: Annotated[str, StringConstraints(max_length=2000)] | None = None
    object: ObjectReference | None = None

    @model_validator(mode="after")
    def exactly_one_place(self) -> Self:
        """The bytes come from one place only."""
        if sum(place is not None for place in (self.content, self.url, self.object)) != 1:
            raise ValueError("exactly one of content, url, object")
        return self


Files = Annotated[tuple[FeedFile, ...], Field(min_length=1, max_length=50)]


class InvoicePublished(Event):
    """Billing issued an invoice, credit note or correction. Business key: source and number."""

    subject = "billing.invoice.published.v1"
    listeners = _LISTENERS
    entity_field = "invoice_number"

    customer_number: Number
    invoice_number: Number
    kind: InvoiceKind = "invoice"
    issued_on: date
    due_on: date | None = None
    period_from: date | None = None
    period_to: date | None = None
    billing_account: Text | None = None
    purchase_order: Text | None = None
    currency: Currency
    net: Amount
    tax: Amount
    gross: Amount
    payment_state: PaymentState | None = None
    corrects: Number | None = Field(default=None, description="number of the corrected invoice")
    notify: bool = Field(default=True, description="false for backfilled history: no mails")
    files: Files

    @model_validator(mode="after")
    def kind_and_sign(self) -> Self:
        """Only credit notes and corrections may be negative; periods run forward."""
        if self.kind == "invoice" and min(self.net, self.tax, self.gross) < Decimal(0):
            raise ValueError("an invoice has no negative amounts; send a credit_note or correction")
        if self.period_from and self.period_to and self.period_to < self.period_from:
            raise ValueError("period_to lies before period_from")
        return self


class DocumentPublished(Event):
    """A document beside an invoice, or on its own. Business key: source and document id."""

    subject = "billing.document.published.v1"
    listeners = _LISTENERS
    entity_field = "document_id"

    customer_number: Number
    document_id: Number
    invoice_number: Number | None = Field(default=None, description="hangs on this invoice, whichever comes first")
    kind: DocumentKind
    title: Text
    issued_on: date
    notify: bool = True
    files: Files


class PaymentRecorded(Event):
    """What became of an invoice's payment, as billing sees it."""

    subject = "billing.payment.recorded.v1"
    listeners = _LISTENERS
    entity_field = "invoice_number"

    customer_number: Number
    invoice_number: Number
    payment_state: PaymentState
    paid_on: date | None = None
    open_amount: Amount
