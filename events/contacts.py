"""What `contacts` tells: values in force only, never what still waits for an approval."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from events.base import AuditRecorded, Event


class ContactChanged(Event):
    """The whole state of a contact as it is in force now."""

    subject = "contacts.contact.changed.v1"
    listeners = frozenset({"users"})
    entity_field = "contact_id"

    contact_id: UUID
    customer_id: UUID | None = Field(description="none: an operator contact for everybody")
    version: int
    side: Literal["operator", "customer"]
    roles: tuple[str, ...]
    given_name: str
    family_name: str
    organisation: str | None
    email: str | None
    phone: str | None = Field(description="ITU-T E.164")
    mobile: str | None = Field(description="ITU-T E.164")
    language: Literal["de", "en"] = Field(description="for mails to this contact")
    source: str | None = Field(description="the feed that knows it, if any")
    source_contact_id: str | None = Field(description="its id there")
    active: bool = Field(description="false: removed")
    actor_id: UUID | None = Field(default=None, description="the person who changed it, if one did")


class ContactConfirmed(Event):
    """Somebody has said that a contact is still right."""

    subject = "contacts.contact.confirmed.v1"
    entity_field = "contact_id"

    contact_id: UUID
    customer_id: UUID | None
    version: int
    actor_id: UUID
    confirmed_by: str = Field(description="name of the person, as it was then")
    confirmed_at: datetime


class ReviewDue(Event):
    """Nobody has said for a year that this contact is still right. Once per contact and year."""

    subject = "contacts.review.due.v1"
    listeners = frozenset({"users"})
    entity_field = "contact_id"

    contact_id: UUID
    customer_id: UUID
    roles: tuple[str, ...]
    due_on: date
    confirmed_at: datetime | None


class ApprovalRequested(Event):
    """A change of a sensitive role waits for the operator. Not what it is: that is not in force."""

    subject = "contacts.approval.requested.v1"
    listeners = frozenset({"users"})
    entity_field = "approval_id"

    approval_id: UUID
    contact_id: UUID
    customer_id: UUID
    kind: Literal["create", "change", "remove"]
    requested_by: str = Field(description="name of the person, as it was then")
    actor_id: UUID
    requested_at: datetime


class ApprovalDecided(Event):
    """The operator has approved or rejected a change that waited."""

    subject = "contacts.approval.decided.v1"
    listeners = frozenset({"users"})
    entity_field = "approval_id"

    approval_id: UUID
    contact_id: UUID
    customer_id: UUID
    kind: Literal["create", "change", "remove"]
    approved: bool
    reason: str | None
    requested_by_id: UUID = Field(description="who is to be told")
    actor_id: UUID = Field(description="who decided")
    decided_at: datetime


class ContactsAuditRecorded(AuditRecorded):
    """A line of `contacts` for the audit log."""

    subject = "contacts.audit.recorded.v1"
    listeners = frozenset({"users"})
