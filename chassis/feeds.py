"""Records of a feed: what became of each, what waits for its customer, and what operators decide about the rest."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar
from uuid import UUID, uuid4

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import JSON, String, Uuid, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from chassis.access import Operator
from chassis.consumer import is_outage
from chassis.db import Database, Session, Utc, insert_new, utc_now
from chassis.dead_letters import UNSETTLED, RecordNotFound, RecordSettled, buried_event
from chassis.identity import Identity
from chassis.inbox import FailedEvent, drop, try_again
from chassis.logging import log
from chassis.paging import cursor_of, key_of
from events.base import InvalidEvent

AT_ONCE = 500
"""More than so many wait for the next round, so that no transaction grows without bound."""


class FeedRecordColumns:
    """The columns that every service's ``feed_records`` has."""

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    source: Mapped[str] = mapped_column(String(256))
    event_id: Mapped[str] = mapped_column(String(256))
    subject: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10))
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    customer_number: Mapped[str | None] = mapped_column(String(64))
    number: Mapped[str | None] = mapped_column(String(64))
    """The source's own for what the record is about."""
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """The record while it may still take effect, or where a refused one's bytes are kept."""
    occurred_at: Mapped[datetime] = mapped_column(Utc)
    received_at: Mapped[datetime] = mapped_column(Utc)
    changed_at: Mapped[datetime] = mapped_column(Utc)

    @property
    def delivery(self) -> str | None:
        """Where the bytes of an event are kept that was refused on arrival; None: the record itself is kept here."""
        return (self.payload or {}).get("delivery")


RecordT = TypeVar("RecordT", bound=FeedRecordColumns)


class RecordOutBase(BaseModel):
    """A feed record that waits for a decision, as the operator sees it; services add what it is about."""

    id: UUID
    event_id: str
    source: str
    subject: str
    customer_number: str | None
    number: str | None
    reason: str
    detail: str | None
    reasons: list[dict[str, str]]
    received_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, record: FeedRecordColumns) -> Self:
        """The first reason is the one to show."""
        return cls(**cls.shared(record))

    @classmethod
    def shared(cls, record: FeedRecordColumns) -> dict[str, Any]:
        """The fields that are columns of the record, and its first reason."""
        first = next(iter(record.reasons), {})
        columns = {name: getattr(record, name) for name in cls.model_fields if hasattr(record, name)}
        return {"reason": first.get("reason", ""), "detail": first.get("detail"), **columns}


class OfSource(Protocol):
    """What one source sent for one customer."""

    source: str
    customer_number: str | None


FeedT = TypeVar("FeedT", bound=OfSource)


def spread(
    feeds: Iterable[FeedT],
    waiting: Mapping[tuple[str, str | None, str], int],
    fields: Mapping[str, str],
    empty: Callable[[str, str | None], FeedT],
) -> tuple[list[FeedT], dict[str, int]]:
    """Counts of unsettled records by source, customer number and state go to their feed, or make one; and the totals.

    Args:
        feeds: What is known.
        waiting: As `count_unsettled` gives it.
        fields: State to the name of its count.
        empty: A feed of this source and customer number of which nothing was taken yet.
    """
    rows = {(feed.source, feed.customer_number): feed for feed in feeds}
    totals = dict.fromkeys(fields.values(), 0)
    for (source, number, state), count in waiting.items():
        setattr(rows.setdefault((source, number), empty(source, number)), fields[state], count)
        totals[fields[state]] += count
    return list(rows.values()), totals


class Outcome(Protocol):
    """A frozen dataclass whose fields are columns of the record."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def state(self) -> str:
        """The record's."""

    @property
    def reasons(self) -> tuple[dict[str, str], ...]:
        """Why not, where it was not taken."""


@dataclass(frozen=True, slots=True)
class NoteBase:
    """The line about one feed record that its sender and the operator can read."""

    source: str
    event_id: str
    subject: str
    occurred_at: datetime

    async def put(
        self, session: AsyncSession, table: type[FeedRecordColumns], outcome: Outcome, **more: Any
    ) -> tuple[UUID, bool]:
        """Write it, or bring it up to date; returns its id, and whether it is new."""
        now, record_id = utc_now(), uuid4()
        values = {one.name: getattr(outcome, one.name) for one in fields(outcome)}
        values |= {"reasons": list(outcome.reasons), "changed_at": now, **more}
        key = {"source": self.source, "event_id": self.event_id}
        first = {"id": record_id, "subject": self.subject, "occurred_at": self.occurred_at, "received_at": now}
        if await insert_new(session, table, **key, **first, **values):
            return record_id, True
        known: UUID = (await session.scalars(select(table.id).filter_by(**key))).one()
        again = update(table).where(table.id == known).values(**values)
        await session.execute(again.execution_options(synchronize_session="fetch"))
        return known, False


def reasons_of(invalid: InvalidEvent) -> tuple[dict[str, str], ...]:
    """One for each error, or the one that there is."""
    detail = invalid.detail[:2000]
    reasons = [{"reason": invalid.reason, "detail": detail, **error} for error in invalid.errors]
    return tuple(reasons) or ({"reason": invalid.reason, "detail": detail},)


async def settle_or_refuse(
    session: AsyncSession,
    event_id: str,
    settle: Callable[[], Awaitable[object]],
    refuse: Callable[[InvalidEvent], Awaitable[object]],
) -> None:
    """One record that is kept here; whatever is wrong with it refuses this one only, never its customer's event."""
    try:
        async with session.begin_nested():
            await settle()
    except Exception as error:
        if is_outage(error):
            raise
        log.error("waiting_record_failed", event_id=event_id, exc_info=error)
        await refuse(error if isinstance(error, InvalidEvent) else InvalidEvent("handler_error", type(error).__name__))


