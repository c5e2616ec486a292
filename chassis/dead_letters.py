"""What a service's operators see of events that were given up, and decide about them."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import load_only

from chassis.access import Operator
from chassis.db import ReadSession, Session, utc_now
from chassis.errors import Conflict, NotFound, problems
from chassis.identity import Identity
from chassis.inbox import FailedEvent, drop, try_again
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from events.base import AuditRecorded

AuditLine = Callable[[str, Identity, str | None, datetime], AuditRecorded]
LetterId = Annotated[int, Path(ge=1, lt=2**63)]


class RecordNotFound(NotFound):
    """No record of this id is known."""

    de = "Zu dieser Kennung ist kein Datensatz bekannt."


class RecordSettled(Conflict):
    """This record is settled; there is nothing left to do."""

    de = "Dieser Datensatz ist erledigt; es ist nichts mehr zu tun."


UNSETTLED = problems(RecordNotFound, RecordSettled)
"""What every decision about a record may answer."""


class DeadLetterOut(BaseModel):
    """An event that was given up."""

    id: int
    subject: str
    reason: str
    detail: str
    attempts: int
    received_at: datetime

    @classmethod
    def of(cls, failed: FailedEvent) -> "DeadLetterOut":
        """Without its bytes."""
        return cls(**{name: getattr(failed, name) for name in cls.model_fields})


def add_dead_letters(router: APIRouter, audit_line: AuditLine) -> None:
    """``/dead-letters`` with retry and drop, below the router of a service's operators."""

    @router.get("/dead-letters")
    async def list_dead_letters(
        _operator: Operator, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[DeadLetterOut]:
        """Events that were given up, newest first."""
        shown_columns = load_only(*(getattr(FailedEvent, name) for name in DeadLetterOut.model_fields))
        buried = select(FailedEvent).options(shown_columns).where(FailedEvent.state == "buried")
        if cursor:
            (before,) = key_of(cursor, int)
            buried = buried.where(FailedEvent.id < min(before, 2**63 - 1))
        found = (await session.scalars(buried.order_by(FailedEvent.id.desc()).limit(limit + 1))).all()
        shown = found[:limit]
        more = cursor_of(shown[-1].id) if len(found) > limit else None
        return Page(items=[DeadLetterOut.of(one) for one in shown], next_cursor=more)

    @router.post("/dead-letters/{letter_id}/retry", status_code=202, responses=UNSETTLED)
    async def retry_dead_letter(letter_id: LetterId, operator: Operator, session: Session) -> None:
        """Handled anew within a second."""
        await try_again(session, await buried_event(session, FailedEvent.id == letter_id))
        emit(session, audit_line("dead_letter_retried", operator, f"dead_letter/{letter_id}", utc_now()))

    @router.post("/dead-letters/{letter_id}/drop", status_code=204, responses=UNSETTLED)
    async def drop_dead_letter(letter_id: LetterId, operator: Operator, session: Session) -> None:
        """Nobody needs it; its bytes stay in the stream of dead letters for as long as that keeps them."""
        drop(await buried_event(session, FailedEvent.id == letter_id))
        emit(session, audit_line("dead_letter_dropped", operator, f"dead_letter/{letter_id}", utc_now()))


async def buried_event(session: AsyncSession, condition: ColumnElement[bool]) -> FailedEvent:
    """The one, held.

    Raises:
        RecordNotFound: there is none.
        RecordSettled: it is not given up, or no more.
    """
    failed = await session.scalar(select(FailedEvent).where(condition).with_for_update())
    if failed is None:
        raise RecordNotFound
    if failed.state != "buried":
        raise RecordSettled(failed_id=failed.id, state=failed.state)
    return failed


async def count_buried(session: AsyncSession) -> int:
    """How many dead letters wait for a decision."""
    buried = select(func.count()).select_from(FailedEvent).where(FailedEvent.state == "buried")
    return await session.scalar(buried) or 0
