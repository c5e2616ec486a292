"""Customers, people, memberships: the tables, their rules and errors."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, Boolean, Date, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from chassis.db import Utc, new_metadata
from chassis.errors import Conflict, NotFound
from events.users import CustomerChanged, MembershipChanged, UserInvited

State = Literal["created", "invited", "password_set", "active", "locked", "deactivated"]
MODULES = ("invoices", "call_records", "exchange", "graphs", "contracts", "contacts")
PLACE = ZoneInfo("Europe/Berlin")


class LastAdmin(Conflict):
    """The last active admin cannot be taken away."""

    de = "Die letzte aktive Verwaltung kann nicht entfernt werden."


class CustomerNumberTaken(Conflict):
    """This customer number exists already."""

    de = "Diese Kundennummer gibt es schon."


class AlreadyMember(Conflict):
    """This person belongs to the company already."""

    de = "Diese Person gehört schon zur Firma."


class AlreadyIn(Conflict):
    """This person has used the invitation; there is nothing to send."""

    de = "Diese Person hat die Einladung schon benutzt."


class AddressInUse(Conflict):
    """The address can be corrected only until the invitation is used."""

    de = "Die Adresse kann nur berichtigt werden, bis die Einladung benutzt ist."


class CustomerUnknown(NotFound):
    """There is no such customer."""

    de = "Diesen Kunden gibt es nicht."


class UserUnknown(NotFound):
    """There is no such user."""

    de = "Diesen Benutzer gibt es nicht."


class Base(DeclarativeBase):
    """The tables of `users`."""

    metadata = new_metadata()


class Customer(Base):
    """A company."""

    __tablename__ = "customers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2))
    time_zone: Mapped[str] = mapped_column(String(64))
    email_domains: Mapped[list[str]] = mapped_column(JSON)
    colocation: Mapped[bool] = mapped_column(Boolean)
    end_user: Mapped[bool] = mapped_column(Boolean)
    active: Mapped[bool] = mapped_column(Boolean)
    version: Mapped[int] = mapped_column(Integer)
    feed_version: Mapped[int] = mapped_column(Integer)
    """The CRM's version that was applied last; -1 where the operator made the customer."""
    created_at: Mapped[datetime] = mapped_column(Utc)

    def changed(self) -> CustomerChanged:
        """The whole state, under the next version."""
        self.version += 1
        return self.state()

    def state(self) -> CustomerChanged:
        """The whole state."""
        return CustomerChanged(
            customer_id=self.id,
            version=self.version,
            number=self.number,
            name=self.name,
            end_user=self.end_user,
            colocation=self.colocation,
            language="en" if self.language == "en" else "de",
            time_zone=self.time_zone,
            email_domains=tuple(self.email_domains),
            active=self.active,
        )


class User(Base):
    """A person who may sign in. The user name is the e-mail address."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254), unique=True)
    given_name: Mapped[str] = mapped_column(String(100))
    family_name: Mapped[str] = mapped_column(String(100))
    language: Mapped[str] = mapped_column(String(2))
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Utc)
    password_set_at: Mapped[datetime | None] = mapped_column(Utc)
    second_factor_at: Mapped[datetime | None] = mapped_column(Utc)
    last_login_at: Mapped[datetime | None] = mapped_column(Utc)
    locked_at: Mapped[datetime | None] = mapped_column(Utc)
    memberships: Mapped[list["Membership"]] = relationship(back_populates="user", lazy="raise")

    @property
    def name(self) -> str:
        """As people are greeted."""
        return f"{self.given_name} {self.family_name}"


class Membership(Base):
    """One person's place at one customer, or at the operator (no customer)."""

    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("user_id", "customer_id", name="memberships_user_id_customer_id_key"),
        Index(
            "memberships_operator_user_id_idx",
            "user_id",
            unique=True,
            sqlite_where=text("customer_id IS NULL"),
            postgresql_where=text("customer_id IS NULL"),
        ),
        Index("memberships_customer_id_created_at_idx", "customer_id", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customers.id"))
    role: Mapped[str] = mapped_column(String(10))
    staff_role: Mapped[str | None] = mapped_column(String(20))
    modules: Mapped[list[str]] = mapped_column(JSON)
    active: Mapped[bool] = mapped_column(Boolean)
    expires_on: Mapped[date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Utc)
    invitation: Mapped[str] = mapped_column(String(10))
    invitation_sent_at: Mapped[datetime | None] = mapped_column(Utc)
    invitation_opened_at: Mapped[datetime | None] = mapped_column(Utc)
    invitation_expires_at: Mapped[datetime | None] = mapped_column(Utc)
    invitation_error: Mapped[str | None] = mapped_column(String(300))
    user: Mapped[User] = relationship(back_populates="memberships", lazy="raise")

    def counts(self, today: date) -> bool:
        """Active, and not over. The last day still counts."""
        return self.active and (self.expires_on is None or today <= self.expires_on)

    def changed(self) -> MembershipChanged:
        """The whole state, under the next version."""
        self.version += 1
        return self.state_event()

    def state_event(self) -> MembershipChanged:
        """The whole state."""
        return MembershipChanged(
            membership_id=self.id,
            version=self.version,
            user_id=self.user_id,
            customer_id=self.customer_id,
            role=self.role,  # only our own values are stored
            staff_role=self.staff_role,
            modules=tuple(self.modules),
            active=self.active,
            expires_on=self.expires_on,
        )

    def invite(self, *, by: str, actor_id: UUID | None, company: str, now: datetime) -> UserInvited:
        """Ask `auth` for a new link; the old one dies there.

        Raises:
            AlreadyIn: the person has a password already.
        """
        if self.user.password_set_at is not None:
            raise AlreadyIn
        self.invitation = "sent"
        self.invitation_sent_at = now
        self.invitation_opened_at = self.invitation_expires_at = self.invitation_error = None
        return UserInvited(
            user_id=self.user_id,
            membership_id=self.id,
            customer_id=self.customer_id,
            customer_name=company,
            email=self.user.email,
            given_name=self.user.given_name,
            family_name=self.user.family_name,
            language="en" if self.user.language == "en" else "de",
            invited_by=by,
            actor_id=actor_id,
            occurred_at=now,
        )

    def invitation_state(self, now: datetime) -> str:
        """What became of the link."""
        over = self.invitation_expires_at is not None and self.invitation_expires_at < now
        return "expired" if self.invitation in ("sent", "opened") and over else self.invitation

    def state(self, today: date) -> State:
        """How far the person has come."""
        if not self.counts(today):
            return "deactivated"
        if self.user.locked_at is not None:
            return "locked"
        if self.user.second_factor_at is not None:
            return "active"
        if self.user.password_set_at is not None:
            return "password_set"
        return "created" if self.invitation == "none" else "invited"


class AuditLine(Base):
    """One line of the audit log."""

    __tablename__ = "audit_lines"
    __table_args__ = (Index("audit_lines_customer_id_position_idx", "customer_id", "position"),)

    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    customer_id: Mapped[UUID | None] = mapped_column()
    line: Mapped[dict[str, Any]] = mapped_column(JSON)
    hash: Mapped[str] = mapped_column(String(64))
