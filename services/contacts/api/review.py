"""What somebody should look at: contacts that nobody has confirmed for a year, and roles that nobody has."""

from fastapi import APIRouter, Request
from sqlalchemy import select

from chassis.db import ReadSession, Transactions
from chassis.errors import NoCustomerChosen, problems
from services.contacts.api.bodies import ContactOut, ReviewOut, RoleOut
from services.contacts.api.contacts import Reader
from services.contacts.api.rows import note_look, rows, settings_of
from services.contacts.filing.lookups import visible_to
from services.contacts.models import Contact
from services.contacts.roles import ROLES, SENSITIVE, name_of

router = APIRouter(prefix="/contacts", tags=["contacts"])

MOST = 2000
MOST_SHOWN = 200


@router.get("/review", responses=problems(NoCustomerChosen))
async def get_review(request: Request, reader: Reader, session: ReadSession, transactions: Transactions) -> ReviewOut:
    """The customer's own contacts that are due, longest due first, and the gaps among the roles."""
    await note_look(transactions, reader, "contacts_listed")
    own = select(Contact).where(Contact.side == "customer", *visible_to(reader.customer_id))
    found = (await session.scalars(own.order_by(Contact.vouched_at, Contact.id).limit(MOST))).all()
    settings = settings_of(request)
    shown = await rows(session, found, reader, settings)
    due = [contact for contact in shown if contact.review_due]
    counted = [_role(role, shown, reader.language) for role in ROLES]
    return ReviewOut(
        review_months=settings.review_months,
        due=due[:MOST_SHOWN],
        due_count=len(due),
        gaps=[role.role for role in counted if not role.contacts],
        roles=counted,
    )


def _role(role: str, contacts: list[ContactOut], language: str) -> RoleOut:
    """Who only would have it once the operator approves does not fill the gap."""
    has = sum(contact.state == "active" and role in contact.roles for contact in contacts)
    waiting = sum(
        contact.pending is not None
        and contact.pending.kind != "remove"
        and role in contact.pending.changes.get("roles", ())
        and not (contact.state == "active" and role in contact.roles)
        for contact in contacts
    )
    return RoleOut(
        role=role,
        name=name_of("customer", role, language),
        sensitive=role in SENSITIVE,
        contacts=has,
        waiting=waiting,
    )
