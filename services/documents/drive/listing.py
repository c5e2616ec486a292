"""The queries behind a folder's page and the trash: folders first, by keyset, flat however many there are. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, and_, or_, select

from services.documents.models import DriveEntry

Order = Literal["name", "-name", "size", "-size", "changed_at", "-changed_at"]
KINDS = ("folder", "file")
_COLUMNS: dict[str, Any] = {
    "name": DriveEntry.sort_key,
    "size": DriveEntry.size_bytes,
    "changed_at": DriveEntry.changed_at,
}


@dataclass(frozen=True, slots=True)
class After:
    """The last row of the page before."""

    kind: str
    value: Any
    id: UUID


def sorted_by(order: Order) -> tuple[Any, bool]:
    """The column, and whether the largest comes first."""
    return _COLUMNS[order.lstrip("-")], order.startswith("-")


def value_type(order: Order) -> type:
    """Of what the cursor remembers."""
    return {"name": str, "size": int}.get(order.lstrip("-"), datetime)


def value_of(entry: DriveEntry, order: Order) -> Any:
    """What the cursor remembers of a row."""
    return getattr(entry, sorted_by(order)[0].key)


def in_folder(folder_id: UUID, kind: str, order: Order, *, after: After | None, limit: int) -> Select[Any]:
    """Living entries of one kind: a query for each kind stays within one index, whatever the order."""
    column, falling = sorted_by(order)
    wanted = select(DriveEntry).where(
        DriveEntry.parent_id == folder_id, DriveEntry.kind == kind, DriveEntry.trashed_at.is_(None)
    )
    if after is not None and after.kind == kind:
        beyond = column < after.value if falling else column > after.value
        further = DriveEntry.id < after.id if falling else DriveEntry.id > after.id
        bound = column <= after.value if falling else column >= after.value
        wanted = wanted.where(bound, or_(beyond, and_(column == after.value, further)))
    if falling:
        return wanted.order_by(column.desc(), DriveEntry.id.desc()).limit(limit)
    return wanted.order_by(column, DriveEntry.id).limit(limit)


def in_trash(customer_id: UUID, *, after: tuple[Any, UUID] | None, limit: int) -> Select[Any]:
    """What was thrown away, newest first, without what went with it."""
    wanted = select(DriveEntry).where(DriveEntry.customer_id == customer_id, DriveEntry.trash_id == DriveEntry.id)
    if after is not None:
        at, last_id = after
        same = and_(DriveEntry.trashed_at == at, DriveEntry.id < last_id)
        wanted = wanted.where(DriveEntry.trashed_at <= at, or_(DriveEntry.trashed_at < at, same))
    return wanted.order_by(DriveEntry.trashed_at.desc(), DriveEntry.id.desc()).limit(limit)
