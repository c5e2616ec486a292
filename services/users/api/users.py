"""`/users`: the company's people. ``id`` is the membership."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field
from sqlalchemy import Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from chassis.access import Admin, AdminSteppedUp
from chassis.db import ReadSession, Session, utc_now
from chassis.errors import NoCustomerChosen, PreconditionFailed, PreconditionRequired, StepUpRequired, problems
from chassis.idempotency import OncePerKey
from chassis.identity import Identity
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from events.users import UsersAuditRecorded
from services.users.api.bodies import Body, Email, Language, Module, Name
from services.users.api.customers import check_version
from services.users.models import (
    MODULES,
    AddressInUse,
    AlreadyIn,
    AlreadyMember,
    Customer,
    LastAdmin,
    Membership,
    State,
    User,
    UserUnknown,
)
from services.users.people import add_membership, find_or_add_user, keep_an_admin, today, user_changed

router = APIRouter(prefix="/users")
Modules = Annotated[list[Module], Field(max_length=len(MODULES))]


class InvitationOut(BaseModel):
    """What became of the link."""

    state: Literal["none", "sent", "refused", "opened", "expired", "used"]
    sent_at: datetime | None
    opened_at: datetime | None
    error: str | None


class UserOut(BaseModel):
    """One row."""

    id: UUID
    version: int
    username: str
    email: str
    given_name: str
    family_name: str
    language: Language
    role: Literal["admin", "member", "operator"]
    modules: list[str]
    state: State
    created_at: datetime
    password_set_at: datetime | None
    second_factor_at: datetime | None
    last_login_at: datetime | None
    expires_on: date | None
    invitation: InvitationOut


class UserCreate(Body):
    """A new row. There is no password field: everybody sets the own one."""

    email: Email
    given_name: Name
    family_name: Name
    role: Literal["admin", "member"]
    modules: Modules
    language: Language | None = None
    expires_on: Annotated[date | None, Field(strict=False)] = None


class UserUpdate(Body):
    """What may be changed."""

    email: Email | None = None
    given_name: Name | None = None
    family_name: Name | None = None
    language: Language | None = None
    role: Literal["admin", "member"] | None = None
    modules: Modules | None = None
    expires_on: Annotated[date | None, Field(strict=False)] = None
    active: bool | None = None


_CHANGING = problems(UserUnknown, NoCustomerChosen, LastAdmin, AddressInUse, PreconditionFailed, PreconditionRequired)


@router.get("", responses=problems(NoCustomerChosen))
async def list_users(who: Admin, session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[UserOut]:
    """The company's people in the order they were made."""
    wanted = _rows(who).order_by(Membership.created_at, Membership.id).limit(limit + 1)
    if cursor:
        after = key_of(cursor, datetime, UUID)
        wanted = wanted.where(tuple_(Membership.created_at, Membership.id) > tuple_(*after))
    found = (await session.scalars(wanted)).all()
    more = cursor_of(found[limit - 1].created_at, found[limit - 1].id) if len(found) > limit else None
    return Page(items=[_out(membership) for membership in found[:limit]], next_cursor=more)


@router.post(
    "", status_code=201, response_model=UserOut, responses=problems(NoCustomerChosen, AlreadyMember, StepUpRequired)
)
async def create_user(body: UserCreate, who: AdminSteppedUp, session: Session, once: OncePerKey) -> Response:
    """Creating sends nothing. A person known from another company gets a further membership, without a hint."""
    customer_id = who.customer_id
    if earlier := await once.earlier(session):
        return earlier
    customer = await session.get(Customer, customer_id)
    language = body.language or (customer.language if customer else "de")
    user = await find_or_add_user(
        session, email=body.email, given_name=body.given_name, family_name=body.family_name, language=language
    )
    membership = await add_membership(
        session,
        user,
        customer_id=customer_id,
        role=body.role,
        modules=sorted(set(body.modules)),
        expires_on=body.expires_on,
    )
    emit(session, audit("user_created", who, membership.id))
    return await once.keep(session, _out(membership), 201)


@router.get("/{membership_id}", responses=problems(UserUnknown, NoCustomerChosen))
async def show_user(membership_id: UUID, who: Admin, session: ReadSession, response: Response) -> UserOut:
    """One row."""
    membership = await _row(session, who, membership_id)
    response.headers["ETag"] = f'"{membership.version}"'
    return _out(membership)


