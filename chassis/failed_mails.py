"""What a service's operators see of mails that did not go out, and decide about them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import Operator
from chassis.audit import AuditLines
from chassis.db import ReadSession, Session, Transactions, utc_now
from chassis.dead_letters import UNSETTLED, RecordNotFound, RecordSettled
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from chassis.postman import FAILED, Row


class FailedMailOut(BaseModel):
    """A mail that the server refused (`refused`), that was given up (`dead`), or that waits (`queued`)."""

    id: UUID
    kind: str
    recipient: str
    language: Literal["de", "en"]
    customer_id: UUID | None
    state: Literal["queued", "refused", "dead"]
    attempts: int
    error: str | None
    created_at: datetime
    next_try_at: datetime
    settled_at: datetime | None


def add_failed_mails(
    router: APIRouter, table: type[Row], audit_line: AuditLines[Any], *, customer_of: Callable[[Row], UUID | None]
) -> None:
    """``/mails`` with retry and drop, below the router of a service's operators."""

    @router.get("/mails")
    async def list_mails(
        operator: Operator,
        session: ReadSession,
        transactions: Transactions,
        state: Literal["queued", "refused", "dead"] | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[FailedMailOut]:
        """Newest first; without `state` those that failed. A look at each customer whose mails they are."""
        shown, more = await _page(session, table, (state,) if state else FAILED, limit, cursor)
        concerned = sorted({customer for row in shown if (customer := customer_of(row))})
        looks = [audit_line("mails_listed", operator, None, utc_now(), customer_id=one) for one in concerned]
        async with transactions() as writing:
            emit(writing, *looks)
        return Page(items=[_out(row, customer_of(row)) for row in shown], next_cursor=more)

    @router.post("/mails/{mail_id}/retry", status_code=202, responses=UNSETTLED)
    async def retry_mail(mail_id: UUID, operator: Operator, session: Session) -> None:
        """Goes out within a second if the mail server takes it now, else as often as a new one."""
        row, now = await _failed(session, table, mail_id), utc_now()
        row.try_again(now)
        emit(session, audit_line("mail_retried", operator, f"mail/{mail_id}", now, customer_id=customer_of(row)))

    @router.post("/mails/{mail_id}/drop", status_code=204, responses=UNSETTLED)
    async def drop_mail(mail_id: UUID, operator: Operator, session: Session) -> None:
        """Nobody needs it any more."""
        row, now = await _failed(session, table, mail_id), utc_now()
        row.settle("dropped", now, row.error)
        emit(session, audit_line("mail_dropped", operator, f"mail/{mail_id}", now, customer_id=customer_of(row)))


async def _page(
    session: AsyncSession, table: type[Row], states: Sequence[str], limit: int, cursor: str | None
) -> tuple[Sequence[Row], str | None]:
    wanted = select(table).where(table.state.in_(states))
    if cursor:
        before = key_of(cursor, datetime, UUID)
        wanted = wanted.where(tuple_(table.created_at, table.id) < tuple_(*before))
    newest = wanted.order_by(table.created_at.desc(), table.id.desc()).limit(limit + 1)
    found = (await session.scalars(newest)).all()
    shown = found[:limit]
    return shown, cursor_of(shown[-1].created_at, shown[-1].id) if len(found) > limit else None


async def _failed(session: AsyncSession, table: type[Row], mail_id: UUID) -> Row:
    row = await session.get(table, mail_id, with_for_update=True)
    if row is None:
        raise RecordNotFound
    if row.state not in FAILED:
        raise RecordSettled(mail_id=str(mail_id), state=row.state)
    return row


def _out(row: Row, customer_id: UUID | None) -> FailedMailOut:
    same = {name: getattr(row, name) for name in FailedMailOut.model_fields if name != "customer_id"}
    return FailedMailOut(**same, customer_id=customer_id)
