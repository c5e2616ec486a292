"""The check of new files: read once, for the SHA-256 where the upload did not know it, and for the scan.

A version is leased to one process; killed anywhere, the lease runs out and another begins anew. While the scanner is
away files wait, and wait unread. Rules: docs/rules/exchange.md.
"""

import asyncio
import contextlib
import hashlib
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database, utc_now
from chassis.logging import log
from services.documents.clamd import Clamd, ScannerDown, Verdict
from services.documents.clamd import Scan as Stream
from services.documents.drive.arrival import tell_quarantined, tell_shared
from services.documents.models import DriveEntry, DriveVersion
from services.documents.storage import AppendStore

LEASE = timedelta(seconds=60)
RENEWED_SECONDS = 15.0
LONGEST_WAIT = timedelta(hours=1)


class LeaseLost(Exception):
    """Another process checks it now, or it was removed."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What a check needs.

    Attributes:
        clamd: None when nothing is scanned.
        limit_bytes: What is larger cannot be scanned.
        share_unscannable: Whether the other side can get at what could not be scanned, and is told of it.
    """

    database: Database
    store: AppendStore
    clamd: Clamd | None
    limit_bytes: int
    share_unscannable: bool

    async def run(self, *, every: timedelta) -> None:
        """Until cancelled."""
        reopened = False
        while True:
            done = False
            try:
                if not reopened:
                    await self.reopen()
                    reopened = True
                done = await self.check_next()
            except ScannerDown as error:
                log.warning("scanner_down", error=str(error)[:300])
            except Exception as error:
                log.warning("file_not_checked", error=repr(error)[:300])
            if not done:
                await asyncio.sleep(every.total_seconds())

    async def reopen(self) -> None:
        """Since scanning is on, what was never scanned is to be."""
        if self.clamd is None:
            return
        never = update(DriveVersion).where(DriveVersion.scan == "not_scanned", DriveVersion.checked_at.is_not(None))
        async with self.database.transaction() as session:
            await session.execute(never.values(checked_at=None).execution_options(synchronize_session=False))

    async def check_next(self) -> bool:
        """The oldest that waits and is nobody's; false when there is none.

        Raises:
            ScannerDown: it goes on waiting.
        """
        version = await self._leased()
        if version is None:
            return False
        try:
            sha256, verdict = await self._read(version)
            async with self.database.transaction() as session:
                await _settle(session, version, sha256, verdict, share_unscannable=self.share_unscannable)
        except LeaseLost:
            return True
        except BaseException:
            with contextlib.suppress(Exception):
                await self._put_off(version)
            raise
        return True

    async def _leased(self) -> DriveVersion | None:
        now = utc_now()
        free = or_(DriveVersion.lease_until.is_(None), DriveVersion.lease_until <= now)
        waiting = select(DriveVersion.id).where(DriveVersion.checked_at.is_(None), free)
        async with self.database.reading() as session:
            found = await session.scalar(waiting.order_by(DriveVersion.created_at).limit(1))
        if found is None:
            return None
        async with self.database.transaction() as session:
            taken = update(DriveVersion).where(DriveVersion.id == found, DriveVersion.checked_at.is_(None), free)
            values = {"lease_until": now + LEASE, "fence": DriveVersion.fence + 1}
            result: Any = await session.execute(taken.values(values).execution_options(synchronize_session=False))
            return await session.get(DriveVersion, found) if result.rowcount == 1 else None

    async def _read(self, version: DriveVersion) -> tuple[str | None, Verdict | None]:
        """The scanner is asked first whether it is there: a large file is not read again and again for nothing."""
        verdict: Verdict | None = None
        if self.clamd is None:
            return version.sha256 or await self._through(version, None), None
        if version.size_bytes > self.limit_bytes:
            verdict = Verdict("unscannable", "too large")
            return version.sha256 or await self._through(version, None), verdict
        async with self.clamd.scan() as scan:
            sha256 = await self._through(version, scan)
            return sha256, await scan.verdict()

    async def _through(self, version: DriveVersion, scan: Stream | None) -> str:
        digest, size, renewed = hashlib.sha256(), 0, time.monotonic()
        async for chunk in self.store.open(version.object_key):
            size += len(chunk)
            hashed = asyncio.to_thread(digest.update, chunk)
            await (asyncio.gather(hashed, scan.feed(chunk)) if scan else hashed)
            if time.monotonic() - renewed > RENEWED_SECONDS:
                await self._renew(version.id, version.fence)
                renewed = time.monotonic()
        if size != version.size_bytes:
            raise OSError(f"{version.object_key} has {size} of {version.size_bytes} bytes")
        if version.sha256 not in (None, digest.hexdigest()):
            raise OSError(f"{version.object_key} has another checksum than when it came")
        return digest.hexdigest()

    async def _renew(self, version_id: UUID, fence: int) -> None:
        async with self.database.transaction() as session:
            mine = update(DriveVersion).where(DriveVersion.id == version_id, DriveVersion.fence == fence)
            result: Any = await session.execute(mine.values(lease_until=utc_now() + LEASE))
        if result.rowcount != 1:
            raise LeaseLost

    async def _put_off(self, version: DriveVersion) -> None:
        """Longer each time, so that one file that breaks the scanner does not keep the others waiting."""
        wait = min(timedelta(seconds=2 ** min(version.fence, 12)), LONGEST_WAIT)
        async with self.database.transaction() as session:
            mine = update(DriveVersion).where(DriveVersion.id == version.id, DriveVersion.fence == version.fence)
            await session.execute(mine.values(lease_until=utc_now() + wait))


async def _settle(
    session: AsyncSession,
    version: DriveVersion,
    sha256: str | None,
    verdict: Verdict | None,
    *,
    share_unscannable: bool,
) -> None:
    now, waited = utc_now(), version.scan == "waiting"
    state = verdict.state if verdict else "not_scanned"
    detail = verdict.detail if verdict else None
    values = {"sha256": sha256, "scan": state, "scan_detail": detail, "checked_at": now, "lease_until": None}
    mine = update(DriveVersion).where(
        DriveVersion.id == version.id, DriveVersion.fence == version.fence, DriveVersion.checked_at.is_(None)
    )
    result: Any = await session.execute(mine.values(values).execution_options(synchronize_session=False))
    if result.rowcount != 1:
        raise LeaseLost
    settled = await session.get(DriveVersion, version.id, populate_existing=True)
    entry = await session.get(DriveEntry, version.entry_id, populate_existing=True)
    if settled is None or entry is None:
        raise LeaseLost
    if state == "infected":
        await tell_quarantined(session, entry, settled, now)
    elif waited and entry.trashed_at is None and (state != "unscannable" or share_unscannable):
        await tell_shared(session, entry, settled, now)
