"""What the gateway asks: what a person may do for a customer, now."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import Gateway
from chassis.db import ReadSession, utc_now
from services.users.models import Customer, User, place_of
from services.users.people import memberships_of

router = APIRouter(prefix="/inner", include_in_schema=False)


class Question(BaseModel):
    """A person, and the customer that is open."""

    user_id: UUID
    customer_id: UUID | None = None


class Authorisation(BaseModel):
    """What counts at this moment; the defaults are nobody's."""

    active: bool = False
    name: str = ""
    username: str = ""
    language: str = "de"
    role: str | None = None
    staff_role: str | None = None
    customer_id: UUID | None = None
    modules: list[str] = []
    time_zone: str = ""
    """Of the open customer."""


@router.post("/authorisation")
async def authorise(body: Question, _who: Gateway, session: ReadSession) -> Authorisation:
    """From the tables, not from a copy."""
    user = await session.get(User, body.user_id)
    place = place_of(await memberships_of(session, body.user_id), body.customer_id, utc_now())
    if user is None or place is None:
        return Authorisation()
    is_staff = place.customer_id is None
    customer = await _if_active(session, body.customer_id) if is_staff else place.customer
    return Authorisation(
        active=True,
        name=user.name,
        username=user.email,
        language=user.language,
        role=place.role,
        staff_role=place.staff_role,
        customer_id=customer.id if customer else None,
        modules=list(place.effective_modules),
        time_zone=customer.time_zone if customer else "",
    )


async def _if_active(session: AsyncSession, customer_id: UUID | None) -> Customer | None:
    found: Customer | None = await session.scalar(select(Customer).where(Customer.id == customer_id, Customer.active))
    return found
