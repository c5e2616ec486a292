"""The outbox: an event is written in the transaction that caused it; the relay publishes it afterwards.

At least once, in best-effort order. The rows stay for 35 days: a broker that lost its disk is filled again from here.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Index,
    Integer,
    LargeBinary,
    String,
    bindparam,
    delete,
    event,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, SessionTransaction, mapped_column

from chassis.db import Database, Utc, new_metadata, utc_now
from chassis.logging import log
from chassis.spans import traceparent
from chassis.telemetry import OUTBOX_OLDEST_AGE, OUTBOX_PENDING, OUTBOX_PUBLISHED
from events.base import STRUCTURED, Event, encode, uuid7

LARGEST_ROUND = 256
GATHER_SECONDS = 0.02
"""While much is emitted the relay lets this much time's worth come together: each round costs a read and a write."""

LONGEST_PAUSE_SECONDS = 2.0
"""Between two tries while the broker does not take anything."""

OWN_SOURCES = "/kundenportal/"
"""How the CloudEvents source of every service of ours begins."""

Publish = Callable[[str, bytes, dict[str, str]], Awaitable[None]]
"""Subject, payload, headers; returns once the broker has acknowledged."""


class DeliveryBase(DeclarativeBase):
    """The tables of event delivery; every service's database has them."""

    metadata = new_metadata()


