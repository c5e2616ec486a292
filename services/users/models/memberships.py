"""Memberships: what a person may do at one customer, for how long, and what that customer's admins see of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, Boolean, Date, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis.db import Utc
from events.users import MembershipChanged, UserInvited
from services.users.models.base import MODULES, PLACE, AddressInUse, AlreadyIn, Base, Deactivated, LastAdmin
from services.users.models.customers import Customer
from services.users.models.people import User, later

State = Literal["created", "invited", "password_set", "active", "locked", "deactivated"]
Invitation = Literal["none", "sent", "refused", "opened", "expired", "used"]
CLOCKS_DIFFER = timedelta(seconds=2)
"""How far the clocks of two machines may be apart."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What a change takes from an admin: the first day without it."""

    first_day: date


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
    role: Mapped[Literal["admin", "member", "operator"]] = mapped_column(String(10))
    staff_role: Mapped[Literal["agent", "administrator"] | None] = mapped_column(String(20))
    modules: Mapped[list[str]] = mapped_column(JSON)
    active: Mapped[bool] = mapped_column(Boolean)
    expires_on: Mapped[date | None] = mapped_column(Date)
    end_told_on: Mapped[date | None] = mapped_column(Date)
    """The end date of which everybody was told when it was over."""
    removed_at: Mapped[datetime | None] = mapped_column(Utc)
    given_name: Mapped[str | None] = mapped_column(String(100))
    """As the company calls somebody who was known already; none: as the person is called."""
    family_name: Mapped[str | None] = mapped_column(String(100))
    language: Mapped[str | None] = mapped_column(String(2))
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Utc)
    invitation: Mapped[Invitation] = mapped_column(String(10))
    invitation_sent_at: Mapped[datetime | None] = mapped_column(Utc)
    invitation_opened_at: Mapped[datetime | None] = mapped_column(Utc)
    invitation_expires_at: Mapped[datetime | None] = mapped_column(Utc)
    invitation_error: Mapped[str | None] = mapped_column(String(300))
    user: Mapped[User] = relationship(lazy="raise")
    customer: Mapped[Customer | None] = relationship(lazy="raise")

    def counts(self, now: datetime) -> bool:
        """Active, and not over. The last day counts to its end where the customer is."""
        return self.counts_on(self.day(now))

    def counts_on(self, day: date) -> bool:
        """Active, and not over on that day."""
        return self.active and self.removed_at is None and (self.expires_on is None or day <= self.expires_on)

    def day(self, now: datetime) -> date:
        """Today, where the customer is."""
        return now.astimezone(ZoneInfo(self.customer.time_zone) if self.customer else PLACE).date()

    @property
    def effective_modules(self) -> tuple[str, ...]:
        """An admin sees all of them, a member those given."""
        return MODULES if self.role == "admin" else tuple(self.modules)

    @property
    def has_entered(self) -> bool:
        """The person has been in since this place was made.

        What was before, at another company, is none of this one's business: until then somebody who is known looks
        like somebody who is new.
        """
        return any(at is not None and at >= self.created_at for at in (self.user.last_login_at, self._app_since()))

    def _app_since(self) -> datetime | None:
        return self.user.second_factor_at if self.user.has_second_factor else None

    @property
    def waiting(self) -> bool:
        """The link was not used yet."""
        return not self.has_entered and self.invitation != "used"

    def may_be_invited_first(self, now: datetime) -> bool:
        """Nobody has done it meanwhile, and there is somebody to invite."""
        return self.counts(now) and self.waiting and self.invitation == "none"

    def state(self, now: datetime) -> State:
        """How far the person has come, as far as this company may know."""
        if not self.counts(now):
            return "deactivated"
        if self.has_entered and self.user.locked:
            return "locked"
        if self.has_entered and self.user.has_second_factor:
            return "active"
        if not self.waiting:
            return "password_set"
        return "created" if self.invitation == "none" else "invited"

    def shown(self, at: datetime | None) -> datetime | None:
        """A time that this company may know: what happened since its place was made."""
        return at if at is not None and at >= self.created_at and not self.waiting else None

    @property
    def leads(self) -> bool:
        """Looks after the people: a company's admin, an administrator among the operator's own."""
        return self.role == "admin" or self.staff_role == "administrator"

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
            role=self.role,
            staff_role=self.staff_role,
            modules=self.effective_modules,
            active=self.active,
            expires_on=self.expires_on,
        )

    def invite(self, *, by: str, actor_id: UUID | None, company: str, now: datetime) -> UserInvited:
        """Ask `auth` for a new link; the old one dies there.

        Raises:
            Deactivated: the person may not get in.
            AlreadyIn: the person has used a link, or has been in.
        """
        if not self.counts(now):
            raise Deactivated
        if not self.waiting:
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

    def withdraw_invitation(self) -> None:
        """For an address that was wrong: the link that went there is dead, nothing is on its way.

        Raises:
            AddressInUse: the link was used.
        """
        if not self.waiting:
            raise AddressInUse
        self.invitation = "none"
        self.invitation_sent_at = self.invitation_opened_at = None
        self.invitation_expires_at = self.invitation_error = None

    def link_news_count(self, at: datetime) -> bool:
        """News of a link that was asked for, not of the one before it, and not after its use."""
        if self.invitation in ("none", "used") or self.invitation_sent_at is None:
            return False
        return at >= self.invitation_sent_at - CLOCKS_DIFFER

    def link_sent(self, expires_at: datetime) -> None:
        """The mail server has it; it may have been opened already."""
        self.invitation_expires_at = expires_at
        self.invitation_error = None
        self.invitation = "opened" if self.invitation_opened_at else "sent"

    def link_opened(self, at: datetime) -> None:
        """The page behind it was looked at: so the mail arrived."""
        self.invitation = "opened"
        self.invitation_error = None
        self.invitation_opened_at = min(self.invitation_opened_at or at, at)

    def link_refused(self, reason: str) -> None:
        """The mail server does not take it; an opened page is stronger."""
        if self.invitation != "opened":
            self.invitation = "refused"
            self.invitation_error = reason[:300]

    def link_used(self) -> None:
        """The person has set the password, or was in by another one's link."""
        if self.invitation != "none":
            self.invitation = "used"
            self.invitation_error = None

    def invitation_state(self, now: datetime) -> Invitation:
        """What became of the link."""
        over = later(now, self.invitation_expires_at) and self.invitation_expires_at is not None
        return "expired" if self.invitation in ("sent", "opened") and over else self.invitation

    def leaving(
        self, today: date, *, role: str | None = None, active: bool | None = None, expires_on: date | None = None
    ) -> Leaving | None:
        """What a change would take from an admin who counts; none where it takes nothing."""
        if not self.leads or not self.counts_on(today):
            return None
        if active is False or role in ("member", "agent"):
            return Leaving(today)
        if expires_on is None or (self.expires_on is not None and expires_on >= self.expires_on):
            return None
        return Leaving(max(today, expires_on + timedelta(days=1)))


def require_an_admin(leaving: Leaving, others: Iterable[Membership]) -> None:
    """Somebody else must be admin on the first day without this one.

    Raises:
        LastAdmin: nobody would be.
    """
    if not any(other.leads and other.counts_on(leaving.first_day) for other in others):
        raise LastAdmin


def place_of(memberships: Iterable[Membership], wanted: UUID | None, now: datetime) -> Membership | None:
    """Under which membership a person works: the operator's, else the wanted customer's, else the oldest.

    A membership counts nothing while its customer is inactive.
    """
    living = [one for one in memberships if one.counts(now) and (one.customer is None or one.customer.active)]
    living.sort(key=lambda one: (one.customer_id is not None, one.customer_id != wanted, one.created_at, one.id.int))
    return living[0] if living else None
