"""What became of each feed record, for the operator."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.feeds import NoteBase, reasons_of
from events.base import InvalidEvent
from services.contracts.models import FeedRecord

State = Literal["filed", "outdated", "parked", "refused", "dropped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a record."""

    state: State
    contract_id: UUID | None = None
    reasons: tuple[dict[str, str], ...] = ()


class Note(NoteBase):
    """The line about one feed record that the operator can read."""

    async def write(self, session: AsyncSession, outcome: Outcome, **fields: Any) -> None:
        """Write it, or bring it up to date."""
        await self.put(session, FeedRecord, outcome, **fields)


def refusal(invalid: InvalidEvent) -> Outcome:
    """An invalid record as an outcome."""
    return Outcome("refused", reasons=reasons_of(invalid))
