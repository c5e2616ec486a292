"""The list, one contact, and what people change. Rules: docs/rules/contacts.md."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import Select, String, and_, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import module
from chassis.db import ReadSession, Session, Transactions, utc_now
from chassis.errors import Invalid, NoCustomerChosen, PreconditionFailed, PreconditionRequired, problems
from chassis.idempotency import OncePerKey
from chassis.identity import Identity
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from chassis.versions import IfMatch, check_version, show_version
from events.contacts import ContactConfirmed
from services.contacts.api.bodies import ContactCreate, ContactOut, ContactUpdate, RoleQuery
from services.contacts.api.rows import find_contact, note_look, row, rows, settings_of
from services.contacts.audit import audit_line
from services.contacts.editing import Editor, add, edit, remove
from services.contacts.filing.lookups import contacts_of, visible_to
from services.contacts.models import Contact, ContactNotFound, InvalidContact, NotInForce, OperatorContact
from services.contacts.roles import Side, roles_of
from services.contacts.texts import sort_key

router = APIRouter(prefix="/contacts", tags=["contacts"])

Reader = Annotated[Identity, Depends(module("contacts"))]
Words = Annotated[
    str | None,
    Query(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$", description="in names, organisation or e-mail address"),
]
_CHANGING = problems(
    ContactNotFound, OperatorContact, InvalidContact, NoCustomerChosen, PreconditionFailed, PreconditionRequired
)
_WAITS: dict[int | str, dict[str, Any]] = {
    202: {"model": ContactOut, "description": "It waits for the operator's approval; see `pending`."}
}


class UnknownRole(Invalid):
    """There is no such role on this side."""

    de = "Diese Rolle gibt es auf dieser Seite nicht."


class UnknownDeputised(Invalid):
    """Nobody of the operator has this id."""

    de = "Beim Betreiber gibt es niemanden mit dieser Kennung."


@dataclass(frozen=True, slots=True)
class Asked:
    """Which contacts the reader asks for."""

    side: Side | None
    role: str | None
    q: str

    def of(self, customer_id: UUID) -> Select[Any]:
        """Those that this customer may see, in their order."""
        wanted = contacts_of(customer_id).order_by(Contact.sort_key, Contact.id)
        if self.side:
            wanted = wanted.where(Contact.side == self.side)
        if self.role:
            wanted = wanted.where(type_coerce(Contact.roles, String).contains(f"|{self.role}|", autoescape=True))
        if self.q:
            named = Contact.sort_key.contains(sort_key(self.q), autoescape=True)
            wanted = wanted.where(or_(named, Contact.email.contains(self.q.lower(), autoescape=True)))
        return wanted


async def asked_for(side: Side | None = None, role: RoleQuery | None = None, q: Words = None) -> Asked:
    """The filters of the list and of what is taken along."""
    return Asked(side, role, (q or "").strip())


Filters = Annotated[Asked, Depends(asked_for)]


@router.get("", responses=problems(NoCustomerChosen))
async def list_contacts(  # noqa: PLR0913, PLR0917  # what a list needs
    request: Request,
    reader: Reader,
    filters: Filters,
    session: ReadSession,
    transactions: Transactions,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ContactOut]:
    """The operator's and the customer's own, by name; also those that wait, which `state` says."""
    asked = filters.of(reader.customer_id)
    if cursor:
        name, last = key_of(cursor, str, UUID)
        asked = asked.where(or_(Contact.sort_key > name, and_(Contact.sort_key == name, Contact.id > last)))
    await note_look(transactions, reader, "contacts_listed")
    found = (await session.scalars(asked.limit(limit + 1))).all()
    shown = found[:limit]
    more = cursor_of(shown[-1].sort_key, shown[-1].id) if len(found) > limit else None
    return Page(items=await rows(session, shown, reader, settings_of(request)), next_cursor=more)


@router.post(
    "",
    status_code=201,
    response_model=ContactOut,
    responses=_WAITS | problems(OperatorContact, InvalidContact, UnknownRole, UnknownDeputised, NoCustomerChosen),
)
async def create_contact(
    body: ContactCreate, reader: Reader, request: Request, session: Session, once: OncePerKey
) -> Response:
    """A contact of one's own; with a sensitive role it waits (202) and is not in force until it is approved."""
    customer_id = reader.customer_id
    if earlier := await once.earlier(session):
        return earlier
    if body.side == "operator" and not reader.is_operator:
        raise OperatorContact
    if body.everybody and body.side != "operator":
        raise Invalid(errors=[{"pointer": "/everybody", "detail": "only contacts of the operator"}])
    now = utc_now()
    contact = Contact(
        id=uuid4(),
        side=body.side,
        customer_id=None if body.everybody else customer_id,
        deputy_of_id=None,
        version=1,
        created_at=now,
        vouched_at=now,
    )
    values = body.model_dump(exclude={"side", "everybody", "deputy_of"})
    _must_know_roles(contact, values["roles"])
    if body.deputy_of is not None:
        await _stand_in(session, contact, body.deputy_of, reader)
    waits = await add(session, contact, values, _editor(reader, request))
    emit(session, audit_line("contact_creation_requested" if waits else "contact_created", reader, _on(contact), now))
    answer = await row(session, contact, reader, settings_of(request))
    response = await once.keep(session, answer, 202 if waits else 201)
    show_version(response, contact.version)
    return response


