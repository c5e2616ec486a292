"""Removes objects that no row knows: what was stored for a transaction that never came.

Only from times in which this database was in use (`Life`): after a restore, what was stored between the backup and
the loss belongs to rows that the database has forgotten, and stays for `portalctl heal` to name.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select, union, update

from chassis.db import Database, insert_new, utc_now
from chassis.logging import log
from services.documents.models import DoomedObject, DriveUpload, DriveVersion, File, HeldFile, Life
from services.documents.storage import AppendStore, Storage

AT_ONCE = 500
BEAT = timedelta(minutes=1)
"""How often it is noted that the database is in use."""


async def sweep_for_ever(database: Database, storage: Storage, *, age: timedelta, every: timedelta) -> None:
    """Until cancelled; an outage of the store only means that it is done later."""
    while True:
        try:
            before = utc_now() - age
            removed = await sweep(database, storage, stored_before=before)
            appended = await sweep_appended(database, storage.appended, stored_before=before)
            log.info("orphans_swept", removed=removed, appended=appended)
        except Exception as error:
            log.warning("orphans_not_swept", error=repr(error)[:300])
        await asyncio.sleep(every.total_seconds())


async def live_for_ever(database: Database, *, beat: timedelta) -> None:
    """Until cancelled."""
    while True:
        try:
            await live_on(database, utc_now(), beat=beat)
        except Exception as error:
            log.warning("life_not_noted", error=repr(error)[:300])
        await asyncio.sleep(beat.total_seconds())


async def live_on(database: Database, now: datetime, *, beat: timedelta = BEAT) -> None:
    """Note that the database is in use, for two beats ahead; after a longer break it is another life."""
    async with database.transaction() as session:
        newest = await session.scalar(select(Life.began_at).order_by(Life.until_at.desc()).limit(1))
        same = update(Life).where(Life.began_at == newest, Life.until_at >= now - 3 * beat)
        if newest is None or not (await session.execute(same.values(until_at=now + 2 * beat))).rowcount:  # type: ignore[attr-defined]
            await insert_new(session, Life, began_at=now, until_at=now + 2 * beat)


async def lives_of(database: Database) -> Callable[[datetime], bool]:
    """Whether the database was in use at a moment."""
    async with database.reading() as session:
        lives = [(life.began_at, life.until_at) for life in await session.scalars(select(Life))]
    return lambda moment: any(began <= moment <= until for began, until in lives)


async def sweep(database: Database, storage: Storage, *, stored_before: datetime) -> int:
    """Remove all orphans that are older; returns how many. Any number of processes may do so at once."""
    removed = 0
    batch: list[str] = []
    lived = await lives_of(database)
    async for found in storage.objects():
        if found.stored_at < stored_before and lived(found.stored_at):
            batch.append(found.sha256)
        if len(batch) == AT_ONCE:
            removed += await _sweep_batch(database, storage, batch, stored_before)
            batch.clear()
    removed += await _sweep_batch(database, storage, batch, stored_before)
    await storage.clean(stored_before=stored_before)
    return removed


async def sweep_appended(database: Database, store: AppendStore, *, stored_before: datetime) -> int:
    """The same for the exchange drive, where a row comes before its bytes: only a store that was put back has any."""
    removed = 0
    batch: set[str] = set()
    lived = await lives_of(database)
    async for found in store.keys():
        if found.stored_at < stored_before and lived(found.stored_at):
            batch.add(found.key)
        if len(batch) == AT_ONCE:
            removed += await _sweep_keys(database, store, batch)
            batch.clear()
    return removed + await _sweep_keys(database, store, batch)


async def _sweep_keys(database: Database, store: AppendStore, batch: set[str]) -> int:
    tables = (DriveVersion, DriveUpload, DoomedObject)
    in_use = union(*(select(table.object_key).where(table.object_key.in_(batch)) for table in tables))
    async with database.reading() as session:
        known = set((await session.scalars(in_use)).all())
    for key in batch - known:
        await store.remove(key, {})
    return len(batch - known)


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
