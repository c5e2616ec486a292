"""A complete upload becomes a file, or a new version of one. Rules: docs/rules/exchange.md."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Identity
from chassis.outbox import emit
from events.documents import FileQuarantined, FileShared
from services.documents.audit import audit_line
from services.documents.drive.quota import settle
from services.documents.drive.tree import (
    add_entry,
    free_name,
    grow_above,
    hold,
    nearest_living,
    new_entry,
    path_of,
    sibling_named,
)
from services.documents.models import DriveEntry, DriveUpload, DriveVersion, Side


@dataclass(frozen=True, slots=True)
class Arrival:
    """How it comes.

    Attributes:
        sha256: None when the upload's process did not see all bytes; the check reads them then.
        scanning: It is held back until the scan is over.
    """

    sha256: str | None
    scanning: bool
    now: datetime


def side_of(person: Identity) -> Side:
    """Whose bytes it brings, and for whom it opens."""
    return "operator" if person.is_operator else "customer"


async def file_arrived(session: AsyncSession, upload: DriveUpload, by: Identity, how: Arrival) -> DriveVersion:
    """All its bytes are stored: in one transaction it can be seen, is counted, and is told.

    A folder that was thrown away meanwhile is replaced by the nearest above it.
    """
    await hold(session, upload.customer_id)
    folder = await nearest_living(session, upload.customer_id, upload.parent_id)
    entry = await sibling_named(session, folder.id, upload.name)
    who = (by.name or upload.owner_name, by.user_id)
    if entry is None or entry.is_folder:
        name = upload.name if entry is None else await free_name(session, folder.id, upload.name)
        entry = new_entry(
            parent=folder, kind="file", name=name, side=side_of(by), by=who, entry_id=uuid4(), now=how.now
        )
        await add_entry(session, entry)
    version = await _new_version(session, entry, upload, who, how)
    await grow_above(session, folder.id, version.size_bytes - entry.size_bytes, now=how.now)
    entry.size_bytes, entry.current_version_id, entry.changed_at = version.size_bytes, version.id, how.now
    entry.version += 1 if version.number > 1 else 0
    await settle(session, upload.customer_id, reserved=-upload.length_bytes, used=version.size_bytes)
    if not how.scanning:
        await tell_shared(session, entry, version, how.now)
    emit(session, audit_line("exchange_file_uploaded", by, f"exchange_file/{entry.id}", how.now))
    await session.flush()
    return version


async def tell_shared(session: AsyncSession, entry: DriveEntry, version: DriveVersion, now: datetime) -> None:
    """The other side can read it from now on."""
    fields: Any = {"scan": version.scan, "size_bytes": version.size_bytes, "shared_at": now}
    kind: Any = "new" if version.number == 1 else "new_version"
    emit(session, FileShared(kind=kind, **fields, **await _told(session, entry, version)))


async def tell_quarantined(session: AsyncSession, entry: DriveEntry, version: DriveVersion, now: datetime) -> None:
    """Something was found in it."""
    signature = version.scan_detail or "unknown"
    told = await _told(session, entry, version)
    emit(session, FileQuarantined(signature=signature, quarantined_at=now, **told))


async def _told(session: AsyncSession, entry: DriveEntry, version: DriveVersion) -> dict[str, Any]:
    path = await path_of(session, entry.parent_id)
    return {
        "file_id": entry.id,
        "version_id": version.id,
        "customer_id": entry.customer_id,
        "side": version.side,
        "name": entry.name,
        "folder_id": shown_parent(entry),
        "folder": " / ".join(name for _id, name in path),
        "shared_by": version.created_by,
        "actor_id": version.created_by_id,
    }


def shown_parent(entry: DriveEntry) -> UUID | None:
    """None for the top: nobody sees the root."""
    return None if entry.parent_id == entry.customer_id else entry.parent_id


async def _new_version(
    session: AsyncSession, entry: DriveEntry, upload: DriveUpload, by: tuple[str, UUID | None], how: Arrival
) -> DriveVersion:
    newest = select(func.max(DriveVersion.number)).where(DriveVersion.entry_id == entry.id)
    version = DriveVersion(
        id=uuid4(),
        entry_id=entry.id,
        number=(await session.scalar(newest) or 0) + 1,
        object_key=upload.object_key,
        size_bytes=upload.length_bytes,
        sha256=how.sha256,
        media_type=upload.media_type,
        side=upload.side,
        created_by=by[0],
        created_by_id=by[1],
        created_at=how.now,
        scan="waiting" if how.scanning else "not_scanned",
        checked_at=None if how.scanning or how.sha256 is None else how.now,
        fence=0,
    )
    session.add(version)
    await session.flush()
    return version
