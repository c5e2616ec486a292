"""What people do to files and folders: make, rename, move, throw away, take back. Rules: docs/rules/exchange.md."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, Select, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Utc
from chassis.errors import Conflict
from services.documents.drive.names import name_key, sort_key
from services.documents.drive.quota import settle
from services.documents.drive.tree import (
    NameTaken,
    add_entry,
    below,
    find_folder,
    free_name,
    grow,
    hold,
    is_below,
    nearest_living,
    new_entry,
    sibling_named,
)
from services.documents.models import DoomedObject, DriveEntry, DriveVersion, EntryNotFound, Side


class FolderIntoItself(Conflict):
    """A folder cannot be moved into itself."""

    de = "Ein Ordner lässt sich nicht in sich selbst verschieben."


async def create_folder(
    session: AsyncSession, parent: DriveEntry, name: str, *, side: Side, by: tuple[str, UUID | None], now: datetime
) -> DriveEntry:
    """An empty folder in a living one; its drive is held.

    Raises:
        NameTaken: something bears this name.
    """
    if await sibling_named(session, parent.id, name) is not None:
        raise NameTaken
    folder = new_entry(parent=parent, kind="folder", name=name, side=side, by=by, entry_id=uuid4(), now=now)
    await add_entry(session, folder)
    return folder


async def relocate(session: AsyncSession, entry: DriveEntry, target: DriveEntry, name: str, *, now: datetime) -> None:
    """Give it this name in this living folder; its drive is held.

    Raises:
        NameTaken: something else bears this name there.
        FolderIntoItself: the target is the folder, or lies in it.
    """
    assert entry.parent_id is not None
    if entry.is_folder and await is_below(session, target.id, entry.id):
        raise FolderIntoItself(entry_id=str(entry.id))
    other = await sibling_named(session, target.id, name)
    if other is not None and other.id != entry.id:
        raise NameTaken
    if target.id != entry.parent_id:
        await grow(session, entry.parent_id, entry, now=now, gone=True)
        await grow(session, target.id, entry, now=now)
    _name(entry, name)
    entry.parent_id = target.id
    entry.version += 1
    await session.flush()


async def throw_away(session: AsyncSession, entry: DriveEntry, by: str, *, now: datetime) -> None:
    """Into the trash, with all living entries in it; its drive is held."""
    assert entry.parent_id is not None
    await grow(session, entry.parent_id, entry, now=now, gone=True)
    inside = update(DriveEntry).where(DriveEntry.id.in_(select(below(entry.id).c.id)))
    await _run(session, inside.values(trashed_at=now, trash_id=entry.id))
    await session.refresh(entry)
    entry.trashed_by = by
    entry.version += 1
    await session.flush()


async def find_trashed(session: AsyncSession, customer_id: UUID, entry_id: UUID) -> DriveEntry | None:
    """What somebody threw away, not what went with it."""
    entry = await session.get(DriveEntry, entry_id, populate_existing=True)
    thrown = entry is not None and entry.customer_id == customer_id and entry.trash_id == entry_id
    return entry if thrown else None


async def restore(session: AsyncSession, customer_id: UUID, entry_id: UUID, *, now: datetime) -> DriveEntry:
    """Back to where it was, or to the nearest folder above that is still there; with a number if its name is taken.

    Raises:
        EntryNotFound: not in the trash of this customer.
    """
    await hold(session, customer_id)
    entry = await find_trashed(session, customer_id, entry_id)
    if entry is None:
        raise EntryNotFound(entry_id=str(entry_id))
    folder = await nearest_living(session, customer_id, entry.parent_id)
    _name(entry, await free_name(session, folder.id, entry.name))
    entry.parent_id = folder.id
    entry.version += 1
    await session.flush()
    inside = update(DriveEntry).where(DriveEntry.trash_id == entry_id)
    await _run(session, inside.values(trashed_at=None, trashed_by=None, trash_id=None))
    await session.refresh(entry)
    await grow(session, folder.id, entry, now=now)
    return entry


async def purge(session: AsyncSession, customer_id: UUID, entry_id: UUID, *, now: datetime) -> None:
    """For good: its rows go, the quota is given back, and the bytes are noted for removal; all or nothing.

    What was thrown away earlier from a folder in it stays in the trash, as if from the folder above.

    Raises:
        EntryNotFound: not in the trash of this customer.
    """
    await hold(session, customer_id)
    entry = await find_trashed(session, customer_id, entry_id)
    if entry is None:
        raise EntryNotFound(entry_id=str(entry_id))
    inside = select(DriveEntry.id).where(DriveEntry.trash_id == entry_id).scalar_subquery()
    versions = DriveVersion.entry_id.in_(inside)
    freed = await session.scalar(select(func.coalesce(func.sum(DriveVersion.size_bytes), 0)).where(versions)) or 0
    await session.execute(_doom(select(DriveVersion.object_key).where(versions), now))
    await _run(session, delete(DriveVersion).where(versions))
    left = update(DriveEntry).where(DriveEntry.parent_id.in_(inside), DriveEntry.trash_id != entry_id)
    await _run(session, left.values(parent_id=entry.parent_id))
    session.expunge(entry)
    await _run(session, delete(DriveEntry).where(DriveEntry.trash_id == entry_id))
    await settle(session, customer_id, used=-int(freed))


async def target_of(
    session: AsyncSession, customer_id: UUID, entry: DriveEntry, parent: UUID | None, *, moved: bool
) -> DriveEntry:
    """The folder that an entry is to lie in: where it is, unless it was moved.

    Raises:
        EntryNotFound: no such folder.
    """
    if moved:
        return await find_folder(session, customer_id, parent)
    here = await session.get(DriveEntry, entry.parent_id, populate_existing=True)
    assert here is not None
    return here


def _name(entry: DriveEntry, name: str) -> None:
    entry.name, entry.name_key, entry.sort_key = name, name_key(name), sort_key(name)


def _doom(keys: Select[Any], now: datetime) -> Any:
    key = keys.subquery().c.object_key
    rows = select(key, literal({}, JSON), literal(now, Utc))
    return insert(DoomedObject).from_select(["object_key", "storage_state", "doomed_at"], rows)


async def _run(session: AsyncSession, statement: Any) -> None:
    await session.execute(statement.execution_options(synchronize_session=False))
