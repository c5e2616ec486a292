"""Tells the current state of all lines again, for listeners that lost something (`portalctl republish`)."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.outbox import emit
from services.metrics.models import Line

AT_ONCE = 1000


async def republish(session: AsyncSession) -> int:
    """One changed event for each line whose customer is known, with its version; returns how many."""
    count, last = 0, 0
    while True:
        page = select(Line).where(Line.customer_id.is_not(None), Line.number > last).order_by(Line.number)
        lines = (await session.scalars(page.limit(AT_ONCE))).all()
        if not lines:
            return count
        for line in lines:
            emit(session, line.changed())
        count, last = count + len(lines), lines[-1].number
        await session.flush()
        session.expunge_all()
