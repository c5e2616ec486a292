"""One writer per upload: a lease with a number that only grows. Every statement here checks and acts at once."""

import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import OpenSession, utc_now
from services.documents.models import DriveUpload
from services.documents.storage import State
from services.documents.uploads.protocol import OffsetMismatch, UploadGone, UploadNotFound

LEASE = timedelta(seconds=10)
"""Without a sign of life for so long a writer is taken for dead. Each committed step is one."""
KEPT = timedelta(days=7)
"""An unfinished upload, after its last byte."""
HOST, LIFE = os.uname().nodename[:40], uuid4().hex[:8]
PROCESS = f"{HOST}/{os.getpid()}/{LIFE}"


class LeaseLost(Exception):
    """Somebody else writes now; nothing that this writer has not committed counts."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose upload it is. To everybody else it does not exist."""

    customer_id: UUID
    sub: str


@dataclass(frozen=True, slots=True)
class Held:
    """An upload while this process may write it."""

    upload_id: UUID
    customer_id: UUID
    key: str
    length: int
    offset: int
    state: State
    fence: int
    broke_off: bool
    """The last writer never let go."""
    expires_at: datetime


async def find_upload(session: AsyncSession, owner: Owner, upload_id: UUID) -> DriveUpload:
    """An upload that can be spoken of.

    Raises:
        UploadNotFound: unknown, or somebody else's.
        UploadGone: expired or given up.
    """
    upload = await session.get(DriveUpload, upload_id, populate_existing=True)
    if upload is None or (upload.customer_id, upload.owner) != (owner.customer_id, owner.sub):
        raise UploadNotFound(upload_id=str(upload_id))
    given_up = upload.finished_at is not None and upload.version_id is None
    if given_up or (upload.finished_at is None and upload.expires_at <= utc_now()):
        raise UploadGone(upload_id=str(upload_id))
    return upload


def is_held(upload: DriveUpload, now: datetime) -> bool:
    """Somebody writes it, as far as anybody knows."""
    return upload.lease_until is not None and upload.lease_until > now


async def take(transactions: OpenSession, owner: Owner, upload_id: UUID, offset: int) -> Held | None:
    """Become the writer; none while somebody else is.

    Raises:
        UploadNotFound: see `find_upload`.
        UploadGone: see `find_upload`.
        OffsetMismatch: there are more or fewer bytes than the client thinks, or all of them.
    """
    async with transactions() as session:
        upload = await find_upload(session, owner, upload_id)
        if upload.offset_bytes != offset or upload.finished_at is not None:
            raise OffsetMismatch(upload_id=str(upload_id), offset=offset, at=upload.offset_bytes)
        return await taken(session, upload)


async def taken(session: AsyncSession, upload: DriveUpload) -> Held | None:
    """The lease of an unfinished upload as it was just read; none if it is held, or was not as it was read."""
    now = utc_now()
    if is_held(upload, now) and not _is_dead(upload.lease_holder):
        return None
    # whoever takes or renews it changes fence or offset, so nobody can have done so since it was read
    seen = (
        DriveUpload.id == upload.id,
        DriveUpload.fence == upload.fence,
        DriveUpload.offset_bytes == upload.offset_bytes,
        DriveUpload.finished_at.is_(None),
    )
    values = {
        "fence": upload.fence + 1,
        "lease_holder": PROCESS,
        "lease_until": now + LEASE,
        "expires_at": now + KEPT,
    }
    if await _changed(session, update(DriveUpload).where(*seen).values(values)) != 1:
        return None
    return Held(
        upload_id=upload.id,
        customer_id=upload.customer_id,
        key=upload.object_key,
        length=upload.length_bytes,
        offset=upload.offset_bytes,
        state=upload.storage_state,
        fence=upload.fence + 1,
        broke_off=upload.lease_until is not None,
        expires_at=now + KEPT,
    )


async def retake(transactions: OpenSession, held: Held) -> Held | None:
    """Become the writer again after having let go, if nobody else has written meanwhile."""
    async with transactions() as session:
        upload = await session.get(DriveUpload, held.upload_id, populate_existing=True)
        if upload is None or (upload.fence, upload.offset_bytes) != (held.fence, held.offset):
            return None
        return await taken(session, upload)


async def commit(transactions: OpenSession, held: Held, offset: int, state: State, *, let_go: bool = False) -> Held:
    """So many bytes are stored for good. From here on they may be acknowledged.

    Raises:
        LeaseLost: somebody else has taken over.
    """
    now = utc_now()
    mine = (DriveUpload.id == held.upload_id, DriveUpload.fence == held.fence, DriveUpload.offset_bytes == held.offset)
    values: dict[str, Any] = {
        "offset_bytes": offset,
        "storage_state": state,
        "expires_at": now + KEPT,
        "lease_until": None if let_go else now + LEASE,
    }
    if let_go:
        values["lease_holder"] = None
    async with transactions() as session:
        if await _changed(session, update(DriveUpload).where(*mine).values(values)) != 1:
            raise LeaseLost
    return replace(held, offset=offset, state=state, expires_at=now + KEPT)


async def let_go(transactions: OpenSession, held: Held) -> None:
    """Nothing more was stored; others may write. No error when they already do."""
    mine = (DriveUpload.id == held.upload_id, DriveUpload.fence == held.fence)
    async with transactions() as session:
        await _changed(session, update(DriveUpload).where(*mine).values(lease_holder=None, lease_until=None))


async def held_row(session: AsyncSession, held: Held) -> DriveUpload:
    """The row of an upload that is still held, locked.

    Raises:
        LeaseLost: it is not.
    """
    mine = (DriveUpload.id == held.upload_id, DriveUpload.fence == held.fence, DriveUpload.finished_at.is_(None))
    wanted = select(DriveUpload).where(*mine).with_for_update().execution_options(populate_existing=True)
    upload = (await session.scalars(wanted)).one_or_none()
    if upload is None:
        raise LeaseLost
    return upload


def _is_dead(holder: str | None) -> bool:
    """A process of this machine that is gone, so that nobody needs to wait for the end of its lease.

    It may err, as where containers share a name: then the one who is not dead loses a lease, and no byte.
    """
    host, pid, life = (holder or "").split("/") if (holder or "").count("/") == 2 else ("", "", "")
    if host != HOST or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return life != LIFE
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


async def _changed(session: AsyncSession, statement: Any) -> int:
    result: Any = await session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)
