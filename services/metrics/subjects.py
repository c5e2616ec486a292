"""Finds the line or group that is asked for; what belongs to another customer does not exist."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from events.network import PercentileMethod
from services.metrics.models import Customer, Group, GroupNotFound, Line, LineNotFound
from services.metrics.periods import DEFAULT_ZONE, zone
from services.metrics.pictures import Subject

_COLUMNS = (
    Line.number,
    Line.id,
    Line.name,
    Line.capacity_bps,
    Line.commit_bps,
    Line.percentile_method,
    Customer.time_zone,
)
# built once: making the statement anew takes longer than running it
_MY_LINE = (
    select(*_COLUMNS)
    .outerjoin(Customer, Customer.id == Line.customer_id)
    .where(Line.id == bindparam("wanted"), Line.customer_id == bindparam("mine"))
)


async def line_subject(session: AsyncSession, line_id: UUID, customer_id: UUID) -> Subject:
    """A line of this customer, also one that was removed: its past stays.

    Raises:
        LineNotFound: also when it is somebody else's.
    """
    row = (await session.execute(_MY_LINE, {"wanted": line_id, "mine": customer_id})).one_or_none()
    if row is None:
        raise LineNotFound(line_id=str(line_id))
    return _subject(row.id, row.name, [row], is_group=False)


async def group_subject(session: AsyncSession, group_id: UUID, customer_id: UUID) -> Subject:
    """A group of this customer's lines: its commit is the greatest of theirs, its method the first line's.

    Raises:
        GroupNotFound: also when it is somebody else's, or has no line any more.
    """
    wanted = select(*_COLUMNS, Group.name.label("group_name")).join(Group, Group.id == Line.group_id)
    mine = wanted.outerjoin(Customer, Customer.id == Line.customer_id).where(
        Line.group_id == group_id, Line.customer_id == customer_id, Line.removed.is_(False)
    )
    rows = (await session.execute(mine.order_by(Line.name, Line.id))).all()
    if not rows:
        raise GroupNotFound(group_id=str(group_id))
    return _subject(group_id, rows[0].group_name, rows, is_group=True)


def _subject(subject_id: UUID, name: str, rows: Sequence[Any], *, is_group: bool) -> Subject:
    return Subject(
        id=subject_id,
        name=name,
        is_group=is_group,
        lines=tuple(row.number for row in rows),
        line_ids=tuple(row.id for row in rows),
        capacity_bps=sum(row.capacity_bps for row in rows),
        commit_bps=max((row.commit_bps for row in rows if row.commit_bps is not None), default=None),
        method=cast("PercentileMethod", rows[0].percentile_method),
        time_zone=str(zone(rows[0].time_zone or DEFAULT_ZONE)),
    )


def moment(at_ms: int) -> datetime | None:
    """A time of the store; 0 is none."""
    return datetime.fromtimestamp(at_ms / 1000, UTC) if at_ms else None
