"""`/users/access-matrix`, `/users/review`, `/users/rules`: who may see what, who has checked it, whom one may add."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import spreadsheet
from chassis.access import Admin
from chassis.db import ReadSession, Session, Transactions, utc_now
from chassis.errors import NoCustomerChosen, problems
from chassis.outbox import emit
from services.users.api.audit import CSV_ANSWER
from services.users.api.auditing import note_look
from services.users.api.rows import rows_of
from services.users.audit import audit_line
from services.users.models import MODULES, AccessReview, Customer, CustomerUnknown, Membership

router = APIRouter(prefix="/users")
QUARTER = timedelta(days=92)


class AccessOut(BaseModel):
    """What one person may see."""

    id: UUID
    name: str
    email: str
    role: str
    state: str
    modules: list[str] = Field(description="an admin's are all")


class ReviewOut(BaseModel):
    """Somebody has checked it."""

    reviewed_at: datetime
    reviewed_by: str


class MatrixOut(BaseModel):
    """Everybody who can get in or is invited; who is deactivated sees nothing."""

    modules: list[str]
    people: list[AccessOut]
    last_review: ReviewOut | None
    review_due: bool


class RulesOut(BaseModel):
    """What holds for new rows."""

    email_domains: list[str] = Field(description="empty: every address")


@router.get("/access-matrix", responses=problems(NoCustomerChosen))
async def show_access_matrix(who: Admin, session: ReadSession, transactions: Transactions) -> MatrixOut:
    """Who may see what, by name."""
    customer_id, now = who.customer_id, utc_now()
    await note_look(transactions, who, "access_matrix_read")
    found = await session.scalars(rows_of(who).order_by(Membership.created_at, Membership.id))
    people = [
        AccessOut(
            id=one.id,
            name=f"{one.given_name or one.user.given_name} {one.family_name or one.user.family_name}",
            email=one.user.email,
            role=one.role,
            state=one.state(now),
            modules=[name for name in MODULES if name in one.effective_modules],
        )
        for one in found
        if one.counts(now)
    ]
    people.sort(key=lambda one: (one.name.casefold(), one.email))
    last = await _last_review(session, customer_id)
    return MatrixOut(
        modules=list(MODULES),
        people=people,
        last_review=last and ReviewOut(reviewed_at=last.reviewed_at, reviewed_by=last.name),
        review_due=last is None or last.reviewed_at < now - QUARTER,
    )


@router.get("/access-matrix.csv", response_class=Response, responses=CSV_ANSWER | problems(NoCustomerChosen))
async def export_access_matrix(who: Admin, session: ReadSession, transactions: Transactions) -> Response:
    """The same for a spreadsheet: a line for each person, a column for each app."""
    matrix = await show_access_matrix(who, session, transactions)
    head = ("name", "email", "role", "state", *matrix.modules)
    lines = [
        (one.name, one.email, one.role, one.state, *("x" if name in one.modules else "" for name in matrix.modules))
        for one in matrix.people
    ]
    names = {"Content-Disposition": 'attachment; filename="access.csv"', "Cache-Control": "no-store"}
    return Response(spreadsheet.table(head, lines), media_type=spreadsheet.MEDIA_TYPE, headers=names)


@router.post("/review", status_code=201, responses=problems(NoCustomerChosen))
async def note_review(who: Admin, session: Session) -> ReviewOut:
    """Checked: everybody who is listed still needs what they see. With name and date, and a line in the log."""
    review = AccessReview(
        id=uuid4(), customer_id=who.customer_id, user_id=who.user_id, name=who.name, reviewed_at=utc_now()
    )
    session.add(review)
    emit(session, audit_line("access_reviewed", who, f"review/{review.id}", review.reviewed_at))
    return ReviewOut(reviewed_at=review.reviewed_at, reviewed_by=review.name)


@router.get("/rules", responses=problems(NoCustomerChosen, CustomerUnknown))
async def show_rules(who: Admin, session: ReadSession) -> RulesOut:
    """Said before anybody types: whose addresses the company takes."""
    customer = await session.get(Customer, who.customer_id)
    if customer is None:
        raise CustomerUnknown
    return RulesOut(email_domains=list(customer.email_domains))


async def _last_review(session: AsyncSession, customer_id: UUID) -> AccessReview | None:
    theirs = select(AccessReview).where(AccessReview.customer_id == customer_id)
    found: AccessReview | None = await session.scalar(theirs.order_by(AccessReview.reviewed_at.desc()).limit(1))
    return found
