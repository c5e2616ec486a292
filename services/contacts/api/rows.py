"""Contacts as their reader sees them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import OpenSession, utc_now
from chassis.identity import Identity
from chassis.outbox import emit
from services.contacts.api.bodies import ContactOut, PendingOut, PersonRef
from services.contacts.audit import audit_line
from services.contacts.filing.lookups import visible_to
from services.contacts.models import Approval, Contact, ContactNotFound, Customer, OperatorContact
from services.contacts.reach import e164_or_none
from services.contacts.review import day_in, due_on
from services.contacts.settings import Settings

_SAME: tuple[str, ...] = (
    "id",
    "version",
    "side",
    "state",
    "given_name",
    "family_name",
    "organisation",
    "roles",
    "email",
    "phone",
)
_SAME += ("mobile", "hours", "languages", "changed_at", "changed_by", "confirmed_at", "confirmed_by", "decision")


def name_of(contact: Contact) -> str:
    """As people say it."""
    return " ".join(part for part in (contact.given_name, contact.family_name) if part) or contact.organisation or ""


def settings_of(request: Request) -> Settings:
    """Of this service."""
    found: Settings = request.app.state.settings
    return found


async def find_contact(
    session: AsyncSession, reader: Identity, contact_id: UUID, *, to_change: bool = False
) -> Contact:
    """One contact that the reader may see.

    Raises:
        ContactNotFound: nobody, or somebody of another customer.
        OperatorContact: it is to be changed, and is not the customer's to change.
    """
    wanted = select(Contact).where(Contact.id == contact_id, *visible_to(reader.customer_id))
    if to_change:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    contact = await session.scalar(wanted)
    if contact is None:
        raise ContactNotFound(contact_id=str(contact_id))
    if to_change and not may_edit(contact, reader):
        raise OperatorContact(contact_id=str(contact_id))
    return contact


def may_edit(contact: Contact, reader: Identity) -> bool:
    """Customers keep their own contacts, the operator keeps both."""
    return reader.is_browser and (reader.is_operator or contact.side == "customer")


async def rows(
    session: AsyncSession, contacts: Sequence[Contact], reader: Identity, settings: Settings
) -> list[ContactOut]:
    """With what waits, who stands in for whom, and when somebody should look again."""
    customer = await session.get(Customer, reader.customer_id)
    zone, now = (customer.time_zone if customer else "Europe/Berlin"), utc_now()
    ids = [contact.id for contact in contacts]
    waiting = select(Approval).where(Approval.contact_id.in_(ids), Approval.state == "pending")
    pending = {approval.contact_id: approval for approval in (await session.scalars(waiting)).all()}
    related = await _related(session, contacts, reader.customer_id)
    return [
        ContactOut(
            **{name: getattr(contact, name) for name in _SAME if name not in ("roles", "languages")},
            name=name_of(contact),
            roles=list(contact.roles),
            languages=list(contact.languages),
            phone_e164=e164_or_none(contact.phone, country_code=settings.country_code),
            mobile_e164=e164_or_none(contact.mobile, country_code=settings.country_code),
            deputy_of=next((_ref(one) for one in related if one.id == contact.deputy_of_id), None),
            deputies=[_ref(one) for one in related if one.deputy_of_id == contact.id],
            everybody=contact.customer_id is None,
            editable=may_edit(contact, reader),
            pending=_pending_out(pending.get(contact.id)),
            **_review(contact, zone, now, settings.review_months),
        )
        for contact in contacts
    ]


async def row(session: AsyncSession, contact: Contact, reader: Identity, settings: Settings) -> ContactOut:
    """One."""
    return (await rows(session, [contact], reader, settings))[0]


async def note_look(transactions: OpenSession, who: Identity, what: str, on: str | None = None) -> None:
    """Every look of the operator is in that customer's audit log, and is there before anything is shown."""
    if who.is_operator:
        async with transactions() as session:
            emit(session, audit_line(what, who, on, utc_now()))


async def _related(session: AsyncSession, contacts: Sequence[Contact], customer_id: UUID) -> Sequence[Contact]:
    ids = [contact.id for contact in contacts]
    chiefs = [contact.deputy_of_id for contact in contacts if contact.deputy_of_id is not None]
    wanted = select(Contact).where(or_(Contact.deputy_of_id.in_(ids), Contact.id.in_(chiefs)))
    visible = wanted.where(*visible_to(customer_id), Contact.state == "active")
    return (await session.scalars(visible.order_by(Contact.sort_key, Contact.id))).all()


def _ref(contact: Contact) -> PersonRef:
    return PersonRef(id=contact.id, name=name_of(contact))


def _pending_out(approval: Approval | None) -> PendingOut | None:
    if approval is None:
        return None
    return PendingOut.model_validate({name: getattr(approval, name) for name in PendingOut.model_fields})


def _review(contact: Contact, zone: str, now: datetime, months: int) -> dict[str, Any]:
    if contact.side != "customer" or not contact.in_force:
        return {"review_due_on": None, "review_due": False}
    day = due_on(day_in(zone, contact.vouched_at), months)
    return {"review_due_on": day, "review_due": day <= day_in(zone, now)}