async def oldest_parked(
    session: AsyncSession, table: type[RecordT], *conditions: Any, at_most: int = AT_ONCE
) -> list[RecordT]:
    """What was parked first, of the records that fit."""
    waiting = select(table).where(table.state == "parked", *conditions)
    return list((await session.scalars(waiting.order_by(table.received_at, table.id).limit(at_most))).all())


async def release_for_ever(
    database: Database,
    next_waiting: Callable[[AsyncSession], Awaitable[str | None]],
    release: Callable[[AsyncSession, str], Awaitable[int]],
    *,
    every: timedelta,
) -> None:
    """The rest of what is too much for one transaction, and whatever slipped through.

    Args:
        database: Of the service.
        next_waiting: A known customer's number for which records are still parked.
        release: Holds the customer and settles what waits for it; returns how many.
        every: Pause when nothing waits.
    """
    while True:
        async with database.reading() as session:
            number = await next_waiting(session)
        if number is None:
            await asyncio.sleep(every.total_seconds())
            continue
        async with database.transaction() as session:
            released = await release(session, number)
        log.info("parked_records_released", records=released)


async def pile(
    session: AsyncSession, table: type[RecordT], state: str, limit: int, cursor: str | None
) -> tuple[list[RecordT], str | None]:
    """A page of the records in this state, newest first, and the cursor behind it."""
    # the second condition is the partial index's own
    records = select(table).where(table.state == state, table.state != "filed")
    if cursor:
        received_at, last_id = key_of(cursor, datetime, UUID)
        same_moment = and_(table.received_at == received_at, table.id < last_id)
        records = records.where(or_(table.received_at < received_at, same_moment))
    newest = records.order_by(table.received_at.desc(), table.id.desc())
    found = list((await session.scalars(newest.limit(limit + 1))).all())
    shown = found[:limit]
    return shown, cursor_of(shown[-1].received_at, shown[-1].id) if len(found) > limit else None


async def unsettled(session: AsyncSession, table: type[RecordT], record_id: UUID, state: str) -> RecordT:
    """The record, held.

    Raises:
        RecordNotFound: there is none.
        RecordSettled: somebody else decided, or it was settled.
    """
    record = await session.get(table, record_id, with_for_update=True)
    if record is None:
        raise RecordNotFound(record_id=str(record_id))
    if record.state != state:
        raise RecordSettled(record_id=str(record_id), state=record.state)
    return record


async def retry(
    session: AsyncSession, record: RecordT, settle_again: Callable[[AsyncSession, RecordT], Awaitable[None]]
) -> None:
    """Refused on arrival: the event is handled anew. Kept here: settled again."""
    if record.delivery:
        await try_again(session, await buried_event(session, FailedEvent.delivery == record.delivery))
    else:
        await settle_again(session, record)


async def give_up(session: AsyncSession, record: FeedRecordColumns) -> None:
    """Nobody needs it."""
    if record.delivery:
        kept = await session.scalar(select(FailedEvent).where(FailedEvent.delivery == record.delivery))
        if kept is not None and kept.state == "buried":
            drop(kept)
    record.state, record.payload, record.changed_at = "dropped", None, utc_now()


async def count_unsettled(
    session: AsyncSession, table: type[FeedRecordColumns], states: tuple[str, ...]
) -> dict[tuple[str, str | None, str], int]:
    """How many records wait for a decision, by source, customer number and state."""
    of = (table.source, table.customer_number, table.state)
    counted = select(*of, func.count()).where(table.state.in_(states), table.state != "filed").group_by(*of)
    return {(source, number, state): count for source, number, state, count in await session.execute(counted)}


@dataclass(frozen=True, slots=True)
class Pile(Generic[RecordT]):
    """Records in one state, and what an operator can do with each; the acts return the audit log's word for it."""

    path: str
    state: str
    retry: Callable[[AsyncSession, RecordT], Awaitable[str]]
    drop: Callable[[AsyncSession, RecordT], Awaitable[str]]
    retry_doc: str = "Settle it again: perhaps what it waited for is there now."
    drop_doc: str = "Nobody needs it."


def add_decisions(
    router: APIRouter,
    table: type[RecordT],
    of_state: Pile[RecordT],
    note: Callable[[AsyncSession, RecordT, str, Identity], Awaitable[None]],
) -> None:
    """``/PATH/{record_id}/retry`` and ``/drop``, below the router of a service's operators.

    Args:
        router: Theirs.
        table: The service's records.
        of_state: Which of them.
        note: Writes the line for the audit log.
    """

    async def decide(session: AsyncSession, record_id: UUID, operator: Identity, *, again: bool) -> None:
        record = await unsettled(session, table, record_id, of_state.state)
        done = await (of_state.retry if again else of_state.drop)(session, record)
        await note(session, record, done, operator)

    async def retry_record(record_id: UUID, operator: Operator, session: Session) -> None:
        await decide(session, record_id, operator, again=True)

    async def drop_record(record_id: UUID, operator: Operator, session: Session) -> None:
        await decide(session, record_id, operator, again=False)

    retry_record.__doc__, drop_record.__doc__ = of_state.retry_doc, of_state.drop_doc
    for verb, endpoint, status in (("retry", retry_record, 202), ("drop", drop_record, 204)):
        router.add_api_route(
            f"/{of_state.path}/{{record_id}}/{verb}",
            endpoint,
            name=f"{verb}_{of_state.path}",
            methods=["POST"],
            status_code=status,
            responses=UNSETTLED,
        )
