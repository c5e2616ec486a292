"""Who may sign in: what `users` told about people, memberships and customers, and the password beside it."""

import unicodedata
from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Date, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Utc
from services.auth.models.base import Base


def account_key(email: str) -> str:
    """What makes two spellings of an address the same user name."""
    return unicodedata.normalize("NFC", email.strip()).casefold()


class Account(Base):
    """A person: the projection of `users.user.changed`, with the hash of the password."""

    __tablename__ = "accounts"
    __table_args__ = (
        Index(
            "accounts_email_key_key",
            "email_key",
            unique=True,
            sqlite_where=text("active"),
            postgresql_where=text("active"),
        ),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(320))
    given_name: Mapped[str] = mapped_column(String(200))
    family_name: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2))
    active: Mapped[bool]
    password_hash: Mapped[str | None] = mapped_column(String(200))
    password_set_at: Mapped[datetime | None] = mapped_column(Utc)
    enrolment_needs_link: Mapped[bool] = mapped_column(default=False)
    """After a reset of the second factor the password alone does not open the enrolment."""

    @property
    def name(self) -> str:
        """As the person is addressed."""
        return f"{self.given_name} {self.family_name}".strip()

    def set_password(self, password_hash: str, *, now: datetime) -> None:
        """From now on this password."""
        self.password_hash = password_hash
        self.password_set_at = now


class Customer(Base):
    """A company, as `users.customer.changed` told."""

    __tablename__ = "customers"

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(300))
    active: Mapped[bool]


class Membership(Base):
    """One person's place at one customer, or at the operator, as `users.membership.changed` told."""

    __tablename__ = "memberships"
    __table_args__ = (Index("memberships_user_id_idx", "user_id"),)

    membership_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[UUID]
    customer_id: Mapped[UUID | None]
    role: Mapped[str] = mapped_column(String(10))
    staff_role: Mapped[str | None] = mapped_column(String(20))
    modules: Mapped[list[str]] = mapped_column(JSON)
    active: Mapped[bool]
    expires_on: Mapped[date | None] = mapped_column(Date)
    known_since: Mapped[datetime] = mapped_column(Utc)

    def holds(self, today: date) -> bool:
        """Active, and its last day is not over."""
        return self.active and (self.expires_on is None or today <= self.expires_on)


def opened(memberships: Iterable[Membership], customer_id: UUID | None, today: date) -> Membership | None:
    """The membership under which a session works: the operator's, the chosen customer's, else the oldest.

    Source: docs/rules/access.md, A-21.
    """
    holding = sorted((one for one in memberships if one.holds(today)), key=lambda one: one.known_since)
    for one in holding:
        if one.role == "operator":
            return one
    for one in holding:
        if one.customer_id == customer_id or customer_id is None:
            return one
    return None
