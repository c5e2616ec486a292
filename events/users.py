"""What `users` tells: customers, people, memberships, and whom to invite."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from events.base import AuditRecorded, Event

Role = Literal["admin", "member", "operator"]
StaffRole = Literal["agent", "administrator"]
Language = Literal["de", "en"]


class CustomerChanged(Event):
    """The whole state of a customer (company)."""

    subject = "users.customer.changed.v1"
    listeners = frozenset({"auth", "contracts", "contacts", "documents", "metrics"})
    entity_field = "customer_id"

    customer_id: UUID
    version: int
    number: str
    name: str
    end_user: bool
    colocation: bool
    language: Language
    time_zone: str
    email_domains: tuple[str, ...]
    active: bool


class UserChanged(Event):
    """The whole state of a person who may sign in."""

    subject = "users.user.changed.v1"
    listeners = frozenset({"auth"})
    entity_field = "user_id"

    user_id: UUID
    version: int
    email: str
    given_name: str
    family_name: str
    language: Language
    active: bool = Field(description="true while any membership is active")


class MembershipChanged(Event):
    """The whole state of one person's place at one customer, or at the operator (no customer)."""

    subject = "users.membership.changed.v1"
    listeners = frozenset({"auth", "contracts"})
    entity_field = "membership_id"

    membership_id: UUID
    version: int
    user_id: UUID
    customer_id: UUID | None = Field(description="none for the operator's own people")
    role: Role
    staff_role: StaffRole | None = None
    modules: tuple[str, ...]
    active: bool
    expires_on: date | None = None


class AccessProgressed(Event):
    """A row of a company's user administration looks otherwise: invitation opened, password set, signed in, locked."""

    subject = "users.access.progressed.v1"
    entity_field = "membership_id"

    membership_id: UUID
    user_id: UUID
    customer_id: UUID
    occurred_at: datetime


class UserInvited(Event):
    """Somebody wants this person to get a (new) invitation link by mail."""

    subject = "users.user.invited.v1"
    listeners = frozenset({"auth"})
    entity_field = "user_id"

    user_id: UUID
    membership_id: UUID
    customer_id: UUID | None
    customer_name: str = Field(description="the company, or the operator's name for staff")
    email: str
    given_name: str
    family_name: str
    language: Language
    invited_by: str = Field(description="name of the person who invited, as it was then")
    actor_id: UUID | None
    occurred_at: datetime


class SecondFactorResetRequested(Event):
    """An admin or the operator wants a person's authenticator app taken away, with a reason."""

    subject = "users.second_factor_reset.requested.v1"
    listeners = frozenset({"auth", "users"})
    entity_field = "user_id"

    user_id: UUID
    customer_id: UUID | None = Field(description="for which company; none among the operator's own people")
    reason: str
    requested_by: str = Field(description="name of the person, as it was then")
    actor_id: UUID
    by_operator: bool
    occurred_at: datetime


class UsersAuditRecorded(AuditRecorded):
    """A line of `users` for the audit log."""

    subject = "users.audit.recorded.v1"
    listeners = frozenset({"users"})
