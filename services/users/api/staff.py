"""`/staff`: the operator's own people, looked after by those of them who are administrators."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from chassis.access import Operator, OperatorSteppedUp
from chassis.db import ReadSession, Session, utc_now
from chassis.errors import Forbidden, PreconditionFailed, PreconditionRequired, StepUpRequired, problems
from chassis.idempotency import OncePerKey
from chassis.identity import Identity
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from chassis.versions import IfMatch, check_version, show_version
from services.users.api.auditing import refusals
from services.users.api.bodies import LEFT_OUT, Body, Day, Email, Language, Name
from services.users.api.rows import InvitationOut
from services.users.audit import audit_line
from services.users.models import AlreadyIn, Deactivated, LastAdmin, Membership, State, UserUnknown
from services.users.people import emit_user, hold_staff, hold_user, invite_operator, keep_an_administrator, rename

router = APIRouter(prefix="/staff")
StaffRole = Literal["agent", "administrator"]


class AdministratorNeeded(Forbidden):
    """Only administrators among the operator's own people can do that."""

    de = "Das kann nur die Administration des Betreibers."


class StaffCreate(Body):
    """Somebody of the operator; the invitation goes out at once."""

    email: Email
    given_name: Name
    family_name: Name
    staff_role: StaffRole
    language: Language = "de"


class StaffUpdate(Body):
    """What may be changed."""

    given_name: Name = LEFT_OUT
    family_name: Name = LEFT_OUT
    language: Language = LEFT_OUT
    staff_role: StaffRole = LEFT_OUT
    expires_on: Day | None = None
    active: bool = LEFT_OUT


class StaffOut(BaseModel):
    """One of the operator's own people."""

    id: UUID
    version: int
    username: str
    given_name: str
    family_name: str
    language: Language
    staff_role: StaffRole
    state: State
    created_at: datetime
    last_login_at: datetime | None
    expires_on: date | None
    invitation: InvitationOut

    @classmethod
    def of(cls, membership: Membership, now: datetime) -> "StaffOut":
        """As colleagues see it."""
        user = membership.user
        return cls(
            id=membership.id,
            version=membership.version,
            username=user.email,
            given_name=membership.given_name or user.given_name,
            family_name=membership.family_name or user.family_name,
            language="en" if (membership.language or user.language) == "en" else "de",
            staff_role=membership.staff_role or "agent",
            state=membership.state(now),
            created_at=membership.created_at,
            last_login_at=membership.shown(user.last_login_at),
            expires_on=membership.expires_on,
            invitation=InvitationOut.of(membership, now),
        )


@router.get("")
async def list_staff(_who: Operator, session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[StaffOut]:
    """The operator's own people in the order they were made."""
    wanted = _staff().order_by(Membership.created_at, Membership.id).limit(limit + 1)
    if cursor:
        wanted = wanted.where(tuple_(Membership.created_at, Membership.id) > tuple_(*key_of(cursor, datetime, UUID)))
    found = (await session.scalars(wanted)).all()
    more = cursor_of(found[limit - 1].created_at, found[limit - 1].id) if len(found) > limit else None
    now = utc_now()
    return Page(items=[StaffOut.of(one, now) for one in found[:limit]], next_cursor=more)


@router.post(
    "",
    status_code=201,
    response_model=StaffOut,
    responses=problems(AdministratorNeeded, AlreadyIn, Deactivated, StepUpRequired),
    dependencies=[refusals("staff_invited", apart=True)],
)
async def invite_staff(
    body: StaffCreate, request: Request, who: OperatorSteppedUp, session: Session, once: OncePerKey
) -> Response:
    """A new row with its invitation; the same address again is sent a new link, and the old one dies."""
    if earlier := await once.earlier(session):
        return earlier
    _require_administrator(who)
    await hold_staff(session)
    company = request.app.state.brand.name
    membership = await invite_operator(session, **body.model_dump(), company=company, by=who.name, actor_id=who.user_id)
    now = utc_now()
    emit(session, audit_line("staff_invited", _apart(who), f"membership/{membership.id}", now))
    return await once.keep(session, StaffOut.of(membership, now), 201)


@router.patch(
    "/{membership_id}",
    responses=problems(
        AdministratorNeeded, UserUnknown, LastAdmin, PreconditionFailed, PreconditionRequired, StepUpRequired
    ),
    dependencies=[refusals("staff_changed", apart=True)],
)
async def change_staff(
    membership_id: UUID,
    body: StaffUpdate,
    who: OperatorSteppedUp,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> StaffOut:
    """Names, language, role, end date, active. One administrator stays."""
    _require_administrator(who)
    await hold_staff(session)
    membership = await _hold_one(session, membership_id)
    check_version(if_match, membership.version)
    now = utc_now()
    changes = body.model_dump(exclude_unset=True)
    taken: dict[str, Any] = {name: changes.get(name) for name in ("active", "expires_on")}
    leaving = membership.leaving(membership.day(now), role=changes.get("staff_role"), **taken)
    await keep_an_administrator(session, membership, leaving)
    names: dict[str, str] = {
        name: changes.pop(name) for name in ("given_name", "family_name", "language") if name in changes
    }
    await rename(session, membership, names)
    for field, value in changes.items():
        setattr(membership, field, value)
    emit(session, membership.changed())
    await emit_user(session, membership.user)
    emit(session, audit_line("staff_changed", _apart(who), f"membership/{membership.id}", now))
    show_version(response, membership.version)
    return StaffOut.of(membership, now)


def _staff() -> Select[Membership]:
    here = select(Membership).where(Membership.customer_id.is_(None), Membership.removed_at.is_(None))
    return here.options(joinedload(Membership.user), joinedload(Membership.customer))


async def _hold_one(session: AsyncSession, membership_id: UUID) -> Membership:
    this = _staff().where(Membership.id == membership_id)
    found = await session.scalar(this)
    if found is None:
        raise UserUnknown
    await hold_user(session, found.user_id)
    held: Membership | None = await session.scalar(
        this.with_for_update(of=Membership).execution_options(populate_existing=True)
    )
    if held is None:
        raise UserUnknown
    return held


def _require_administrator(who: Identity) -> None:
    if who.staff_role != "administrator":
        raise AdministratorNeeded


def _apart(who: Identity) -> Identity:
    """It is no business of the customer whose data happens to be open."""
    return replace(who, cust=None)
