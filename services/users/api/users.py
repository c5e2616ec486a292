"""`/users`: the company's people. ``id`` is the membership."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import tuple_

from chassis.access import Admin, AdminSteppedUp
from chassis.db import ReadSession, Session, Transactions, utc_now
from chassis.errors import NoCustomerChosen, PreconditionFailed, PreconditionRequired, StepUpRequired, problems
from chassis.idempotency import OncePerKey
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from chassis.versions import IfMatch, check_version, show_version
from services.users.api.auditing import note_look, refusals
from services.users.api.bodies import LEFT_OUT, Body, Day, Email, Language, Modules, Name
from services.users.api.rows import UserOut, find_row, hold_row, rows_of
from services.users.audit import audit_line
from services.users.domains import DomainNotAllowed, require_allowed
from services.users.models import (
    AddressInUse,
    AlreadyIn,
    AlreadyMember,
    Customer,
    CustomerUnknown,
    Deactivated,
    LastAdmin,
    Membership,
    UserUnknown,
)
from services.users.people import Place, Somebody, add_member, correct_address, emit_user, keep_an_admin, rename

router = APIRouter(prefix="/users")
_ONE = problems(UserUnknown, NoCustomerChosen)
_CHANGING = problems(UserUnknown, NoCustomerChosen, LastAdmin, PreconditionFailed, PreconditionRequired, StepUpRequired)


class UserCreate(Body):
    """A new row. There is no password field: everybody sets the own one."""

    email: Email
    given_name: Name
    family_name: Name
    role: Literal["admin", "member"]
    modules: Modules
    language: Language = LEFT_OUT
    expires_on: Day | None = None


class UserUpdate(Body):
    """What may be changed."""

    email: Email = LEFT_OUT
    given_name: Name = LEFT_OUT
    family_name: Name = LEFT_OUT
    language: Language = LEFT_OUT
    role: Literal["admin", "member"] = LEFT_OUT
    modules: Modules = LEFT_OUT
    expires_on: Day | None = None
    active: bool = LEFT_OUT


@router.get("", responses=problems(NoCustomerChosen))
async def list_users(
    who: Admin, session: ReadSession, transactions: Transactions, limit: Limit = 50, cursor: Cursor = None
) -> Page[UserOut]:
    """The company's people in the order they were made."""
    wanted = rows_of(who).order_by(Membership.created_at, Membership.id).limit(limit + 1)
    if cursor:
        after = key_of(cursor, datetime, UUID)
        wanted = wanted.where(tuple_(Membership.created_at, Membership.id) > tuple_(*after))
    await note_look(transactions, who, "users_listed")
    found = (await session.scalars(wanted)).all()
    more = cursor_of(found[limit - 1].created_at, found[limit - 1].id) if len(found) > limit else None
    now = utc_now()
    return Page(items=[UserOut.of(membership, now) for membership in found[:limit]], next_cursor=more)


@router.post(
    "",
    status_code=201,
    response_model=UserOut,
    responses=problems(CustomerUnknown, NoCustomerChosen, AlreadyMember, DomainNotAllowed, StepUpRequired),
    dependencies=[refusals("user_created")],
)
async def create_user(body: UserCreate, who: AdminSteppedUp, session: Session, once: OncePerKey) -> Response:
    """Creating sends nothing. A person known from another company gets a further membership, without a hint."""
    customer_id = who.customer_id
    if earlier := await once.earlier(session):
        return earlier
    customer = await session.get(Customer, customer_id)
    if customer is None:
        raise CustomerUnknown
    require_allowed(body.email, customer.email_domains)
    language: Language = body.language or ("en" if customer.language == "en" else "de")
    somebody = Somebody(body.email, body.given_name, body.family_name, language)
    place = Place(body.role, customer, body.modules, expires_on=body.expires_on)
    membership = await add_member(session, somebody, place)
    emit(session, audit_line("user_created", who, f"membership/{membership.id}", utc_now()))
    return await once.keep(session, UserOut.of(membership, utc_now()), 201)


@router.get("/{membership_id}", responses=_ONE)
async def show_user(
    membership_id: UUID, who: Admin, session: ReadSession, transactions: Transactions, response: Response
) -> UserOut:
    """One row."""
    membership = await find_row(session, who, membership_id)
    await note_look(transactions, who, "user_read", f"membership/{membership.id}")
    show_version(response, membership.version)
    return UserOut.of(membership, utc_now())


@router.post(
    "/{membership_id}/invitation",
    status_code=202,
    responses=_ONE | problems(NoCustomerChosen, AlreadyIn, Deactivated, PreconditionFailed, StepUpRequired),
    dependencies=[refusals("user_invited")],
)
async def invite_user(membership_id: UUID, who: AdminSteppedUp, session: Session) -> UserOut:
    """Send the link, or send it again: a new one, the old one dies."""
    membership = await hold_row(session, who, membership_id)
    company = membership.customer.name if membership.customer else ""
    now = utc_now()
    emit(session, membership.invite(by=who.name, actor_id=who.user_id, company=company, now=now))
    emit(session, audit_line("user_invited", who, f"membership/{membership.id}", now))
    return UserOut.of(membership, now)


@router.patch(
    "/{membership_id}",
    responses=_CHANGING | problems(NoCustomerChosen, LastAdmin, AddressInUse, AlreadyMember, DomainNotAllowed),
    dependencies=[refusals("user_changed")],
)
async def change_user(
    membership_id: UUID,
    body: UserUpdate,
    who: AdminSteppedUp,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> UserOut:
    """Names, language, role, modules, end date, active; the address until the link is used."""
    membership = await hold_row(session, who, membership_id)
    check_version(if_match, membership.version)
    now = utc_now()
    changes = body.model_dump(exclude_unset=True)
    taken = {name: changes.get(name) for name in ("role", "active", "expires_on")}
    await keep_an_admin(session, membership, membership.leaving(membership.day(now), **taken))
    if "email" in changes:
        if membership.customer:
            require_allowed(changes["email"], membership.customer.email_domains)
        await correct_address(session, membership, changes["email"])
    await rename(session, membership, _some(changes, "given_name", "family_name", "language"))
    for field, value in _some(changes, "role", "modules", "expires_on", "active").items():
        setattr(membership, field, value)
    membership.modules = sorted(set(membership.modules))
    emit(session, membership.changed())
    await emit_user(session, membership.user)
    emit(session, audit_line("user_changed", who, f"membership/{membership.id}", now))
    show_version(response, membership.version)
    return UserOut.of(membership, now)


def _some(changes: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {field: changes[field] for field in fields if field in changes}


@router.delete("/{membership_id}", status_code=204, responses=_CHANGING, dependencies=[refusals("user_removed")])
async def remove_user(membership_id: UUID, who: AdminSteppedUp, session: Session, if_match: IfMatch = None) -> None:
    """The person loses this place and is no longer listed; the audit log keeps what was done."""
    membership = await hold_row(session, who, membership_id)
    check_version(if_match, membership.version)
    now = utc_now()
    await keep_an_admin(session, membership, membership.leaving(membership.day(now), active=False))
    membership.active, membership.removed_at = False, now
    emit(session, membership.changed())
    await emit_user(session, membership.user)
    emit(session, audit_line("user_removed", who, f"membership/{membership.id}", now))
