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
from services.users.audit import audit_line
from services.users.models import Customer, MailRow

router = APIRouter(prefix="/users/operator", tags=["operator"])


class CustomerMailsOut(BaseModel):
    """Mails to one customer's people and contacts, or to the operator's own (no customer), that failed."""

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
    failed = (
        select(MailRow.customer_id, Customer.number, Customer.name, func.count(), func.max(MailRow.settled_at))
        .outerjoin(Customer, Customer.id == MailRow.customer_id)
        .where(MailRow.state.in_(FAILED))
        .group_by(MailRow.customer_id, Customer.number, Customer.name)
        .order_by(func.max(MailRow.settled_at).desc())
    )
    customers = [
        CustomerMailsOut(
            customer_id=customer_id, customer_number=number, customer_name=name, failed_mails=count, last_failed_at=at
        )
        for customer_id, number, name, count, at in await session.execute(failed)
    ]
    queued = select(func.count(), func.min(MailRow.created_at)).where(MailRow.state == "queued")
    waiting, oldest = (await session.execute(queued)).one()
    return HealthOut(
        customers=customers,
        failed_mails=sum(one.failed_mails for one in customers),
        waiting_mails=waiting,
        oldest_waiting_at=oldest,
        dead_letters=await count_buried(session),
    )


add_dead_letters(router, audit_line)
add_failed_mails(router, MailRow, audit_line, customer_of=lambda row: row.customer_id)
