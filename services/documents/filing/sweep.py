"""Removes objects that no row knows: what was stored for a transaction that never came."""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import select, union

from chassis.db import Database, utc_now
from chassis.logging import log
from services.documents.models import File, HeldFile
from services.documents.storage import Storage

AT_ONCE = 500


async def sweep_for_ever(database: Database, storage: Storage, *, age: timedelta, every: timedelta) -> None:
    """Until cancelled; an outage of the store only means that it is done later."""
    while True:
        try:
            removed = await sweep(database, storage, stored_before=utc_now() - age)
            log.info("orphans_swept", removed=removed)
        except Exception as error:
            log.warning("orphans_not_swept", error=repr(error)[:300])
        await asyncio.sleep(every.total_seconds())


async def sweep(database: Database, storage: Storage, *, stored_before: datetime) -> int:
    """Remove all orphans that are older; returns how many. Any number of processes may do so at once."""
    removed = 0
    batch: list[str] = []
    async for found in storage.objects():
        if found.stored_at < stored_before:
            batch.append(found.sha256)
        if len(batch) == AT_ONCE:
            removed += await _sweep_batch(database, storage, batch, stored_before)
            batch.clear()
    removed += await _sweep_batch(database, storage, batch, stored_before)
    await storage.clean(stored_before=stored_before)
    return removed


async def _sweep_batch(database: Database, storage: Storage, batch: list[str], stored_before: datetime) -> int:
    in_use = union(
        select(File.sha256).where(File.sha256.in_(batch)), select(HeldFile.sha256).where(HeldFile.sha256.in_(batch))
    )
    async with database.reading() as session:
        known = set((await session.scalars(in_use)).all())
    orphans = [sha256 for sha256 in batch if sha256 not in known]
    for sha256 in orphans:
        await storage.delete(sha256, stored_before=stored_before)
    return len(orphans)
