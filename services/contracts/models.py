"""Tables of contracts, their deadlines and calendar addresses, with their errors. Rules: docs/rules/terms.md."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.db import Utc, new_metadata
from chassis.errors import NotFound
from chassis.feeds import FeedRecordColumns
from events.contracts import ContractCancelled, ContractChanged
from services.contracts.outlook import Part
from services.contracts.statutory import Reader
from services.contracts.terms import Agreement, Notice, NoticeTo, Unit

BIG = BigInteger().with_variant(Integer, "sqlite")
"""64 bit on both databases."""
NUMBER = String(64).with_variant(String(64, collation="C"), "postgresql")
"""Ordered byte by byte on both databases."""


class ContractNotFound(NotFound):
    """There is no such contract."""

    de = "Diesen Vertrag gibt es nicht."


class CalendarNotFound(NotFound):
    """There is no calendar at this address."""

    de = "Unter dieser Adresse gibt es keinen Kalender."


class Base(DeclarativeBase):
    """All tables of `contracts` beside those of event delivery."""

    metadata = new_metadata()


class Customer(Base):
    """What `users` says about a customer; only what is needed here."""

    __tablename__ = "customers"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[str] = mapped_column(String(64), index=True)
    """Unique at `users`; here two may bear it for a moment when numbers change hands."""
    name: Mapped[str] = mapped_column(String(200))
    end_user: Mapped[bool]
    time_zone: Mapped[str] = mapped_column(String(64))
    active: Mapped[bool]
    version: Mapped[int] = mapped_column(BIG)

    def today(self, now: datetime) -> date:
        """The date where the customer is."""
        return now.astimezone(ZoneInfo(self.time_zone)).date()

    def reader(self, rules: tuple[str, ...]) -> Reader:
        """For whom the law is asked."""
        return Reader(end_user=self.end_user, rules=rules)


class Membership(Base):
    """What `users` says about a person's place: whether a calendar address still counts."""

    __tablename__ = "memberships"
    __table_args__ = (Index("memberships_person_idx", "user_id", "customer_id"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    may_read: Mapped[bool]
    """Active, and with the module `contracts`."""
    expires_on: Mapped[date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(BIG)


class Contract(Base):
    """A contract as the CRM knows it. What was removed stays as a row that keeps its version."""

    __tablename__ = "contracts"
    __table_args__ = (
        UniqueConstraint("source", "number"),
        Index(
            "contracts_list_idx",
            "customer_id",
            "number",
            "id",
            sqlite_where=text("NOT removed"),
            postgresql_where=text("NOT removed"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    source: Mapped[str] = mapped_column(String(256))
    number: Mapped[str] = mapped_column(NUMBER)
    name: Mapped[str] = mapped_column(String(200))
    site: Mapped[str | None] = mapped_column(String(200))
    cost_centre: Mapped[str | None] = mapped_column(String(200))
    signed_on: Mapped[date | None] = mapped_column(Date)
    starts_on: Mapped[date] = mapped_column(Date)
    min_term_months: Mapped[int | None] = mapped_column(Integer)
    renewal_months: Mapped[int] = mapped_column(Integer)
    notice_value: Mapped[int] = mapped_column(Integer)
    notice_unit: Mapped[Unit] = mapped_column(String(10))
    notice_to: Mapped[NoticeTo] = mapped_column(String(20))
    cancelled_on: Mapped[date | None] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    charged_until: Mapped[date | None] = mapped_column(Date)
    telecom_service: Mapped[bool]
    feed_version: Mapped[int] = mapped_column(BIG)
    content_sha256: Mapped[str] = mapped_column(String(64))
    removed: Mapped[bool]
    version: Mapped[int] = mapped_column(Integer)
    """Ours: counts what listeners were told; the calendar's SEQUENCE."""
    changed_at: Mapped[datetime] = mapped_column(Utc)
    search_text: Mapped[str] = mapped_column(Text)

    @property
    def agreement(self) -> Agreement:
        """What the date engine needs."""
        return Agreement(
            starts_on=self.starts_on,
            min_term_months=self.min_term_months,
            renewal_months=self.renewal_months,
            notice=Notice(self.notice_value, self.notice_unit, self.notice_to),
            cancelled_on=self.cancelled_on,
            ends_on=self.ends_on,
        )

    def changed(self, *, removed: bool | None = None) -> ContractChanged:
        """Its whole state."""
        return ContractChanged(
            contract_id=self.id,
            customer_id=self.customer_id,
            version=self.version,
            number=self.number,
            name=self.name,
            site=self.site,
            starts_on=self.starts_on,
            min_term_months=self.min_term_months,
            renewal_months=self.renewal_months,
            cancelled_on=self.cancelled_on,
            ends_on=self.ends_on,
            charged_until=self.charged_until,
            removed=self.removed if removed is None else removed,
            changed_at=self.changed_at,
        )

    def cancelled(self) -> ContractCancelled:
        """The fact that notice was given."""
        assert self.cancelled_on is not None
        return ContractCancelled(
            contract_id=self.id,
            customer_id=self.customer_id,
            number=self.number,
            name=self.name,
            cancelled_on=self.cancelled_on,
            ends_on=self.ends_on,
            occurred_at=self.changed_at,
        )


class Position(Base):
    """One line of a bundle, in the order of the feed."""

    __tablename__ = "positions"

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contracts.id"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[str] = mapped_column(String(64))
    quantity: Mapped[str] = mapped_column(String(30))
    """A decimal as text: exact on both databases."""
    unit: Mapped[str] = mapped_column(String(200))
    product: Mapped[str] = mapped_column(String(200))
    telecom_service: Mapped[bool]
    starts_on: Mapped[date | None] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    characteristics: Mapped[dict[str, Any]] = mapped_column(JSON)

    @property
    def part(self) -> Part:
        """What the date engine needs."""
        return Part(self.telecom_service, self.starts_on, self.ends_on)

    @property
    def amount(self) -> int | float:
        """As a JSON number: whole where it is whole."""
        exact = Decimal(self.quantity)
        return int(exact) if exact == exact.to_integral_value() else float(exact)


class Deadline(Base):
    """A day to come that somebody must not miss; brought up to date when the contract changes and when it passes."""

    __tablename__ = "deadlines"
    __table_args__ = (
        Index("deadlines_calendar_idx", "customer_id", "due_on", "contract_id", "kind"),
        Index("deadlines_reminder_idx", "next_reminder_on"),
        Index("deadlines_due_on_idx", "due_on"),
    )

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contracts.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    """``last_notice_day``, ``min_term_end`` or ``end``."""
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    due_on: Mapped[date] = mapped_column(Date)
    earliest_end_on: Mapped[date | None] = mapped_column(Date)
    """With a last notice day: the end that is still reached on it."""
    next_reminder_on: Mapped[date | None] = mapped_column(Date)
    """From when on somebody must look whether to remind; only an index into `reminders`, which decides."""


class Reminder(Base):
    """A reminder that was given, or that was too late to be given; the key decides that there is only one."""

    __tablename__ = "reminders"

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contracts.id"), primary_key=True)
    last_notice_day: Mapped[date] = mapped_column(Date, primary_key=True)
    months_before: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    noted_at: Mapped[datetime] = mapped_column(Utc)


class CalendarToken(Base):
    """The secret address of one person's calendar of one customer; only its hash is kept."""

    __tablename__ = "calendar_tokens"

    user_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    language: Mapped[str] = mapped_column(String(2))
    created_at: Mapped[datetime] = mapped_column(Utc)
    last_read_at: Mapped[datetime | None] = mapped_column(Utc)


class FeedHealth(Base):
    """Per source and customer: what came last. Kept while filing."""

    __tablename__ = "feed_health"

    source: Mapped[str] = mapped_column(String(256), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    last_number: Mapped[str] = mapped_column(String(64))
    last_filed_at: Mapped[datetime] = mapped_column(Utc)
    filed: Mapped[int] = mapped_column(Integer)


class FeedRecord(FeedRecordColumns, Base):
    """What became of one record of a feed: filed, outdated, parked, refused or dropped."""

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
            "customer_number",
            sqlite_where=text("state = 'parked'"),
            postgresql_where=text("state = 'parked'"),
        ),
    )

    contract_id: Mapped[UUID | None] = mapped_column(Uuid)
