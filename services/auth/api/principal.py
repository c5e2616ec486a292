"""Who is signed in, as the browser app shows it."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.models import Account, Customer, Membership, UserSession, opened
from services.auth.storage.context import Context

_PLACES = select(Membership).where(Membership.user_id == bindparam("whose"))
_ACTIVE = select(Customer).where(Customer.customer_id.in_(bindparam("wanted", expanding=True)), Customer.active)


class UserOut(BaseModel):
    """The person."""

    id: UUID
    username: str
    name: str
    given_name: str
    family_name: str
    language: str


class CustomerOut(BaseModel):
    """A company."""

    id: UUID
    number: str
    name: str


class MembershipOut(BaseModel):
    """A place at a customer, or at the operator (no customer)."""

    id: UUID
    role: str
    staff_role: str | None
    modules: list[str]
    customer: CustomerOut | None


class PrincipalOut(BaseModel):
    """The person, the open customer, and what may be done there."""

    user: UserOut
    customer: CustomerOut | None
    role: str | None
    staff_role: str | None
    modules: list[str]
    memberships: list[MembershipOut]
    expires_at: datetime


async def principal_of(session: AsyncSession, here: Context, account: Account, own: UserSession) -> PrincipalOut:
    """From the projections of `auth`; the gateway asks `users` for what really counts."""
    theirs = list(await session.scalars(_PLACES, {"whose": account.user_id}))
    today = here.now.date()
    holding = [one for one in theirs if one.holds(today)]
    wanted = {one.customer_id for one in holding if one.customer_id} | ({own.customer_id} if own.customer_id else set())
    customers = {one.customer_id: _customer(one) for one in await session.scalars(_ACTIVE, {"wanted": list(wanted)})}
    current = opened(holding, own.customer_id, today)
    customer_id = own.customer_id if current is None or current.customer_id is None else current.customer_id
    return PrincipalOut(
        user=_user(account),
        customer=customers.get(customer_id) if customer_id else None,
        role=current.role if current else None,
        staff_role=current.staff_role if current else None,
        modules=list(current.modules) if current else [],
        memberships=[
            MembershipOut(
                id=one.membership_id,
                role=one.role,
                staff_role=one.staff_role,
                modules=list(one.modules),
                customer=customers.get(one.customer_id) if one.customer_id else None,
            )
            for one in sorted(holding, key=lambda one: one.known_since)
        ],
        expires_at=own.ends_at(here.settings.session_idle),
    )


def _user(account: Account) -> UserOut:
    return UserOut(
        id=account.user_id,
        username=account.email,
        name=account.name,
        given_name=account.given_name,
        family_name=account.family_name,
        language=account.language,
    )


def _customer(row: Customer) -> CustomerOut:
    return CustomerOut(id=row.customer_id, number=row.number, name=row.name)
