"""What the CRM says of a contact, inside the transaction: taken, parked, without effect, or a conflict."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import add_up, utc_now
from chassis.outbox import emit
from events.base import InvalidEvent
from events.crm import ContactUpserted
from services.contacts.filing.lookups import (
    customer_of,
    hold,
    known_contact,
    language_of,
    refused,
    waiting_change,
)
from services.contacts.filing.notes import Note, Outcome
from services.contacts.models import Contact, Customer, FeedHealth, FeedRecord
from services.contacts.reach import flaws_of
from services.contacts.roles import word_of
from services.contacts.texts import one_line
from services.contacts.verdict import Ours, judge

EVERYBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Said:
    """One statement of the CRM with its fields checked."""

    event: ContactUpserted
    source: str
    event_id: str
    at: datetime
    values: dict[str, Any]
    """Our fields, and ``deputy_of`` and ``removed``."""

    @classmethod
    def of(cls, event: ContactUpserted, country_code: str) -> "Said":
        """Check it.

        Raises:
            InvalidEvent: nobody could be reached, a telephone number or address is none, or a text is more than a line.
        """
        values = checked_values(event)
        flaws = [] if event.removed else flaws_of(values, country_code=country_code)
        if flaws:
            errors = [{"pointer": f"/data/{flaw.field}", "detail": flaw.text("en")} for flaw in flaws]
            raise InvalidEvent(flaws[0].reason, flaws[0].text("en"), errors)
        envelope = event.envelope
        return cls(event, envelope.source, envelope.id, envelope.time, values)

    @property
    def note(self) -> Note:
        """For what became of it."""
        return Note(self.source, self.event_id, self.event.subject, self.at)


def checked_values(event: ContactUpserted) -> dict[str, Any]:
    """As they are stored: empty is none, addresses in lower case, roles in our words. Who is removed needs no more."""
    if event.removed:
        return {"removed": True}
    values: dict[str, Any] = {"deputy_of": event.deputy_of, "removed": False}
    for name in ("given_name", "family_name", "organisation", "email", "phone", "mobile", "hours"):
        said = getattr(event, name)
        try:
            line = one_line(said) if said else ""
        except ValueError as error:
            raise refused("invalid_data", f"/data/{name}", str(error)) from None
        values[name] = line or ("" if name in ("given_name", "family_name") else None)
    values["email"] = values["email"].lower() if values["email"] else None
    values["roles"] = list(dict.fromkeys(word_of(role) for role in event.roles))
    values["languages"] = list(dict.fromkeys(event.languages))
    return values


async def settle(session: AsyncSession, event: ContactUpserted, country_code: str) -> Outcome:
    """Take what the CRM says, or say why not yet or not at all, and note it. Any number of times: one effect.

    Raises:
        InvalidEvent: it can never be taken.
    """
    said = Said.of(event, country_code)
    if event.customer_number is not None:
        await hold(session, "customer", event.customer_number)
    await hold(session, "contact", f"{said.source}/{event.contact_id}")
    outcome = await _decide(session, said, country_code)
    await said.note.write(
        session,
        outcome,
        customer_number=event.customer_number,
        number=event.contact_id,
        payload=None if outcome.state == "filed" else event.model_dump(mode="json"),
    )
    return outcome


async def _decide(session: AsyncSession, said: Said, country_code: str) -> Outcome:
    event, customer = said.event, None
    if event.customer_number is not None:
        customer = await customer_of(session, event.customer_number)
        if customer is None:
            reason = {"reason": "unknown_customer", "detail": f"No customer {event.customer_number} is known yet."}
            return Outcome("parked", None, (reason,), event.customer_number)
    contact = await known_contact(session, said.source, event.contact_id)
    if contact is None:
        contact = _new(said, customer)
        session.add(contact)
        await take(session, contact, said, country_code)
        return Outcome("filed", contact.id)
    _must_belong(contact, said, customer)
    if event.version <= (contact.feed_version or 0) and contact.feed_version is not None:
        return _known_already(contact, said)
    await _supersede(session, contact.id)
    verdict = judge(_ours(contact), said.values, said.at)
    if verdict.kind == "conflict":
        return Outcome("conflict", contact.id, _reasons(contact, verdict.fields))
    if verdict.kind == "take" or _moves(contact, customer):
        contact.customer_id = customer.id if customer else None
        await take(session, contact, said, country_code, only=verdict.fields)
    else:
        contact.feed_version, contact.feed_state = event.version, said.values
    return Outcome("filed", contact.id)


def _new(said: Said, customer: Customer | None) -> Contact:
    now = utc_now()
    return Contact(
        id=uuid4(),
        side=said.event.side,
        customer_id=customer.id if customer else None,
        source=said.source,
        external_id=said.event.contact_id,
        state="active",
        given_name="",
        family_name="",
        roles=(),
        languages=(),
        sort_key="",
        version=0,
        created_at=now,
        changed_at=now,
        vouched_at=said.at,
    )


def _must_belong(contact: Contact, said: Said, customer: Customer | None) -> None:
    """A customer's person never turns up at another customer, nor on the other side."""
    if contact.side != said.event.side:
        raise refused("side_mismatch", "/data/side", "This contact is known on the other side.")
    if contact.side == "customer" and (customer is None or contact.customer_id != customer.id):
        raise refused("customer_mismatch", "/data/customer_number", "This contact belongs to another customer.")


