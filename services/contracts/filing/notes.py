"""What became of each feed record, for the operator."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import insert_new, utc_now
from events.base import InvalidEvent
from services.contracts.models import FeedRecord

State = Literal["filed", "outdated", "parked", "refused", "dropped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a record."""

    state: State
    contract_id: UUID | None = None
    reasons: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """The line about one feed record that the operator can read."""

    source: str
    event_id: str
    subject: str
    occurred_at: datetime

    async def write(self, session: AsyncSession, outcome: Outcome, **fields: Any) -> None:
        """Write it, or bring it up to date."""
        now = utc_now()
        values = {
            "state": outcome.state,
            "reasons": list(outcome.reasons),
            "contract_id": outcome.contract_id,
            "changed_at": now,
            **fields,
        }
        key = {"source": self.source, "event_id": self.event_id}
        first = {"id": uuid4(), "subject": self.subject, "occurred_at": self.occurred_at, "received_at": now}
        if not await insert_new(session, FeedRecord, **key, **first, **values):
            known: UUID = (await session.scalars(select(FeedRecord.id).filter_by(**key))).one()
            again = update(FeedRecord).where(FeedRecord.id == known).values(**values)
            await session.execute(again.execution_options(synchronize_session=False))


def refusal(invalid: InvalidEvent) -> Outcome:
    """An invalid record as an outcome."""
    detail = invalid.detail[:2000]
    reasons = [{"reason": invalid.reason, "detail": detail, **error} for error in invalid.errors]
    return Outcome("refused", None, tuple(reasons) or ({"reason": invalid.reason, "detail": detail},))
