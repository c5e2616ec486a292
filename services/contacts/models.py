"""Tables of contacts, approvals and feed records, with their rules and errors. Rules: docs/rules/contacts.md."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Date, Dialect, ForeignKey, Index, Integer, String, UniqueConstraint, Uuid, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from chassis.db import Utc, new_metadata
from chassis.errors import Conflict, Forbidden, Invalid, NotFound
from chassis.feeds import FeedRecordColumns
from chassis.identity import Identity
from events.contacts import ApprovalDecided, ApprovalRequested, ContactChanged
from services.contacts.reach import e164_or_none
from services.contacts.texts import sort_key

NAME_KEY = String(300).with_variant(String(300, collation="C"), "postgresql")
"""Compared byte by byte on both databases, so that both sort alike."""

BIG = BigInteger().with_variant(Integer, "sqlite")

FIELDS = ("given_name", "family_name", "organisation", "roles", "email", "phone", "mobile", "hours", "languages")
"""What people edit."""

State = Literal["active", "pending", "rejected"]


class ContactNotFound(NotFound):
    """There is no such contact."""

    de = "Diesen Ansprechpartner gibt es nicht."


class OperatorContact(Forbidden):
    """The operator maintains this contact."""

    de = "Diesen Ansprechpartner pflegt der Betreiber."


class NotInForce(Conflict):
    """This contact waits for the operator's approval; there is nothing to confirm yet."""

    de = "Dieser Ansprechpartner wartet auf die Freigabe des Betreibers; es gibt noch nichts zu bestätigen."


class ApprovalNotFound(NotFound):
    """There is no such request for approval."""

    de = "Diese Freigabeanfrage gibt es nicht."


class AlreadyDecided(Conflict):
    """This request was decided or withdrawn meanwhile."""

    de = "Über diese Anfrage ist inzwischen entschieden, oder sie wurde zurückgezogen."


class InvalidContact(Invalid):
    """Nobody could be reached like this."""

    de = "So wäre niemand zu erreichen."


class Words(TypeDecorator[tuple[str, ...]]):
    """A few words in one column, as ``|noc|billing|``, so that one of them can be asked for."""

    impl = String(1000)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """None and a text to look for stay as they are."""
        return value if value is None or isinstance(value, str) else "|" + "".join(f"{word}|" for word in value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        """In their order."""
        return tuple(word for word in (value or "").split("|") if word)


class Base(DeclarativeBase):
    """All tables of `contacts` beside those of event delivery."""

    metadata = new_metadata()


class Customer(Base):
    """What `users` says about a customer."""

    __tablename__ = "customers"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[str] = mapped_column(String(64), index=True)
    """Unique at `users`; here two may bear it for a moment when numbers change hands."""
    name: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2))
    time_zone: Mapped[str] = mapped_column(String(64))
    active: Mapped[bool]
    version: Mapped[int] = mapped_column(Integer)


