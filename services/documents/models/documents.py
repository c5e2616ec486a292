"""Tables of invoices and accompanying documents, with their rules and errors. Rules: docs/rules/invoices.md."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.db import Money, Utc, new_metadata
from chassis.errors import Conflict, NotFound
from chassis.feeds import FeedRecordColumns
from events.documents import DocumentFiled, InvoiceFiled

WORD = String(64).with_variant(String(64, collation="C"), "postgresql")
"""Compared byte by byte on both databases, so that a prefix is a range."""

CALL_RECORDS = "call_records"


class DocumentNotFound(NotFound):
    """There is no such document."""

    de = "Dieses Dokument gibt es nicht."


class InvoiceConflict(Conflict):
    """This number was filed before with other content; the original stays as it is."""

    de = "Unter dieser Nummer liegt schon ein Dokument mit anderem Inhalt; das Original bleibt, wie es ist."


class Base(DeclarativeBase):
    """All tables of `documents` beside those of event delivery."""

    metadata = new_metadata()


class Customer(Base):
    """What `users` says about a customer; only what filing needs."""

    __tablename__ = "customers"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[str] = mapped_column(String(64), index=True)
    """Unique at `users`; here two may bear it for a moment when numbers change hands."""
    name: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool]
    version: Mapped[int] = mapped_column(Integer)


class Document(Base):
    """An invoice or accompanying document as it was filed. Content never changes; state (payment, opening) does."""

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("source", "family", "number"),
        Index("documents_newest_idx", "customer_id", "issued_on", "id"),
        Index("documents_module_idx", "customer_id", "module", "issued_on", "id"),
        Index("documents_kind_idx", "customer_id", "kind", "issued_on", "id"),
        Index("documents_payment_state_idx", "customer_id", "payment_state", "issued_on", "id"),
        Index("documents_billing_account_idx", "customer_id", "billing_account", "issued_on", "id"),
        Index(
            "documents_new_idx",
            "customer_id",
            "issued_on",
            "id",
            sqlite_where=text("first_opened_at IS NULL"),
            postgresql_where=text("first_opened_at IS NULL"),
        ),
        Index(
            "documents_unrelated_idx",
            "source",
            "related_number",
            sqlite_where=text("related_id IS NULL"),
            postgresql_where=text("related_id IS NULL"),
        ),
        Index("documents_related_id_idx", "related_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    source: Mapped[str] = mapped_column(String(256))
    family: Mapped[str] = mapped_column(String(10))
    """``invoice`` or ``document``: each has its own numbers."""
    number: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(20))
    module: Mapped[str] = mapped_column(String(20))
    """Whose eyes it is for: ``invoices`` or ``call_records``."""
    title: Mapped[str | None] = mapped_column(String(200))
    issued_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date | None] = mapped_column(Date)
    period_from: Mapped[date | None] = mapped_column(Date)
    period_to: Mapped[date | None] = mapped_column(Date)
    billing_account: Mapped[str | None] = mapped_column(String(200))
    purchase_order: Mapped[str | None] = mapped_column(String(200))
    currency: Mapped[str | None] = mapped_column(String(3))
    net: Mapped[Decimal | None] = mapped_column(Money)
    tax: Mapped[Decimal | None] = mapped_column(Money)
    gross: Mapped[Decimal | None] = mapped_column(Money)
    payment_state: Mapped[str | None] = mapped_column(String(20))
    payment_at: Mapped[datetime | None] = mapped_column(Utc)
    """When billing said so; the later statement wins."""
    paid_on: Mapped[date | None] = mapped_column(Date)
    open_amount: Mapped[Decimal | None] = mapped_column(Money)
    related_number: Mapped[str | None] = mapped_column(String(64))
    """The invoice it hangs on, or which it corrects."""
    related_id: Mapped[UUID | None] = mapped_column(Uuid)
    content_sha256: Mapped[str] = mapped_column(String(64))
    search_text: Mapped[str] = mapped_column(Text)
    notify: Mapped[bool]
    filed_at: Mapped[datetime] = mapped_column(Utc)
    first_opened_at: Mapped[datetime | None] = mapped_column(Utc)

    @property
    def is_invoice(self) -> bool:
        """An invoice, credit note or correction; else an accompanying document."""
        return self.family == "invoice"

    def filed(self, *, notify: bool) -> InvoiceFiled | DocumentFiled:
        """The fact that its customer can read it now."""
        if not self.is_invoice:
            return DocumentFiled(
                document_id=self.id,
                customer_id=self.customer_id,
                kind=self.kind,
                number=self.number,
                title=self.title or self.number,
                invoice_id=self.related_id,
                issued_on=self.issued_on,
                notify=notify,
                filed_at=self.filed_at,
            )
        zero = Decimal(0)
        return InvoiceFiled(
            document_id=self.id,
            customer_id=self.customer_id,
            kind=self.kind,
            number=self.number,
            issued_on=self.issued_on,
            due_on=self.due_on,
            period_from=self.period_from,
            period_to=self.period_to,
            currency=self.currency or "EUR",
            net=self.net or zero,
            tax=self.tax or zero,
            gross=self.gross or zero,
            notify=notify,
            filed_at=self.filed_at,
        )


class File(Base):
    """One file of a document; its bytes lie in the object store under their SHA-256."""

    __tablename__ = "files"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(100))
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    role: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str | None] = mapped_column(String(20))

    def visible(self, modules: Iterable[str]) -> bool:
        """Call records are for those with their module only, also as an invoice's attachment."""
        return self.kind != CALL_RECORDS or CALL_RECORDS in modules