class OutboxRow(DeliveryBase):
    """One message that waits for the broker (``published_at`` null), or has reached it."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "outbox_unpublished_idx",
            "position",
            sqlite_where=text("published_at IS NULL"),
            postgresql_where=text("published_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    position: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    subject: Mapped[str] = mapped_column(String(200))
    headers: Mapped[dict[str, str]] = mapped_column(JSON)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Utc)
    published_at: Mapped[datetime | None] = mapped_column(Utc)


_INSERT = insert(OutboxRow.__table__)  # type: ignore[arg-type]
_PENDING = (
    select(OutboxRow)
    .where(OutboxRow.published_at.is_(None))
    .order_by(OutboxRow.position)
    .limit(bindparam("most", type_=Integer))
)
_PENDING_HELD = _PENDING.with_for_update(skip_locked=True)
_MARK = (
    update(OutboxRow)
    .where(OutboxRow.position.in_(bindparam("done", expanding=True)))
    .values(published_at=bindparam("now"))
    .execution_options(synchronize_session=False)
)
_EMITTED, _MARKS = "outbox", "outbox_marks"
"""In the session: rows to be written, and how many there were when each savepoint was set."""


def emit(session: AsyncSession, *events: Event) -> None:
    """Tell the world, if and only if this session commits."""
    trace = traceparent() or None
    for told in events:
        event_id = str(uuid7())
        source = f"{OWN_SOURCES}{told.owner()}"
        now = utc_now()
        payload = encode(told, source=source, event_id=event_id, time=now, traceparent=trace)
        headers = {"Content-Type": STRUCTURED, "Nats-Msg-Id": f"{source}/{event_id}"}
        if trace:
            headers["traceparent"] = trace
        emit_raw(session, told.subject, payload, headers)


def emit_raw(session: AsyncSession, subject: str, payload: bytes, headers: dict[str, str]) -> None:
    """For messages that are no events of our own, such as dead letters with their original bytes."""
    row = {"subject": subject, "payload": payload, "headers": headers, "created_at": utc_now()}
    session.info.setdefault(_EMITTED, []).append(row)
    session.info["emitted"] = True


def _write_emitted(session: Session) -> None:
    """All rows in one statement, as the last one before the commit."""
    if not session.in_nested_transaction() and (rows := session.info.pop(_EMITTED, None)):
        session.execute(_INSERT, rows)


def _mark_savepoint(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        session.info.setdefault(_MARKS, {})[transaction] = len(session.info.get(_EMITTED, ()))


def _forget_rolled_back(session: Session, transaction: SessionTransaction) -> None:
    """What was emitted after a savepoint that is rolled back was never said."""
    if rows := session.info.get(_EMITTED):
        del rows[session.info[_MARKS][transaction] if transaction.nested else 0 :]


event.listen(Session, "before_commit", _write_emitted)
event.listen(Session, "after_transaction_create", _mark_savepoint)
event.listen(Session, "after_soft_rollback", _forget_rolled_back)


class Relay:
    """Publishes what waits in the outbox. Any number may run beside each other.

    PostgreSQL: each relay locks the rows it takes (``SKIP LOCKED``). SQLite: one relay per file, which reads, lets go,
    publishes many at once and marks in a short write. A crash between publishing and marking publishes again under the
    same ``Nats-Msg-Id``; consumers drop what their inbox knows.
    """

    def __init__(self, service: str, database: Database, publish: Publish, *, poll: timedelta, kept: timedelta) -> None:
        self._service = service
        self._database = database
        self._publish = publish
        self._poll_seconds = poll.total_seconds()
        self._kept = kept
        self._woken = asyncio.Event()
        database.on_emitted(self._woken.set)

    async def run(self) -> None:
        """Until cancelled. While the broker is away nothing is lost, only later."""
        wait = pause = 0.0
        next_housekeeping = 0.0
        loop = asyncio.get_running_loop()
        while True:
            try:
                published = await self.publish_pending()
                wait = self._poll_seconds
                if published:
                    wait = 0.0
                    await asyncio.sleep(GATHER_SECONDS if published < LARGEST_ROUND else 0)
                if loop.time() >= next_housekeeping:
                    next_housekeeping = loop.time() + 5
                    await self._measure_and_prune()
                pause = 0.0
            except Exception as error:
                pause = min(max(pause, 0.1) * 2, LONGEST_PAUSE_SECONDS)
                log.warning("relay_waits", error=repr(error)[:300])
            if pause:
                # Deaf to new events, or each of them would send all that waits against a wall.
                await asyncio.sleep(pause)
            elif wait:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._woken.wait()
            self._woken.clear()

    async def publish_pending(self, *, limit: int = LARGEST_ROUND) -> int:
        """Publish the oldest waiting messages; returns how many."""
        if self._database.is_sqlite:
            async with self._database.reading() as session:
                rows = (await session.scalars(_PENDING, {"most": limit})).all()
            if rows:
                done = await self._publish_all(rows)
                async with self._database.transaction() as session:
                    await _mark(session, done)
        else:
            async with self._database.transaction() as session:
                rows = (await session.scalars(_PENDING_HELD, {"most": limit})).all()
                if rows:
                    await _mark(session, await self._publish_all(rows))
        return len(rows)

    async def _publish_all(self, rows: Any) -> list[int]:
        """Positions of those the broker acknowledged; the outcome of the others is unknown, so they come again."""
        outcomes = await asyncio.gather(
            *(self._publish(row.subject, row.payload, row.headers) for row in rows), return_exceptions=True
        )
        done = [row.position for row, outcome in zip(rows, outcomes, strict=True) if outcome is None]
        OUTBOX_PUBLISHED.labels(self._service).inc(len(done))
        if not done:
            raise next(outcome for outcome in outcomes if isinstance(outcome, BaseException))
        return done

    async def _measure_and_prune(self) -> None:
        async with self._database.reading() as session:
            waiting = select(func.count(), func.min(OutboxRow.created_at)).where(OutboxRow.published_at.is_(None))
            count, oldest = (await session.execute(waiting)).one()
            last_kept = utc_now() - self._kept
            expired = select(OutboxRow.position).where(OutboxRow.published_at < last_kept).limit(1)
            prune = await session.scalar(expired) is not None
        OUTBOX_PENDING.labels(self._service).set(count)
        OUTBOX_OLDEST_AGE.labels(self._service).set((utc_now() - oldest).total_seconds() if oldest else 0)
        if prune:
            async with self._database.transaction() as session:
                await session.execute(delete(OutboxRow).where(OutboxRow.published_at < last_kept))


async def replay(session: AsyncSession, *, since: datetime) -> int:
    """Publish again everything emitted since then; listeners ignore what they know. Returns how many."""
    again = update(OutboxRow).where(OutboxRow.created_at >= since, OutboxRow.published_at.is_not(None))
    result: Any = await session.execute(again.values(published_at=None))
    session.info["emitted"] = True
    return int(result.rowcount)


async def _mark(session: AsyncSession, positions: list[int]) -> None:
    await session.execute(_MARK, {"done": positions, "now": utc_now()})