class Contact(Base):
    """Somebody one can call. ``state`` other than ``active``: a new one with a sensitive role, not in force."""

    __tablename__ = "contacts"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("contacts_sorted_idx", "customer_id", "sort_key", "id"),
        Index("contacts_vouched_at_idx", "vouched_at"),
        Index("contacts_deputy_of_id_idx", "deputy_of_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    side: Mapped[str] = mapped_column(String(8))
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    """None: an operator contact for everybody."""
    source: Mapped[str | None] = mapped_column(String(256))
    external_id: Mapped[str | None] = mapped_column(String(64))
    feed_version: Mapped[int | None] = mapped_column(BIG)
    feed_state: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """What the CRM said last, as it was taken or decided about."""
    state: Mapped[str] = mapped_column(String(8))
    given_name: Mapped[str] = mapped_column(String(100))
    family_name: Mapped[str] = mapped_column(String(100))
    organisation: Mapped[str | None] = mapped_column(String(200))
    roles: Mapped[tuple[str, ...]] = mapped_column(Words)
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(64))
    mobile: Mapped[str | None] = mapped_column(String(64))
    hours: Mapped[str | None] = mapped_column(String(200))
    languages: Mapped[tuple[str, ...]] = mapped_column(Words)
    deputy_of_id: Mapped[UUID | None] = mapped_column(Uuid)
    deputy_of_key: Mapped[str | None] = mapped_column(String(64))
    """The CRM's id of whom this one stands in for; that contact may come later."""
    sort_key: Mapped[str] = mapped_column(NAME_KEY)
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Utc)
    changed_at: Mapped[datetime] = mapped_column(Utc)
    changed_by: Mapped[str | None] = mapped_column(String(200))
    """None: the CRM."""
    touched_at: Mapped[datetime | None] = mapped_column(Utc)
    """When a person edited, confirmed or removed it here."""
    confirmed_at: Mapped[datetime | None] = mapped_column(Utc)
    confirmed_by: Mapped[str | None] = mapped_column(String(200))
    vouched_at: Mapped[datetime] = mapped_column(Utc)
    """When somebody, or the CRM, last said that it is so."""
    review_told_on: Mapped[date | None] = mapped_column(Date)
    removed_at: Mapped[datetime | None] = mapped_column(Utc)
    decision: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """What the operator said last about a change of it."""

    @property
    def in_force(self) -> bool:
        """What everybody may rely on."""
        return self.state == "active" and self.removed_at is None

    def values(self) -> dict[str, Any]:
        """What people edit, as it is in force."""
        return {name: getattr(self, name) for name in FIELDS}

    def take(self, values: Mapping[str, Any]) -> None:
        """Put these values in force."""
        for name, value in values.items():
            setattr(self, name, tuple(value) if name in ("roles", "languages") else value)
        self.sort_key = sort_key(self.family_name, self.given_name, self.organisation)

    def edited(self, by: str, now: datetime) -> None:
        """Somebody here has changed it; an earlier confirmation was about other values."""
        self.changed_at, self.changed_by, self.touched_at = now, by[:200], now
        self.confirmed_at = self.confirmed_by = None

    def confirm(self, by: str, at: datetime) -> None:
        """Somebody says that it is right. A later word stays."""
        self.confirmed_at, self.confirmed_by = at, by[:200]
        self.touched_at = max(at, self.touched_at or at)
        self.vouched_at = max(at, self.vouched_at)

    def changed(self, *, country_code: str, language: str, actor_id: UUID | None = None) -> ContactChanged:
        """The whole state in force; ``language`` counts where the contact speaks neither German nor English."""
        spoken = next((word[:2] for word in self.languages if word[:2] in ("de", "en")), language)
        return ContactChanged(
            contact_id=self.id,
            customer_id=self.customer_id,
            version=self.version,
            side="operator" if self.side == "operator" else "customer",
            roles=self.roles,
            given_name=self.given_name,
            family_name=self.family_name,
            organisation=self.organisation,
            email=self.email,
            phone=e164_or_none(self.phone, country_code=country_code),
            mobile=e164_or_none(self.mobile, country_code=country_code),
            language="en" if spoken == "en" else "de",
            source=self.source,
            source_contact_id=self.external_id,
            active=self.in_force,
            actor_id=actor_id,
        )


class Approval(Base):
    """A change that waits for the operator, or waited. One at a time for a contact."""

    __tablename__ = "approvals"
    __table_args__ = (
        Index(
            "approvals_waiting_idx",
            "contact_id",
            unique=True,
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index("approvals_oldest_idx", "state", "requested_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(ForeignKey("contacts.id"))
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[Literal["create", "change", "remove"]] = mapped_column(String(6))
    changes: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(9))
    """``pending``, ``approved``, ``rejected`` or ``withdrawn``."""
    requested_at: Mapped[datetime] = mapped_column(Utc)
    requested_by: Mapped[str] = mapped_column(String(200))
    requested_by_id: Mapped[UUID] = mapped_column(Uuid)
    decided_at: Mapped[datetime | None] = mapped_column(Utc)
    decided_by: Mapped[str | None] = mapped_column(String(200))
    reason: Mapped[str | None] = mapped_column(String(500))

    def requested(self) -> ApprovalRequested:
        """The fact that it waits; what it would change is not told."""
        return ApprovalRequested(
            approval_id=self.id,
            contact_id=self.contact_id,
            customer_id=self.customer_id,
            kind=self.kind,
            requested_by=self.requested_by,
            actor_id=self.requested_by_id,
            requested_at=self.requested_at,
        )

    def decide(self, *, approved: bool, reason: str | None, by: Identity, now: datetime) -> ApprovalDecided:
        """The operator's word."""
        self.state = "approved" if approved else "rejected"
        self.decided_at, self.decided_by, self.reason = now, by.name[:200], reason
        return ApprovalDecided(
            approval_id=self.id,
            contact_id=self.contact_id,
            customer_id=self.customer_id,
            kind=self.kind,
            approved=approved,
            reason=reason,
            requested_by_id=self.requested_by_id,
            actor_id=by.user_id,
            decided_at=now,
        )


class FeedHealth(Base):
    """Per source and customer: what came last. Kept while filing. The nil UUID stands for everybody."""

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
            "waits_key",
            sqlite_where=text("state = 'parked'"),
            postgresql_where=text("state = 'parked'"),
        ),
        Index(
            "feed_records_conflict_idx",
            "contact_id",
            sqlite_where=text("state = 'conflict'"),
            postgresql_where=text("state = 'conflict'"),
        ),
    )

    contact_id: Mapped[UUID | None] = mapped_column(Uuid)
    waits_key: Mapped[str | None] = mapped_column(String(64))
    """The customer's number, while parked."""