@router.post(
    "/{membership_id}/invitation",
    status_code=202,
    responses=problems(UserUnknown, NoCustomerChosen, AlreadyIn, StepUpRequired),
)
async def invite_user(membership_id: UUID, who: AdminSteppedUp, session: Session) -> UserOut:
    """Send the link, or send it again: a new one, the old one dies."""
    membership = await _row(session, who, membership_id, lock=True)
    customer = await session.get(Customer, membership.customer_id)
    company = customer.name if customer else ""
    emit(session, membership.invite(by=who.name, actor_id=who.user_id, company=company, now=utc_now()))
    emit(session, audit("user_invited", who, membership.id))
    return _out(membership)


@router.patch("/{membership_id}", responses=_CHANGING | problems(StepUpRequired))
async def change_user(
    membership_id: UUID,
    body: UserUpdate,
    who: AdminSteppedUp,
    session: Session,
    if_match: Annotated[str | None, Header(max_length=40)] = None,
) -> UserOut:
    """Names, language, role, modules, end date, active; the address until the link is used."""
    membership = await _row(session, who, membership_id, lock=True)
    check_version(if_match, membership.version)
    changes = body.model_dump(exclude_unset=True)
    if changes.get("role") == "member" or changes.get("active") is False or changes.get("expires_on"):
        await keep_an_admin(session, membership)
    if "email" in changes:
        await _correct_address(session, membership, changes.pop("email"))
    for field, value in changes.items():
        owner = membership.user if field in ("given_name", "family_name", "language") else membership
        setattr(owner, field, value)
    emit(session, membership.changed(), await user_changed(session, membership.user))
    emit(session, audit("user_changed", who, membership.id))
    return _out(membership)


@router.delete("/{membership_id}", status_code=204, responses=_CHANGING | problems(StepUpRequired))
async def remove_user(
    membership_id: UUID,
    who: AdminSteppedUp,
    session: Session,
    if_match: Annotated[str | None, Header(max_length=40)] = None,
) -> None:
    """The person loses this place; the audit log keeps what was done."""
    membership = await _row(session, who, membership_id, lock=True)
    check_version(if_match, membership.version)
    await keep_an_admin(session, membership)
    membership.active = False
    emit(session, membership.changed(), await user_changed(session, membership.user))
    emit(session, audit("user_removed", who, membership.id))


def audit(what: str, who: Identity, on: UUID) -> UsersAuditRecorded:
    """A line about what was just done."""
    return UsersAuditRecorded(
        what=what,
        result="done",
        actor_id=who.user_id,
        customer_id=UUID(who.cust) if who.cust else None,
        on=f"membership/{on}",
        address=who.ip,
        request_id=who.rid,
        occurred_at=utc_now(),
    )


async def _correct_address(session: AsyncSession, membership: Membership, email: str) -> None:
    user = membership.user
    if user.password_set_at is not None:
        raise AddressInUse
    taken = await session.scalar(
        select(Membership.id).where(Membership.user_id == user.id, Membership.id != membership.id)
    )
    key = email.casefold()
    if taken is not None or (key != user.email_key and await _known(session, key)):
        raise AddressInUse
    user.email, user.email_key = email, key


async def _known(session: AsyncSession, key: str) -> bool:
    return await session.scalar(select(User.id).where(User.email_key == key)) is not None


def _rows(who: Identity) -> Select[Membership]:
    return select(Membership).where(Membership.customer_id == who.customer_id).options(joinedload(Membership.user))


async def _row(session: AsyncSession, who: Identity, membership_id: UUID, *, lock: bool = False) -> Membership:
    wanted = _rows(who).where(Membership.id == membership_id)
    if lock:
        wanted = wanted.with_for_update(of=Membership)
    membership: Membership | None = await session.scalar(wanted)
    if membership is None:
        raise UserUnknown
    return membership


def _out(membership: Membership) -> UserOut:
    user = membership.user
    return UserOut(
        id=membership.id,
        version=membership.version,
        username=user.email,
        email=user.email,
        given_name=user.given_name,
        family_name=user.family_name,
        language="en" if user.language == "en" else "de",
        role=membership.role,
        modules=list(membership.modules),
        state=membership.state(today().date()),
        created_at=membership.created_at,
        password_set_at=user.password_set_at,
        second_factor_at=user.second_factor_at,
        last_login_at=user.last_login_at,
        expires_on=membership.expires_on,
        invitation=InvitationOut(
            state=membership.invitation_state(utc_now()),
            sent_at=membership.invitation_sent_at,
            opened_at=membership.invitation_opened_at,
            error=membership.invitation_error,
        ),
    )
