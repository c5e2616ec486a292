"""What became of each feed record, for its sender and the operator."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.feeds import NoteBase, reasons_of
from events.base import InvalidEvent
from services.documents.models import FeedRecord, HeldFile

State = Literal["filed", "parked", "conflict", "refused", "dropped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a record."""

    state: State
    document_id: UUID | None = None
    reasons: tuple[dict[str, str], ...] = ()
    waits_for: str | None = None
    waits_key: str | None = None


class Note(NoteBase):
    """The line about one feed record that its sender and the operator can read."""

    async def write(self, session: AsyncSession, outcome: Outcome, **fields: Any) -> UUID:
        """Write it, or bring it up to date; returns its id."""
        record_id, new = await self.put(session, FeedRecord, outcome, **fields)
        if outcome.state == "filed" and not new:
            await session.execute(delete(HeldFile).where(HeldFile.record_id == record_id))
        return record_id


def refusal(invalid: InvalidEvent) -> Outcome:
    """An invalid record as an outcome."""
    return Outcome("refused", reasons=reasons_of(invalid))
