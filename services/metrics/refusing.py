"""Refused samples are counted by source and reason, with the newest as an example for the operator."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import utc_now
from events.base import uuid7
from services.metrics.models import Refusal
from services.metrics.store.rows import is_postgresql


async def note_refused(
    session: AsyncSession, source: str, event_id: str, counts: Mapping[str, int], examples: Mapping[str, Any]
) -> None:
    """Add these numbers by reason. One statement each, no race; always in one order, so no deadlock."""
    insert = (postgresql if is_postgresql(session) else sqlite).insert(Refusal)
    now = utc_now()
    for reason, count in sorted(counts.items()):
        values = {
            "source": source,
            "reason": reason[:64],
            "samples": count,
            "event_id": event_id,
            "example": {"sample": shown(examples.get(reason))},
            "last_at": now,
        }
        newest = {name: insert.excluded[name] for name in ("event_id", "example", "last_at")}
        more = insert.values(id=uuid7(), first_at=now, **values).on_conflict_do_update(
            index_elements=["source", "reason"], set_={"samples": Refusal.samples + insert.excluded.samples, **newest}
        )
        await session.execute(more)


def shown(raw: Any) -> str | None:
    """Whatever came, as a short text that every database takes."""
    if raw is None:
        return None
    try:
        return ascii(raw)[:300]
    except ValueError:  # an integer with thousands of digits
        return "an enormous number"
