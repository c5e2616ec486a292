"""Removes what is older than the settings keep, and makes the next months' partitions ahead; once, rolls up again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database, utc_now
from chassis.logging import log
from services.metrics.rates import STEP_MS
from services.metrics.settings import Settings
from services.metrics.store import partitions
from services.metrics.store.rows import both, is_postgresql, read_plain, write_from
from services.metrics.store.samples import LOWER_TIERS, lock_lines
from services.metrics.store.statements import ROLL_UP_ROLLUPS
from services.metrics.waiting import forget_before

_HALF_DAYS = (43_200, 10_800)
_LINES = both("SELECT number FROM lines WHERE number > $1 ORDER BY number LIMIT 500")


async def tidy_for_ever(database: Database, settings: Settings) -> None:
    """Until cancelled; an outage only means that it is done later."""
    rolled_up = False
    while True:
        try:
            if not rolled_up:
                await roll_up_half_days(database, utc_now())
                rolled_up = True
            await tidy(database, settings, utc_now())
        except Exception as error:
            log.warning("not_tidied", error=repr(error)[:300])
        await asyncio.sleep(settings.tidy_interval.total_seconds())


async def tidy(database: Database, settings: Settings, now: datetime) -> None:
    """Once. Any number of processes may do so at once."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    raw_before = int((midnight - settings.raw_kept).timestamp())
    rollups_before = int((midnight - settings.rollups_kept).timestamp())
    async with database.transaction() as session:
        month = partitions.month_of(int(now.timestamp() * 1000))
        following = partitions.following(month)
        await partitions.ensure(session, (month, following, partitions.following(following)))
    async with database.transaction() as session:
        await forget_before(session, now - settings.waiting_kept)
        if is_postgresql(session):
            dropped = await partitions.drop_before(session, raw_before * 1000)
            log.info("partitions_dropped", names=dropped)
    await remove_before(database, raw_before, rollups_before)


async def roll_up_half_days(database: Database, now: datetime) -> None:
    """Those of the last two days, at the start of a process.

    A version that knew no half days may have run beside this one while it was rolled out (since 0.1; remove in 0.3).
    """
    length, below = _HALF_DAYS
    first, last = (int((now - days).timestamp()) // length for days in (timedelta(days=2), timedelta(0)))

    async def roll_up(session: AsyncSession, number: int) -> None:
        await lock_lines(session, [number])
        await write_from(session, ROLL_UP_ROLLUPS, [(number, below, length // below, first, last)])

    await _for_each_line(database, roll_up)


async def remove_before(database: Database, raw_before: int, rollups_before: int) -> None:
    """Old rows of every line."""

    async def remove(session: AsyncSession, number: int) -> None:
        await _remove_of_line(session, number, raw_before, rollups_before)

    await _for_each_line(database, remove)


async def _for_each_line(database: Database, work: Callable[[AsyncSession, int], Awaitable[None]]) -> None:
    """Each in a transaction of its own, so that samples need not wait long."""
    after = 0
    while True:
        async with database.reading() as session:
            numbers = [number for (number,) in await read_plain(session, _LINES, after)]
        if not numbers:
            return
        for number in numbers:
            async with database.transaction() as session:
                await work(session, number)
        after = numbers[-1]


_REMOVE = (
    both("DELETE FROM counters WHERE line_number = $1 AND at_ms < $2"),
    both("DELETE FROM slots WHERE line_number = $1 AND slot < $2"),
)
_REMOVE_ROLLUPS = both("DELETE FROM rollups WHERE line_number = $1 AND seconds = $2 AND position < $3")


async def _remove_of_line(session: AsyncSession, number: int, raw_before: int, rollups_before: int) -> None:
    if not is_postgresql(session):
        # PostgreSQL drops whole months instead
        await read_plain(session, _REMOVE[0], number, raw_before * 1000)
        await read_plain(session, _REMOVE[1], number, raw_before * 1000 // STEP_MS)
    for seconds, _ in LOWER_TIERS:
        await read_plain(session, _REMOVE_ROLLUPS, number, seconds, rollups_before // seconds)
