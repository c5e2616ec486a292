"""To keep: vCard for address books, CSV for spreadsheets. Only what is in force."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from chassis import spreadsheet
from chassis.db import ReadSession, Transactions, utc_now
from chassis.errors import NoCustomerChosen, problems
from chassis.identity import Identity
from chassis.outbox import emit
from services.contacts import vcard
from services.contacts.api.bodies import ContactOut
from services.contacts.api.contacts import Filters, Reader
from services.contacts.api.rows import find_contact, row, rows, settings_of
from services.contacts.audit import audit_line
from services.contacts.models import Contact, ContactNotFound, Customer
from services.contacts.roles import name_of

router = APIRouter(prefix="/contacts", tags=["contacts"])
bare = APIRouter(tags=["contacts"])

MOST = 10_000
_VCARD: dict[int | str, dict[str, Any]] = {200: {"content": {"text/vcard": {}}, "description": "vCard 4.0 (RFC 6350)."}}
_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {}}, "description": "UTF-8 with byte order mark, separated by semicolons."}
}
_HEADS = {
    "de": ("Seite", "Vorname", "Nachname", "Organisation", "Rollen", "E-Mail", "Telefon", "Mobil", "Zeiten"),
    "en": ("Side", "Given name", "Family name", "Organisation", "Roles", "E-mail", "Phone", "Mobile", "Hours"),
}
_MORE_HEADS = {
    "de": ("Sprachen", "Vertretung für", "Bestätigt am", "Bestätigt von", "Zu prüfen ab"),
    "en": ("Languages", "Deputy of", "Confirmed on", "Confirmed by", "Due for review on"),
}
_SIDES = {"de": {"operator": "Betreiber", "customer": "Kunde"}, "en": {"operator": "Operator", "customer": "Customer"}}


@bare.get("/contacts.vcf", response_class=Response, responses=_VCARD | problems(NoCustomerChosen))
async def export_vcards(
    request: Request, reader: Reader, filters: Filters, session: ReadSession, transactions: Transactions
) -> Response:
    """All contacts in force, for an address book; `side`, `role` and `q` as in the list."""
    found = (await session.scalars(filters.of(reader.customer_id).where(Contact.state == "active").limit(MOST))).all()
    shown = await rows(session, found, reader, settings_of(request))
    await _note(transactions, reader, None)
    content = vcard.cards([await _card(session, one, reader, request) for one in shown])
    return _file(content, vcard.MEDIA_TYPE, "contacts.vcf")


@bare.get("/contacts.csv", response_class=Response, responses=_CSV | problems(NoCustomerChosen))
async def export_csv(
    request: Request, reader: Reader, filters: Filters, session: ReadSession, transactions: Transactions
) -> Response:
    """All contacts in force, for a spreadsheet; `side`, `role` and `q` as in the list."""
    found = (await session.scalars(filters.of(reader.customer_id).where(Contact.state == "active").limit(MOST))).all()
    shown = await rows(session, found, reader, settings_of(request))
    await _note(transactions, reader, None)
    language = reader.language
    head = (*_HEADS[language], *_MORE_HEADS[language])
    content = spreadsheet.table(head, [_cells(one, language) for one in shown])
    return _file(content, spreadsheet.MEDIA_TYPE, "contacts.csv")


@router.get(
    "/{contact_id}.vcf", response_class=Response, responses=_VCARD | problems(ContactNotFound, NoCustomerChosen)
)
async def export_vcard(
    contact_id: UUID, request: Request, reader: Reader, session: ReadSession, transactions: Transactions
) -> Response:
    """One contact in force.

    Raises:
        ContactNotFound: also while it waits for its first approval.
    """
    contact = await find_contact(session, reader, contact_id)
    if not contact.in_force:
        raise ContactNotFound(contact_id=str(contact_id))
    shown = await row(session, contact, reader, settings_of(request))
    await _note(transactions, reader, f"contact/{contact_id}")
    return _file(vcard.cards([await _card(session, shown, reader, request)]), vcard.MEDIA_TYPE, f"{contact_id}.vcf")


async def _card(session: ReadSession, contact: ContactOut, reader: Identity, request: Request) -> vcard.Card:
    """In the reader's language; whoever has no organisation belongs to the side's."""
    customer = await session.get(Customer, reader.customer_id)
    house = request.app.state.brand_name if contact.side == "operator" else (customer.name if customer else "")
    return vcard.Card(
        uid=contact.id,
        revised_at=contact.changed_at,
        given_name=contact.given_name,
        family_name=contact.family_name,
        organisation=contact.organisation or house,
        roles=tuple(name_of(contact.side, role, reader.language) for role in contact.roles),
        email=contact.email,
        phone=contact.phone_e164,
        mobile=contact.mobile_e164,
        languages=tuple(contact.languages),
        note=contact.hours or "",
    )


def _cells(contact: ContactOut, language: str) -> list[object]:
    roles = ", ".join(name_of(contact.side, role, language) for role in contact.roles)
    return [
        _SIDES[language][contact.side],
        contact.given_name,
        contact.family_name,
        contact.organisation,
        roles,
        contact.email,
        contact.phone,
        contact.mobile,
        contact.hours,
        ", ".join(contact.languages),
        contact.deputy_of.name if contact.deputy_of else None,
        contact.confirmed_at.date().isoformat() if contact.confirmed_at else None,
        contact.confirmed_by,
        contact.review_due_on,
    ]


async def _note(transactions: Transactions, reader: Identity, on: str | None) -> None:
    """Whoever takes contacts along is in the audit log, also the customer's own people."""
    async with transactions() as session:
        emit(session, audit_line("contacts_exported", reader, on, utc_now()))


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = {
        "Content-Type": media_type,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, headers=headers)
