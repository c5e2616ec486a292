"""Empties the trash in time, and removes bytes that no row points to any more. Killed anywhere, it goes on later."""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from chassis.db import Database, utc_now
from chassis.logging import log
from services.documents.drive.changes import purge
from services.documents.models import DoomedObject, DriveEntry, EntryNotFound
from services.documents.storage import AppendStore

AT_ONCE = 100


async def tidy_drives_for_ever(database: Database, store: AppendStore, *, kept: timedelta, every: timedelta) -> None:
    """Until cancelled; an outage of the store only means that it is done later."""
    while True:
        try:
            emptied = await empty_trash(database, thrown_before=utc_now() - kept)
            removed = await remove_doomed(database, store)
            if emptied or removed:
                log.info("drives_tidied", emptied=emptied, removed=removed)
        except Exception as error:
            log.warning("drives_not_tidied", error=repr(error)[:300])
        await asyncio.sleep(every.total_seconds())


async def empty_trash(database: Database, *, thrown_before: datetime) -> int:
    """Purge what was thrown away before then; how many. Each in a transaction of its own, by any number at once."""
    old = select(DriveEntry.id, DriveEntry.customer_id).where(
        DriveEntry.trash_id == DriveEntry.id, DriveEntry.trashed_at < thrown_before
    )
    async with database.reading() as session:
        found = (await session.execute(old.limit(AT_ONCE))).all()
    purged = 0
    for entry_id, customer_id in found:
        try:
            async with database.transaction() as session:
                await purge(session, customer_id, entry_id, now=utc_now())
            purged += 1
        except EntryNotFound:
            continue  # somebody was faster, or took it back
    return purged


async def remove_doomed(database: Database, store: AppendStore) -> int:
    """First the bytes, then the note of them; how many."""
    async with database.reading() as session:
        doomed = (await session.scalars(select(DoomedObject).limit(AT_ONCE))).all()
    for one in doomed:
        await store.remove(one.object_key, one.storage_state)
        async with database.transaction() as session:
            await session.execute(delete(DoomedObject).where(DoomedObject.object_key == one.object_key))
    return len(doomed)
