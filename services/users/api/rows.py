"""One person of a company as its admins see them: found, held, and shown."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from chassis.errors import PreconditionFailed
from chassis.identity import Identity
from services.users.api.bodies import Language
from services.users.models import Invitation, Membership, State, UserUnknown
from services.users.people import hold_user


class InvitationOut(BaseModel):
    """What became of the link."""

    state: Invitation
    sent_at: datetime | None
    opened_at: datetime | None
    error: str | None

    @classmethod
    def of(cls, membership: Membership, now: datetime) -> "InvitationOut":
        """As it is now."""
        return cls(
            state=membership.invitation_state(now),
            sent_at=membership.invitation_sent_at,
            opened_at=membership.invitation_opened_at,
            error=membership.invitation_error,
        )


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

    @classmethod
    def of(cls, membership: Membership, now: datetime) -> "UserOut":
        """What this company may see now."""
        user = membership.user
        return cls(
            id=membership.id,
            version=membership.version,
            username=user.email,
            email=user.email,
            given_name=membership.given_name or user.given_name,
            family_name=membership.family_name or user.family_name,
            language="en" if (membership.language or user.language) == "en" else "de",
            role=membership.role,
            modules=list(membership.modules),
            state=membership.state(now),
            created_at=membership.created_at,
            password_set_at=membership.shown(user.password_set_at),
            second_factor_at=membership.shown(user.second_factor_at) if user.has_second_factor else None,
            last_login_at=membership.shown(user.last_login_at),
            expires_on=membership.expires_on,
            invitation=InvitationOut.of(membership, now),
        )


def rows_of(who: Identity) -> Select[Membership]:
    """The people of the open customer.

    Raises:
        NoCustomerChosen: an operator who has opened none.
    """
    here = select(Membership).where(Membership.customer_id == who.customer_id, Membership.removed_at.is_(None))
    return here.options(joinedload(Membership.user), joinedload(Membership.customer))


async def find_row(session: AsyncSession, who: Identity, membership_id: UUID) -> Membership:
    """One of them.

    Raises:
        UserUnknown: nobody, or somebody of another company.
    """
    membership: Membership | None = await session.scalar(rows_of(who).where(Membership.id == membership_id))
    if membership is None:
        raise UserUnknown
    return membership


async def hold_row(session: AsyncSession, who: Identity, membership_id: UUID) -> Membership:
    """One of them with the person, both held until the transaction ends.

    Raises:
        UserUnknown: nobody, or somebody of another company.
        PreconditionFailed: the row went to another person at this moment.
    """
    this = Membership.id == membership_id, Membership.customer_id == who.customer_id
    user_id = await session.scalar(select(Membership.user_id).where(*this))
    if user_id is None:
        raise UserUnknown
    await hold_user(session, user_id)
    membership: Membership | None = await session.scalar(rows_of(who).where(*this).with_for_update(of=Membership))
    if membership is None:
        raise UserUnknown
    if membership.user_id != user_id:
        raise PreconditionFailed
    return membership
