"""Lines as their sources tell them: which one a name means, and what a newer state changes."""

from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import insert_new, utc_now
from chassis.outbox import emit
from events.network import LineUpserted
from services.metrics.models import Counters, Customer, Group, Line, Rollup, Slot
from services.metrics.store.rows import is_postgresql
from services.metrics.store.samples import derive

_NAMES_AT_ONCE = 500
_SAME = (
    "customer_number",
    "name",
    "site",
    "circuit",
    "interface",
    "capacity_bps",
    "commit_bps",
    "percentile_method",
    "contract_number",
    "position_number",
    "version",
    "removed",
)
"""Fields that a line takes from its event as they are."""


class Known(NamedTuple):
    """What the store needs of a line."""

    number: int
    ceiling_bps: int


async def known_lines(session: AsyncSession, source: str, names: Collection[str]) -> dict[str, Known]:
    """The lines meant by these ids: the source's own, else the only one that any source calls so."""
    wanted = sorted(names)
    own: dict[str, Known] = {}
    others: dict[str, list[Known]] = {}
    for start in range(0, len(wanted), _NAMES_AT_ONCE):
        some = Line.source_line_id.in_(wanted[start : start + _NAMES_AT_ONCE])
        rows = select(Line.source, Line.source_line_id, Line.number, Line.ceiling_bps).where(some)
        for of, name, number, ceiling in await session.execute(rows):
            if of == source:
                own[name] = Known(number, ceiling)
            else:
                others.setdefault(name, []).append(Known(number, ceiling))
    return {name: lines[0] for name, lines in others.items() if len(lines) == 1} | own


async def hold_names(session: AsyncSession, names: Iterable[str]) -> None:
    """A line that arrives and samples that wait for it see each other, whoever comes second. SQLite has one writer."""
    if is_postgresql(session):
        for name in sorted(names):
            lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
            await session.execute(lock, {"key": f"line/{name}"})


async def hold_customer(session: AsyncSession, number: str) -> None:
    """The same for a customer and the lines that wait for it."""
    if is_postgresql(session):
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
        await session.execute(lock, {"key": f"customer/{number}"})


async def customer_of(session: AsyncSession, number: str) -> UUID | None:
    """The customer who bears this number now."""
    bearers = select(Customer.id).where(Customer.number == number).order_by(Customer.active.desc(), Customer.id)
    found: UUID | None = await session.scalar(bearers.limit(1))
    return found


async def upsert(session: AsyncSession, event: LineUpserted) -> None:
    """Take a newer state of a line; an older or equal one changes nothing."""
    source = event.envelope.source
    await hold_customer(session, event.customer_number)
    await hold_names(session, [event.line_id])
    mine = select(Line).where(Line.source == source, Line.source_line_id == event.line_id)
    line = await session.scalar(mine.with_for_update())
    if line is not None and line.version >= event.version:
        return
    group_id = await _group_of(session, event)
    if line is None:
        line = Line(
            id=uuid4(),
            source=source,
            source_line_id=event.line_id,
            ceiling_bps=event.capacity_bps,
            received_at=utc_now(),
            last_sample_ms=0,
            due=True,
            limits_version=1,
        )
        session.add(line)
    for name in _SAME:
        setattr(line, name, getattr(event, name))
    line.group_id = group_id
    line.customer_id = await customer_of(session, event.customer_number)
    line.due = True
    risen = event.capacity_bps > line.ceiling_bps
    line.ceiling_bps = max(line.ceiling_bps, event.capacity_bps)
    await session.flush()
    if risen:
        await derive(session, line.number, line.ceiling_bps)
    if line.customer_id is not None:
        emit(session, line.changed())


async def take_customer(session: AsyncSession, customer: Customer) -> None:
    """Keep the newest state of a customer, and give it the lines that waited for its number."""
    await hold_customer(session, customer.number)
    names = ("id", "number", "name", "time_zone", "active", "version")
    state = {name: getattr(customer, name) for name in names}
    if not await insert_new(session, Customer, **state):
        newer = update(Customer).where(Customer.id == customer.id, Customer.version < customer.version)
        await session.execute(newer.values(**state).execution_options(synchronize_session=False))
    await adopt(session, customer.number)


async def adopt(session: AsyncSession, customer_number: str) -> int:
    """Lines that wait for this customer become theirs; returns how many."""
    customer_id = await customer_of(session, customer_number)
    if customer_id is None:
        return 0
    waiting = select(Line).where(Line.customer_number == customer_number, Line.customer_id.is_(None))
    found = (await session.scalars(waiting.order_by(Line.number).with_for_update())).all()
    for line in found:
        line.customer_id, line.due = customer_id, True
        emit(session, line.changed())
    return len(found)


async def forget_line(session: AsyncSession, line: Line) -> None:
    """A line that nobody owns goes, with all that was measured."""
    for table in (Counters, Slot, Rollup):
        await session.execute(delete(table).where(table.line_number == line.number))
    await session.delete(line)


async def _group_of(session: AsyncSession, event: LineUpserted) -> UUID | None:
    """The group that it names, made when it is new."""
    if event.group is None:
        return None
    key = {"source": event.envelope.source, "customer_number": event.customer_number, "name": event.group}
    insert = (postgresql if is_postgresql(session) else sqlite).insert(Group)
    await session.execute(insert.values(id=uuid4(), **key).on_conflict_do_nothing())
    found: UUID | None = await session.scalar(select(Group.id).filter_by(**key))
    return found
