"""The open customer's lines and groups, and the limits they have set."""

from uuid import UUID, uuid4

from fastapi import APIRouter, Response
from sqlalchemy import and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import ReadSession, Session, Transactions, utc_now
from chassis.errors import NoCustomerChosen, PreconditionFailed, PreconditionRequired, problems
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from chassis.versions import IfMatch, check_version, show_version
from services.metrics.api.asked import Reader, note_look
from services.metrics.api.bodies import GroupOut, GroupsOut, LineOut, ThresholdOut, ThresholdsIn, ThresholdsOut
from services.metrics.audit import audit_line
from services.metrics.models import Group, Line, LineNotFound, Threshold
from services.metrics.subjects import group_subject, moment

router = APIRouter(prefix="/metrics", tags=["metrics"])

_MISSING = problems(LineNotFound, NoCustomerChosen)
_FIELDS = tuple(set(LineOut.model_fields) - {"last_sample_at"})


@router.get("/lines", responses=problems(NoCustomerChosen))
async def list_lines(
    reader: Reader, session: ReadSession, transactions: Transactions, limit: Limit = 50, cursor: Cursor = None
) -> Page[LineOut]:
    """By name."""
    mine = select(Line).where(Line.customer_id == reader.customer_id, Line.removed.is_(False))
    if cursor:
        name, line_id = key_of(cursor, str, UUID)
        mine = mine.where(or_(Line.name > name, and_(Line.name == name, Line.id > line_id)))
    found = (await session.scalars(mine.order_by(Line.name, Line.id).limit(limit + 1))).all()
    shown = found[:limit]
    await note_look(transactions, reader, "lines_listed", None)
    return Page(
        items=[_line_out(line) for line in shown],
        next_cursor=cursor_of(shown[-1].name, shown[-1].id) if len(found) > limit else None,
    )


@router.get("/groups", responses=problems(NoCustomerChosen))
async def list_groups(reader: Reader, session: ReadSession, transactions: Transactions) -> GroupsOut:
    """Redundant lines that are billed together."""
    mine = select(Line).where(Line.customer_id == reader.customer_id, Line.removed.is_(False))
    grouped = mine.where(Line.group_id.is_not(None)).join(Group, Group.id == Line.group_id)
    lines = (await session.scalars(grouped.order_by(Group.name, Group.id, Line.name, Line.id))).all()
    newest: dict[UUID, int] = {}
    for line in lines:
        assert line.group_id is not None
        newest[line.group_id] = max(newest.get(line.group_id, 0), line.last_sample_ms)
    items = []
    for group_id, last_sample_ms in newest.items():
        subject = await group_subject(session, group_id, reader.customer_id)
        items.append(
            GroupOut(
                id=group_id,
                name=subject.name,
                line_ids=list(subject.line_ids),
                capacity_bps=subject.capacity_bps,
                commit_bps=subject.commit_bps,
                percentile_method=subject.method,
                last_sample_at=moment(last_sample_ms),
            )
        )
    await note_look(transactions, reader, "groups_listed", None)
    return GroupsOut(items=items)


@router.get("/lines/{line_id}", responses=_MISSING)
async def get_line(line_id: UUID, reader: Reader, session: ReadSession, transactions: Transactions) -> LineOut:
    """One line; also one that was removed, because its past stays."""
    line = await _mine(session, line_id, reader.customer_id)
    await note_look(transactions, reader, "line_read", f"line/{line.id}")
    return _line_out(line)


@router.get("/lines/{line_id}/thresholds", responses=_MISSING)
async def get_thresholds(
    line_id: UUID, reader: Reader, session: ReadSession, transactions: Transactions, response: Response
) -> ThresholdsOut:
    """The customer's own limits for this line."""
    line = await _mine(session, line_id, reader.customer_id)
    await note_look(transactions, reader, "thresholds_read", f"line/{line.id}")
    show_version(response, line.limits_version)
    return ThresholdsOut(version=line.limits_version, thresholds=await _thresholds(session, line))


@router.put("/lines/{line_id}/thresholds", responses=_MISSING | problems(PreconditionFailed, PreconditionRequired))
async def put_thresholds(
    line_id: UUID,
    body: ThresholdsIn,
    reader: Reader,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> ThresholdsOut:
    """Set all own limits; what is over one of them is told once a month. One that stays as it was keeps its id."""
    line = await _mine(session, line_id, reader.customer_id, for_update=True)
    check_version(if_match, line.limits_version)
    before = await _thresholds(session, line)
    await session.execute(delete(Threshold).where(Threshold.line_number == line.number))
    for position, wanted in enumerate(body.thresholds):
        values = wanted.model_dump()
        same = next((old for old in before if old.model_dump(exclude={"id"}) == values), None)
        if same:
            before.remove(same)
        session.add(Threshold(id=same.id if same else uuid4(), line_number=line.number, position=position, **values))
    line.limits_version, line.due = line.limits_version + 1, True
    await session.flush()
    emit(session, audit_line("thresholds_changed", reader, f"line/{line.id}", utc_now()))
    show_version(response, line.limits_version)
    return ThresholdsOut(version=line.limits_version, thresholds=await _thresholds(session, line))


def _line_out(line: Line) -> LineOut:
    fields = {name: getattr(line, name) for name in _FIELDS}
    return LineOut(last_sample_at=moment(line.last_sample_ms), **fields)


async def _mine(session: AsyncSession, line_id: UUID, customer_id: UUID, *, for_update: bool = False) -> Line:
    wanted = select(Line).where(Line.id == line_id, Line.customer_id == customer_id)
    line = await session.scalar(wanted.with_for_update() if for_update else wanted)
    if line is None:
        raise LineNotFound(line_id=str(line_id))
    return line


async def _thresholds(session: AsyncSession, line: Line) -> list[ThresholdOut]:
    mine = select(Threshold).where(Threshold.line_number == line.number).order_by(Threshold.position)
    found = (await session.scalars(mine)).all()
    return [
        ThresholdOut.model_validate({name: getattr(one, name) for name in ThresholdOut.model_fields}) for one in found
    ]
