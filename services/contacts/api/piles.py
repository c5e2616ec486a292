"""The operator's lists as they go out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from chassis.feeds import RecordOutBase, spread
from services.contacts.api.rows import name_of
from services.contacts.filing.settle import EVERYBODY
from services.contacts.models import Contact, Customer, FeedHealth, FeedRecord

_COUNTED = {"parked": "parked", "conflict": "conflicts", "refused": "refused"}


class RecordOut(RecordOutBase):
    """A feed record that waits for a decision; its number is the CRM's id of the contact."""

    contact_id: UUID | None


class DifferenceOut(BaseModel):
    """One field of a conflict."""

    field: str
    ours: Any
    theirs: Any


class ConflictOut(RecordOut):
    """What the CRM says beside what is in force here."""

    contact_name: str
    customer_id: UUID | None
    customer_name: str | None
    said_at: datetime
    """When the CRM said so."""
    ours_at: datetime | None
    """When somebody here last edited or confirmed it."""
    ours_by: str | None
    differences: list[DifferenceOut]

    @classmethod
    def of_conflict(cls, record: FeedRecord, contact: Contact, customer: Customer | None) -> "ConflictOut":
        """As both are now."""
        theirs = record.payload or {}
        ours = contact.values() | {"removed": contact.removed_at is not None, "deputy_of": contact.deputy_of_key}
        fields = [reason["pointer"].rpartition("/")[2] for reason in record.reasons if "pointer" in reason]
        return cls(
            **RecordOut.shared(record),
            contact_name=name_of(contact),
            customer_id=contact.customer_id,
            customer_name=customer.name if customer else None,
            said_at=record.occurred_at,
            ours_at=contact.touched_at,
            ours_by=contact.confirmed_by or contact.changed_by,
            differences=[DifferenceOut(field=name, ours=ours.get(name), theirs=theirs.get(name)) for name in fields],
        )


class FeedHealthOut(BaseModel):
    """What one source sent for one customer; without a customer: operator contacts for everybody."""

    source: str
    customer_id: UUID | None
    customer_number: str | None
    customer_name: str | None
    filed: int
    last_number: str | None
    last_contact_at: datetime | None
    parked: int = 0
    conflicts: int = 0
    refused: int = 0

    @classmethod
    def of(cls, health: FeedHealth, customer: Customer | None) -> "FeedHealthOut":
        """What was taken; what waits is added by `HealthOut.of`."""
        return cls(
            source=health.source,
            customer_id=None if health.customer_id == EVERYBODY else health.customer_id,
            customer_number=customer.number if customer else None,
            customer_name=customer.name if customer else None,
            filed=health.filed,
            last_number=health.last_number,
            last_contact_at=health.last_filed_at,
        )


class HealthOut(BaseModel):
    """How the feeds are."""

    feeds: list[FeedHealthOut]
    parked: int
    conflicts: int
    refused: int
    dead_letters: int
    approvals: int
    """Changes of sensitive roles that wait."""

    @classmethod
    def of(
        cls,
        feeds: list[FeedHealthOut],
        waiting: dict[tuple[str, str | None, str], int],
        *,
        dead_letters: int,
        approvals: int,
    ) -> "HealthOut":
        """What waits goes to its feed, or makes one."""

        def empty(source: str, number: str | None) -> FeedHealthOut:
            nothing = {"customer_id": None, "customer_name": None, "last_number": None, "last_contact_at": None}
            return FeedHealthOut(source=source, customer_number=number, filed=0, **nothing)

        rows, totals = spread(feeds, waiting, _COUNTED, empty)
        return cls(feeds=rows, dead_letters=dead_letters, approvals=approvals, **totals)
