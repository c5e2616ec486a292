"""Finding entries, and keeping the sizes of all folders above right. Rules: docs/rules/exchange.md."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import insert_new, utc_now
from chassis.errors import Conflict
from services.documents.drive.names import name_key, numbered, sort_key
from services.documents.models import Drive, DriveEntry, EntryNotFound, Side


class NameTaken(Conflict):
    """There is a file or folder of this name already; upper and lower case are the same."""

    de = "Eine Datei oder einen Ordner mit diesem Namen gibt es schon; Groß- und Kleinschreibung zählen nicht."


async def hold(session: AsyncSession, customer_id: UUID) -> Drive:
    """The drive's row, held until the end of the transaction; made with its root when it is the first time."""
    new = await insert_new(session, Drive, customer_id=customer_id, quota_bytes=None, used_bytes=0, reserved_bytes=0)
    if new:
        session.add(_root(customer_id, utc_now()))
        await session.flush()
    wanted = select(Drive).where(Drive.customer_id == customer_id).with_for_update()
    return (await session.scalars(wanted.execution_options(populate_existing=True))).one()


async def find_entry(session: AsyncSession, customer_id: UUID, entry_id: UUID) -> DriveEntry:
    """A living file or folder of this customer; never the root.

    Raises:
        EntryNotFound: none such, in the trash, or somebody else's.
    """
    entry = await session.get(DriveEntry, entry_id, populate_existing=True)
    if entry is None or entry.customer_id != customer_id or entry.parent_id is None or entry.trashed_at is not None:
        raise EntryNotFound(entry_id=str(entry_id))
    return entry


async def find_folder(session: AsyncSession, customer_id: UUID, folder_id: UUID | None) -> DriveEntry:
    """A living folder; without an id, or by its customer's id, the root of a drive that was held before.

    Whoever names the root by its customer cannot hit another drive when the session was switched meanwhile.

    Raises:
        EntryNotFound: none such, a file, in the trash, or somebody else's.
    """
    if folder_id is None or folder_id == customer_id:
        root = await session.get(DriveEntry, customer_id, populate_existing=True)
        if root is None:
            raise EntryNotFound(customer_id=str(customer_id))
        return root
    entry = await find_entry(session, customer_id, folder_id)
    if not entry.is_folder:
        raise EntryNotFound(entry_id=str(folder_id))
    return entry


async def nearest_living(session: AsyncSession, customer_id: UUID, folder_id: UUID | None) -> DriveEntry:
    """The folder itself, the nearest above that is not in the trash, or the root."""
    while folder_id is not None and folder_id != customer_id:
        entry = await session.get(DriveEntry, folder_id, populate_existing=True)
        if entry is None or entry.customer_id != customer_id:
            break
        if entry.trashed_at is None and entry.is_folder:
            return entry
        folder_id = entry.parent_id
    return await find_folder(session, customer_id, None)


async def sibling_named(session: AsyncSession, folder_id: UUID, name: str) -> DriveEntry | None:
    """What bears this name in the folder."""
    same = select(DriveEntry).where(
        DriveEntry.parent_id == folder_id, DriveEntry.name_key == name_key(name), DriveEntry.trashed_at.is_(None)
    )
    return (await session.scalars(same.execution_options(populate_existing=True))).one_or_none()


async def free_name(session: AsyncSession, folder_id: UUID, name: str) -> str:
    """The name, or with a number when it is taken."""
    free, number = name, 1
    while await sibling_named(session, folder_id, free) is not None:
        number += 1
        free = numbered(name, number)
    return free


async def add_entry(session: AsyncSession, entry: DriveEntry) -> None:
    """A new file or folder below its parent, which grows."""
    session.add(entry)
    await session.flush()
    assert entry.parent_id is not None
    await grow(session, entry.parent_id, entry, now=entry.created_at)


async def grow(session: AsyncSession, folder_id: UUID, by: DriveEntry, *, now: datetime, gone: bool = False) -> None:
    """A living entry came to the folder, or is gone from it."""
    sign = -1 if gone else 1
    folders, files = (sign, 0) if by.is_folder else (0, sign)
    here = update(DriveEntry).where(DriveEntry.id == folder_id)
    await _run(session, here.values(folders=DriveEntry.folders + folders, files=DriveEntry.files + files))
    await grow_above(session, folder_id, sign * by.size_bytes, now=now)


async def grow_above(session: AsyncSession, folder_id: UUID, size_bytes: int, *, now: datetime) -> None:
    """Bring the folder and all above it up to date, in one statement."""
    above = _above(folder_id)
    touched = update(DriveEntry).where(DriveEntry.id.in_(select(above.c.id)))
    await _run(session, touched.values(size_bytes=DriveEntry.size_bytes + size_bytes, changed_at=now))


async def path_of(session: AsyncSession, folder_id: UUID | None) -> Sequence[tuple[UUID, str]]:
    """Ids and names from the top to this folder, without the root."""
    if folder_id is None:
        return ()
    above = _above(folder_id)
    rows = (await session.execute(select(above.c.id, above.c.parent_id, above.c.name))).all()
    return [(row.id, row.name) for row in rows if row.parent_id is not None][::-1]


async def is_below(session: AsyncSession, folder_id: UUID, top_id: UUID) -> bool:
    """The folder is the other one, or lies in it at any depth."""
    above = _above(folder_id)
    return await session.scalar(select(above.c.id).where(above.c.id == top_id)) is not None


def below(top_id: UUID) -> CTE:
    """The entry and all living ones in it, at any depth."""
    first = select(DriveEntry.id, DriveEntry.kind).where(DriveEntry.id == top_id).cte("below", recursive=True)
    child = select(DriveEntry.id, DriveEntry.kind).join(first, DriveEntry.parent_id == first.c.id)
    return first.union_all(child.where(DriveEntry.trashed_at.is_(None)))


def new_entry(  # noqa: PLR0913  # what an entry begins with
    *, parent: DriveEntry, kind: str, name: str, side: Side, by: tuple[str, UUID | None], entry_id: UUID, now: datetime
) -> DriveEntry:
    """Empty, still without content."""
    return DriveEntry(
        id=entry_id,
        customer_id=parent.customer_id,
        parent_id=parent.id,
        kind=kind,
        name=name,
        name_key=name_key(name),
        sort_key=sort_key(name),
        side=side,
        created_by=by[0],
        created_by_id=by[1],
        created_at=now,
        changed_at=now,
        size_bytes=0,
        folders=0,
        files=0,
        version=1,
    )


def _root(customer_id: UUID, now: datetime) -> DriveEntry:
    return DriveEntry(
        id=customer_id,
        customer_id=customer_id,
        parent_id=None,
        kind="folder",
        name="",
        name_key="",
        sort_key="",
        side="operator",
        created_by="",
        created_by_id=None,
        created_at=now,
        changed_at=now,
        size_bytes=0,
        folders=0,
        files=0,
        version=1,
    )


def _above(folder_id: UUID) -> CTE:
    columns = (DriveEntry.id, DriveEntry.parent_id, DriveEntry.name)
    first = select(*columns).where(DriveEntry.id == folder_id).cte("above", recursive=True)
    return first.union_all(select(*columns).join(first, DriveEntry.id == first.c.parent_id))


async def _run(session: AsyncSession, statement: Any) -> None:
    await session.execute(statement.execution_options(synchronize_session=False))
