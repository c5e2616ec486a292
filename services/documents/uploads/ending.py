"""How an upload begins and ends: room is taken, then it becomes a file or the room is given back; all or nothing."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import OpenSession, insert_new, utc_now
from chassis.errors import AppError
from chassis.identity import Identity
from chassis.logging import log
from services.documents.drive.arrival import Arrival, file_arrived, side_of
from services.documents.drive.quota import reserve, settle
from services.documents.drive.tree import find_folder, hold
from services.documents.models import DoomedObject, DriveUpload
from services.documents.storage import new_key
from services.documents.uploads.lease import KEPT, Held, LeaseLost, Owner, find_upload, held_row, taken
from services.documents.uploads.protocol import Declared
from services.documents.uploads.writing import Means, Written, seal

REMEMBERED = timedelta(days=30)
"""After its end, so that a client that comes back late is told what became of it."""
AT_ONCE = 100


async def create(session: AsyncSession, by: Identity, declared: Declared, *, quota_bytes: int) -> DriveUpload:
    """Reserve its room.

    Raises:
        EntryNotFound: no such folder.
        QuotaExceeded: there is not enough room.
    """
    now = utc_now()
    await hold(session, by.customer_id)
    folder = await find_folder(session, by.customer_id, declared.parent)
    await reserve(session, by.customer_id, declared.length, quota_bytes=quota_bytes)
    upload = DriveUpload(
        id=uuid4(),
        customer_id=by.customer_id,
        parent_id=folder.id,
        name=declared.name,
        media_type=declared.media_type,
        metadata_header=declared.metadata,
        length_bytes=declared.length,
        offset_bytes=0,
        object_key=new_key(),
        storage_state={},
        side=side_of(by),
        owner=by.sub,
        owner_name=by.name,
        created_at=now,
        expires_at=now + KEPT,
        fence=0,
    )
    session.add(upload)
    await session.flush()
    return upload


async def arrive(means: Means, written: Written, by: Identity, *, scanning: bool) -> None:
    """All its bytes are stored: from one moment to the next it is a file on the drive.

    Raises:
        LeaseLost: somebody else has taken over and will do it, or the upload was given up.
    """
    held = written.held
    await means.store.complete(held.key, held.state, size_bytes=held.length)
    async with means.transactions() as session:
        await hold(session, held.customer_id)
        upload = await held_row(session, held)
        now = utc_now()
        version = await file_arrived(session, upload, by, Arrival(written.sha256, scanning, now))
        upload.finished_at, upload.version_id = now, version.id
        upload.lease_holder = upload.lease_until = None


async def give_up(transactions: OpenSession, owner: Owner, upload_id: UUID) -> None:
    """At its owner's wish: bytes and reservation go. A complete one stays the file that it has become.

    Raises:
        UploadNotFound: unknown, or somebody else's.
        UploadGone: it was given up before.
    """
    async with transactions() as session:
        await hold(session, owner.customer_id)
        upload = await find_upload(session, owner, upload_id)
        if upload.finished_at is None:
            await _given_up(session, upload)


async def expire(transactions: OpenSession) -> int:
    """Give up what nobody has gone on with; how many. Any number of processes may do so at once."""
    now = utc_now()
    idle = or_(DriveUpload.lease_until.is_(None), DriveUpload.lease_until <= now)
    late = select(DriveUpload.id, DriveUpload.customer_id).where(
        DriveUpload.finished_at.is_(None),
        DriveUpload.expires_at <= now,
        DriveUpload.offset_bytes < DriveUpload.length_bytes,
        idle,
    )
    async with transactions() as session:
        found = (await session.execute(late.limit(AT_ONCE))).all()
        forgotten = delete(DriveUpload).where(
            DriveUpload.finished_at.is_not(None), DriveUpload.expires_at <= now - REMEMBERED
        )
        await session.execute(forgotten.execution_options(synchronize_session=False))
    for upload_id, customer_id in found:
        async with transactions() as session:
            await hold(session, customer_id)
            upload = await session.get(DriveUpload, upload_id, populate_existing=True, with_for_update=True)
            if upload is not None and upload.finished_at is None and upload.expires_at <= now:
                await _given_up(session, upload)
    return len(found)


async def _given_up(session: AsyncSession, upload: DriveUpload) -> None:
    """Whoever still writes it loses the lease with the next number."""
    now = utc_now()
    upload.fence += 1
    upload.finished_at = now
    upload.lease_holder = upload.lease_until = None
    await settle(session, upload.customer_id, reserved=-upload.length_bytes)
    state = upload.storage_state
    await insert_new(session, DoomedObject, object_key=upload.object_key, storage_state=state, doomed_at=now)


async def finish_left_behind(means: Means, *, scanning: bool) -> int:
    """Uploads that have all their bytes, but whose process died before it could say so; how many."""
    ready = select(DriveUpload.id).where(
        DriveUpload.finished_at.is_(None), DriveUpload.offset_bytes == DriveUpload.length_bytes
    )
    async with means.reading() as session:
        found = (await session.scalars(ready.limit(AT_ONCE))).all()
    done = 0
    for upload_id in found:
        try:
            done += await finish_if_left(means, upload_id, scanning=scanning)
        except (AppError, LeaseLost) as error:
            log.warning("upload_not_finished", upload_id=str(upload_id), error=repr(error)[:300])
    return done


async def finish_if_left(means: Means, upload_id: UUID, *, scanning: bool) -> bool:
    """One of them, unless somebody is just doing so."""
    async with means.transactions() as session:
        upload = await session.get(DriveUpload, upload_id, populate_existing=True)
        if upload is None or upload.finished_at is not None or upload.offset_bytes < upload.length_bytes:
            return False
        held: Held | None = await taken(session, upload)
        by = _owner_of(upload)
    if held is None:
        return False
    await arrive(means, await seal(means, held), by, scanning=scanning)
    return True


def _owner_of(upload: DriveUpload) -> Identity:
    """As they were when they began."""
    role = "operator" if upload.side == "operator" else "member"
    return Identity(sub=upload.owner, name=upload.owner_name, cust=str(upload.customer_id), role=role)


async def tidy_for_ever(means: Means, *, scanning: bool, every: timedelta) -> None:
    """Finish what was left behind and give up what has expired, until cancelled."""
    while True:
        try:
            finished, expired = await finish_left_behind(means, scanning=scanning), await expire(means.transactions)
            if finished or expired:
                log.info("uploads_tidied", finished=finished, expired=expired)
        except Exception as error:
            log.warning("uploads_not_tidied", error=repr(error)[:300])
        await asyncio.sleep(every.total_seconds())