@router.get("/{contact_id}", responses=problems(ContactNotFound, NoCustomerChosen))
async def show_contact(  # the answer bears a header
    contact_id: UUID,
    reader: Reader,
    request: Request,
    session: ReadSession,
    transactions: Transactions,
    response: Response,
) -> ContactOut:
    """One contact; `ETag` is what a change must bear in `If-Match`."""
    contact = await find_contact(session, reader, contact_id)
    await note_look(transactions, reader, "contact_read", _on(contact))
    show_version(response, contact.version)
    return await row(session, contact, reader, settings_of(request))


@router.patch(
    "/{contact_id}", response_model=ContactOut, responses=_WAITS | _CHANGING | problems(UnknownRole, UnknownDeputised)
)
async def change_contact(  # noqa: PLR0913, PLR0917  # the answer bears a header and one of two codes
    contact_id: UUID,
    body: ContactUpdate,
    reader: Reader,
    request: Request,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> ContactOut:
    """What touches a sensitive role waits (202): `pending` has it, the values beside it stay in force."""
    contact = await find_contact(session, reader, contact_id, to_change=True)
    check_version(if_match, contact.version)
    changes = body.model_dump(exclude_unset=True)
    if "roles" in changes:
        _must_know_roles(contact, changes["roles"])
    moved = "deputy_of" in changes and await _stand_in(session, contact, changes.pop("deputy_of"), reader)
    waits = await edit(session, contact, changes, _editor(reader, request))
    if moved:
        contact.changed_at, contact.changed_by = utc_now(), reader.name
    what = "contact_change_requested" if waits else "contact_changed"
    emit(session, audit_line(what, reader, _on(contact), utc_now()))
    show_version(response, contact.version)
    response.status_code = 202 if waits else 200
    return await row(session, contact, reader, settings_of(request))


@router.delete("/{contact_id}", status_code=204, responses=_WAITS | _CHANGING)
async def remove_contact(
    contact_id: UUID, reader: Reader, request: Request, session: Session, if_match: IfMatch = None
) -> Response:
    """Somebody with a sensitive role stays in force until the operator approves (202)."""
    contact = await find_contact(session, reader, contact_id, to_change=True)
    check_version(if_match, contact.version)
    waits = await remove(session, contact, _editor(reader, request))
    what = "contact_removal_requested" if waits else "contact_removed"
    emit(session, audit_line(what, reader, _on(contact), utc_now()))
    if not waits:
        return Response(status_code=204)
    answer = await row(session, contact, reader, settings_of(request))
    response = Response(answer.model_dump_json(), 202, media_type="application/json")
    show_version(response, contact.version)
    return response


@router.post(
    "/{contact_id}/confirmation",
    responses=problems(ContactNotFound, OperatorContact, NotInForce, NoCustomerChosen, PreconditionFailed),
)
async def confirm_contact(  # the answer bears a header
    contact_id: UUID,
    reader: Reader,
    request: Request,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> ContactOut:
    """Still correct: noted with name and time. With `If-Match` only what the reader has seen is confirmed."""
    contact = await find_contact(session, reader, contact_id, to_change=True)
    if if_match is not None:
        check_version(if_match, contact.version)
    if not contact.in_force:
        raise NotInForce(contact_id=str(contact_id))
    now = utc_now()
    contact.version += 1
    contact.confirm(reader.name, now)
    emit(
        session,
        ContactConfirmed(
            contact_id=contact.id,
            customer_id=contact.customer_id,
            version=contact.version,
            actor_id=reader.user_id,
            confirmed_by=reader.name,
            confirmed_at=now,
        ),
        audit_line("contact_confirmed", reader, _on(contact), now),
    )
    show_version(response, contact.version)
    return await row(session, contact, reader, settings_of(request))


def _editor(reader: Identity, request: Request) -> Editor:
    return Editor(reader, utc_now(), settings_of(request).country_code)


def _on(contact: Contact) -> str:
    return f"contact/{contact.id}"


def _must_know_roles(contact: Contact, roles: list[str]) -> None:
    """A role that only the CRM knows may stay, but nobody is given one.

    Raises:
        UnknownRole: with a pointer.
    """
    allowed = {*roles_of(contact.side), *(contact.roles or ())}
    wrong = [number for number, role in enumerate(roles) if role not in allowed]
    if wrong:
        detail = "one of " + ", ".join(roles_of(contact.side))
        raise UnknownRole(errors=[{"pointer": f"/roles/{number}", "detail": detail} for number in wrong])
    roles[:] = dict.fromkeys(roles)


async def _stand_in(session: AsyncSession, contact: Contact, deputised: UUID | None, reader: Identity) -> bool:
    """Whom this one stands in for; only among the operator's people. Returns whether that changed.

    Raises:
        UnknownDeputised: with a pointer.
    """
    key = None
    if deputised is not None:
        wanted = select(Contact).where(Contact.id == deputised, *visible_to(reader.customer_id))
        found = await session.scalar(wanted)
        wrong = contact.side != "operator" or found is None or found.side != "operator" or found.id == contact.id
        if found is None or wrong or found.customer_id not in (None, contact.customer_id):
            raise UnknownDeputised(errors=[{"pointer": "/deputy_of", "detail": "an id of another operator contact"}])
        key = found.external_id if found.source == contact.source else None
    changed = contact.deputy_of_id != deputised
    contact.deputy_of_id, contact.deputy_of_key = deputised, key
    return changed
