"""Removes what has had its time: used tickets, old counters, history beyond what is kept."""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database, utc_now
from services.auth.models import CounterRow, Device, MailRow, SignIn, Ticket, UserSession

_EVERY = timedelta(hours=1)
_COUNTERS_KEPT = timedelta(days=30)
"""Longer than any window; ten wrong codes in a row still count after a holiday of this length."""


async def tidy_for_ever(database: Database, kept: timedelta) -> None:
    """Once an hour; any number of processes may do it."""
    while True:
        async with database.transaction() as session:
            await tidy(session, kept, utc_now())
        await asyncio.sleep(_EVERY.total_seconds())


async def tidy(session: AsyncSession, kept: timedelta, now: datetime) -> None:
    """One round."""
    await session.execute(delete(Ticket).where(Ticket.expires_at < now - timedelta(days=1)))
    await session.execute(delete(Device).where(Device.expires_at < now))
    await session.execute(
        delete(CounterRow).where(CounterRow.updated_at < now - _COUNTERS_KEPT, CounterRow.failures_in_a_row == 0)
    )
    await session.execute(delete(UserSession).where(UserSession.expires_at < now - kept))
    await session.execute(delete(SignIn).where(SignIn.at < now - kept))
    await session.execute(delete(MailRow).where(MailRow.settled_at < now - kept))
