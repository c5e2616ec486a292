"""What the operator's staff sees and decides: mails that did not go out, dead letters, health."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import func, select

from chassis.access import Operator
from chassis.db import ReadSession
from chassis.dead_letters import add_dead_letters, count_buried
from chassis.failed_mails import add_failed_mails
from chassis.postman import FAILED
from services.auth.audit import operator_line
from services.auth.models import Customer, MailRow

router = APIRouter(prefix="/auth/operator", tags=["operator"])


class CustomerMailsOut(BaseModel):
    """Welcome mails to one customer's people that failed; without a customer: all other mails of `auth`."""

    customer_id: UUID | None
    customer_number: str | None
    customer_name: str | None
    failed_mails: int
    last_failed_at: datetime | None


class HealthOut(BaseModel):
    """How the mails are."""

    customers: list[CustomerMailsOut]
    failed_mails: int
    waiting_mails: int
    oldest_waiting_at: datetime | None
    dead_letters: int


@router.get("/health")
async def get_health(_operator: Operator, session: ReadSession) -> HealthOut:
    """Failed mails by customer, the latest failure first, and how much waits."""
    text = MailRow.words["customer_id"].as_string().label("customer_id")
    failed = select(text, MailRow.settled_at).where(MailRow.state.in_(FAILED)).subquery()
    latest = func.max(failed.c.settled_at)
    counted = select(failed.c.customer_id, func.count(), latest).group_by(failed.c.customer_id).order_by(latest.desc())
    piles = [(UUID(of) if of else None, count, at) for of, count, at in await session.execute(counted)]
    named = select(Customer).where(Customer.customer_id.in_([of for of, _, _ in piles if of]))
    known = {customer.customer_id: customer for customer in await session.scalars(named)}
    queued = select(func.count(), func.min(MailRow.created_at)).where(MailRow.state == "queued")
    waiting, oldest = (await session.execute(queued)).one()
    return HealthOut(
        customers=[
            CustomerMailsOut(
                customer_id=of,
                customer_number=known[of].number if of in known else None,
                customer_name=known[of].name if of in known else None,
                failed_mails=count,
                last_failed_at=at,
            )
            for of, count, at in piles
        ],
        failed_mails=sum(count for _, count, _ in piles),
        waiting_mails=waiting,
        oldest_waiting_at=oldest,
        dead_letters=await count_buried(session),
    )


add_dead_letters(router, operator_line)
add_failed_mails(router, MailRow, operator_line, customer_of=lambda row: row.customer_id)