class FolderCount(Base):
    """How many documents a customer has of a month, kept while filing, so that the tree costs nothing."""

    __tablename__ = "folder_counts"

    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    month: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    module: Mapped[str] = mapped_column(String(20), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


class SearchWord(Base):
    """A word under which a document is found by its beginning."""

    __tablename__ = "search_words"
    __table_args__ = ({"sqlite_with_rowid": False},)

    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    word: Mapped[str] = mapped_column(WORD, primary_key=True)
    document_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)


class FeedHealth(Base):
    """Per source and customer: what came last. Kept while filing."""

    __tablename__ = "feed_health"

    source: Mapped[str] = mapped_column(String(256), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    last_number: Mapped[str] = mapped_column(String(64))
    last_filed_at: Mapped[datetime] = mapped_column(Utc)
    filed: Mapped[int] = mapped_column(Integer)


class FeedRecord(FeedRecordColumns, Base):
    """What became of one record of a feed: filed, parked, conflict, refused or dropped."""

    __tablename__ = "feed_records"
    __table_args__ = (
        UniqueConstraint("source", "event_id"),
        Index(
            "feed_records_state_idx",
            "state",
            "received_at",
            "id",
            sqlite_where=text("state <> 'filed'"),
            postgresql_where=text("state <> 'filed'"),
        ),
        Index(
            "feed_records_waits_idx",
            "waits_for",
            "waits_key",
            sqlite_where=text("state = 'parked'"),
            postgresql_where=text("state = 'parked'"),
        ),
    )

    content_sha256: Mapped[str | None] = mapped_column(String(64))
    document_id: Mapped[UUID | None] = mapped_column(Uuid)
    waits_for: Mapped[str | None] = mapped_column(String(10))
    """``customer`` or ``invoice``, while parked."""
    waits_key: Mapped[str | None] = mapped_column(String(64))


class Life(Base):
    """A time in which this database was in use without a longer break; a restore from a backup shows as a gap."""

    __tablename__ = "lives"

    began_at: Mapped[datetime] = mapped_column(Utc, primary_key=True)
    until_at: Mapped[datetime] = mapped_column(Utc)


class HeldFile(Base):
    """Bytes that a parked or conflicting record still needs: the orphan sweep leaves them alone."""

    __tablename__ = "held_files"

    record_id: Mapped[UUID] = mapped_column(ForeignKey("feed_records.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