def _moves(contact: Contact, customer: Customer | None) -> bool:
    return contact.customer_id != (customer.id if customer else None)


def _known_already(contact: Contact, said: Said) -> Outcome:
    if said.event.version == contact.feed_version and said.values != contact.feed_state:
        raise refused("version_reused", "/data/version", "This version was sent before with other content.")
    older = {"reason": "older_version", "detail": f"Version {contact.feed_version} is known already."}
    reasons = (older,) if said.event.version < (contact.feed_version or 0) else ()
    return Outcome("filed", contact.id, reasons)


def _ours(contact: Contact) -> Ours:
    values = contact.values() | {"deputy_of": contact.deputy_of_key, "removed": contact.removed_at is not None}
    values["languages"] = list(contact.languages)
    known = contact.feed_state or {}
    removed_here = contact.removed_at is not None and not known.get("removed")
    return Ours(values, known, contact.touched_at, removed_here=removed_here)


def _reasons(contact: Contact, fields: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    """Why the CRM's word does not count by itself, field by field."""
    if contact.removed_at is not None:
        reason, detail = "removed_here", "It was removed in the portal."
    elif contact.confirmed_at is not None and contact.confirmed_at == contact.touched_at:
        reason, detail = "newer_confirmation", "It was confirmed in the portal after the CRM's statement."
    else:
        reason, detail = "newer_edit", "It was edited in the portal after the CRM's statement."
    return tuple({"reason": reason, "detail": detail, "pointer": f"/data/{name}"} for name in fields)


async def _supersede(session: AsyncSession, contact_id: UUID) -> None:
    """A newer statement makes an older conflict pointless."""
    open_ones = select(FeedRecord).where(FeedRecord.contact_id == contact_id, FeedRecord.state == "conflict")
    for record in (await session.scalars(open_ones)).all():
        record.state, record.payload, record.changed_at = "dropped", None, utc_now()
        record.reasons = [*record.reasons, {"reason": "superseded", "detail": "The CRM has sent a newer version."}]


async def take(
    session: AsyncSession, contact: Contact, said: Said, country_code: str, only: tuple[str, ...] | None = None
) -> None:
    """Put the CRM's word in force: all of it, or only these fields."""
    fields = said.values if only is None else {name: said.values[name] for name in only}
    values = dict(fields)
    removed = bool(values.pop("removed", contact.removed_at is not None))
    if "deputy_of" in values:
        contact.deputy_of_key = values.pop("deputy_of")
        contact.deputy_of_id = await _deputised(session, contact)
    contact.take(values)
    contact.removed_at = (contact.removed_at or utc_now()) if removed else None
    contact.feed_version, contact.feed_state = said.event.version, said.values
    contact.changed_at, contact.changed_by = utc_now(), None
    contact.confirmed_at = contact.confirmed_by = None
    contact.vouched_at = max(contact.vouched_at, said.at)
    contact.version += 1
    await session.flush()
    await _settle_relations(session, contact, removed=removed)
    changed = contact.changed(country_code=country_code, language=await language_of(session, contact.customer_id))
    emit(session, changed)
    key = {"source": said.source, "customer_id": contact.customer_id or EVERYBODY}
    last = {"last_number": said.event.contact_id, "last_filed_at": utc_now()}
    await add_up(session, FeedHealth, key, "filed", **last)


async def _deputised(session: AsyncSession, contact: Contact) -> UUID | None:
    """Whom this one stands in for, if that contact is here, on the same side, and of nobody else's customer."""
    if contact.deputy_of_key is None or contact.deputy_of_key == contact.external_id:
        return None
    wanted = select(Contact).where(Contact.source == contact.source, Contact.external_id == contact.deputy_of_key)
    found = await session.scalar(wanted)
    if found is None or found.side != contact.side or found.customer_id not in (None, contact.customer_id):
        return None
    return found.id


async def _settle_relations(session: AsyncSession, contact: Contact, *, removed: bool) -> None:
    """Deputies that came first find this contact now; what waited about a removed one waits no more."""
    if removed:
        approval = await waiting_change(session, contact.id)
        if approval is not None:
            approval.state, approval.decided_at = "withdrawn", utc_now()
        return
    theirs = Contact.customer_id == contact.customer_id if contact.customer_id else Contact.id.is_not(None)
    waiting = update(Contact).where(
        Contact.source == contact.source,
        Contact.deputy_of_key == contact.external_id,
        Contact.deputy_of_id.is_(None),
        Contact.side == contact.side,
        Contact.id != contact.id,
        theirs,
    )
    await session.execute(waiting.values(deputy_of_id=contact.id).execution_options(synchronize_session=False))
