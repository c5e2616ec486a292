"""Changes of sensitive roles wait here for the operator's staff."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from sqlalchemy import and_, or_, select

from chassis.access import Operator
from chassis.db import ReadSession, Session, Transactions, utc_now
from chassis.errors import problems
from chassis.identity import Identity
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from services.contacts.api.bodies import ApprovalDecision, ApprovalOut
from services.contacts.api.rows import settings_of
from services.contacts.audit import audit_line
from services.contacts.editing import Editor, decide
from services.contacts.models import AlreadyDecided, Approval, ApprovalNotFound, Contact, Customer, InvalidContact

router = APIRouter(prefix="/contacts/approvals", tags=["contacts"])


@router.get("")
async def list_approvals(
    operator: Operator,
    session: ReadSession,
    transactions: Transactions,
    state: Literal["pending", "approved", "rejected", "withdrawn"] = "pending",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ApprovalOut]:
    """All customers', oldest first; `state` shows also what was decided."""
    wanted = (
        select(Approval, Contact, Customer)
        .join(Contact, Contact.id == Approval.contact_id)
        .outerjoin(Customer, Customer.id == Approval.customer_id)
        .where(Approval.state == state)
    )
    if cursor:
        at, last = key_of(cursor, datetime, UUID)
        same_moment = and_(Approval.requested_at == at, Approval.id > last)
        wanted = wanted.where(or_(Approval.requested_at > at, same_moment))
    page = wanted.order_by(Approval.requested_at, Approval.id).limit(limit + 1)
    found = (await session.execute(page)).all()
    shown = found[:limit]
    await note_looks(transactions, operator, "approvals_listed", {approval.customer_id for approval, _, _ in shown})
    more = cursor_of(shown[-1][0].requested_at, shown[-1][0].id) if len(found) > limit else None
    return Page(items=[_out(*one) for one in shown], next_cursor=more)


@router.post("/{approval_id}", responses=problems(ApprovalNotFound, AlreadyDecided, InvalidContact))
async def decide_approval(
    approval_id: UUID, body: ApprovalDecision, operator: Operator, request: Request, session: Session
) -> ApprovalOut:
    """Approve, and the change is in force at once; or reject, and the old value stays. The customer sees the reason."""
    known = await session.get(Approval, approval_id)
    if known is None:
        raise ApprovalNotFound(approval_id=str(approval_id))
    # contact first, as everywhere, so that nobody waits for each other in a circle
    contact = await session.get_one(Contact, known.contact_id, with_for_update=True, populate_existing=True)
    approval = await session.get_one(Approval, approval_id, with_for_update=True, populate_existing=True)
    if approval.state != "pending" or contact.removed_at is not None:
        raise AlreadyDecided(approval_id=str(approval_id), state=approval.state)
    current = _values(contact) if approval.kind != "create" else None
    editor = Editor(operator, utc_now(), settings_of(request).country_code)
    await decide(session, contact, approval, editor, approve=body.approve, reason=body.reason)
    what = "contact_change_approved" if body.approve else "contact_change_rejected"
    line = audit_line(what, operator, f"contact/{contact.id}", editor.now, customer_id=approval.customer_id)
    emit(session, line)
    customer = await session.get(Customer, approval.customer_id)
    return _out(approval, contact, customer).model_copy(update={"current": current})


async def note_looks(transactions: Transactions, who: Identity, what: str, customers: set[UUID]) -> None:
    """A list over several customers is a look at each of them."""
    if customers:
        async with transactions() as session:
            lines = [audit_line(what, who, None, utc_now(), customer_id=one) for one in sorted(customers)]
            emit(session, *lines)


def _values(contact: Contact) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in contact.values().items()}


def _out(approval: Approval, contact: Contact, customer: Customer | None) -> ApprovalOut:
    same = {name: getattr(approval, name) for name in ApprovalOut.model_fields if hasattr(approval, name)}
    return ApprovalOut(
        **same,
        customer_number=customer.number if customer else None,
        customer_name=customer.name if customer else None,
        current=None if approval.kind == "create" else _values(contact),
    )
