"""What the gateway asks: what a person may do for a customer, now."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select

from chassis.access import Gateway
from chassis.db import ReadSession
from services.users.models import Customer, Membership, User
from services.users.people import today

router = APIRouter(prefix="/inner", include_in_schema=False)


class Question(BaseModel):
    """A person, and the customer that is open."""

    user_id: UUID
    customer_id: UUID | None = None


class Authorisation(BaseModel):
    """What counts at this moment."""

    active: bool = False
    name: str = ""
    username: str = ""
    language: str = "de"
    role: str | None = None
    staff_role: str | None = None
    customer_id: UUID | None = None
    modules: list[str] = []


@router.post("/authorisation")
async def authorise(body: Question, _who: Gateway, session: ReadSession) -> Authorisation:
    """From the tables, not from a copy."""
    user = await session.get(User, body.user_id)
    theirs = select(Membership).where(Membership.user_id == body.user_id).order_by(Membership.created_at, Membership.id)
    day = today().date()
    living = [membership for membership in await session.scalars(theirs) if membership.counts(day)]
    if user is None or not living:
        return Authorisation()
    known = Authorisation(active=True, name=user.name, username=user.email, language=user.language)
    wanted = {membership.customer_id for membership in living} | {body.customer_id}
    active = set(await session.scalars(select(Customer.id).where(Customer.id.in_(wanted), Customer.active)))
    own = [membership for membership in living if membership.customer_id in active]
    chosen = next((membership for membership in own if membership.customer_id == body.customer_id), None)
    staff = next((membership for membership in living if membership.customer_id is None), None)
    if chosen is None and staff is not None:
        known.role, known.staff_role = "operator", staff.staff_role
        known.customer_id = body.customer_id if body.customer_id in active else None
        return known
    chosen = chosen or next(iter(own), None)
    if chosen is None:
        return Authorisation()
    known.role, known.customer_id, known.modules = chosen.role, chosen.customer_id, list(chosen.modules)
    return known
