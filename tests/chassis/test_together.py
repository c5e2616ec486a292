"""Events that wait together: one transaction on SQLite, each alone where anything is wrong; what savepoints tell."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bus import Bus, connected_bus
from chassis.consumer import Consumer, EventRouter
from chassis.db import Database, utc_now
from chassis.inbox import FailedEvent, InboxRow
from chassis.outbox import OutboxRow, emit
from chassis.testing import NatsServer, eventually
from events.base import STRUCTURED, InvalidEvent, encode, uuid7
from events.users import CustomerChanged
from tests.chassis.test_delivery import a_customer

COUNT = 24


class Listener:
    """A service `documents` whose handler emits what it hears, once the broker has events for it."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self.database, self.bus = database, bus
        self.wrong: dict[UUID, Exception] = {}
        self.heard: list[UUID] = []
        self.commits = 0
        router = EventRouter("documents")

        @router.on(CustomerChanged)
        async def repeat(event: CustomerChanged, session: AsyncSession) -> None:
            emit(session, a_customer(f"{event.number}-heard"))
            if error := self.wrong.get(event.customer_id):
                raise error
            self.heard.append(event.customer_id)

        @sqlalchemy_event.listens_for(database.engine.sync_engine, "commit")
        def count(_connection: object) -> None:
            self.commits += 1

        self.consumer = Consumer(router, database, bus, retry_delays_seconds=(60,))

    async def publish(self, events: list[CustomerChanged]) -> None:
        for one in events:
            source, event_id = "/kundenportal/users", str(uuid7())
            payload = encode(one, source=source, event_id=event_id, time=utc_now(), traceparent=None)
            headers = {"Content-Type": STRUCTURED, "Nats-Msg-Id": f"{source}/{event_id}"}
            await self.bus.publish(one.subject, payload, headers)

    async def told(self) -> list[str]:
        async with self.database.reading() as session:
            rows = await session.scalars(select(OutboxRow.payload).order_by(OutboxRow.position))
            return [row.decode() for row in rows]

    async def settled(self) -> int:
        async with self.database.reading() as session:
            inbox = (await session.scalars(select(InboxRow))).all()
            failed = (await session.scalars(select(FailedEvent).where(FailedEvent.state == "waiting"))).all()
        return len(inbox) + len(failed)


@pytest.fixture
async def listener(new_database, nats: NatsServer) -> AsyncIterator[Listener]:
    database = Database(await new_database("documents"))
    bus = await connected_bus("documents", nats.url)
    await bus.apply()
    yield Listener(database, bus)
    await bus.close()
    await database.close()


@contextlib.asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[None]:
    task = asyncio.create_task(listener.consumer.run(["USERS"]))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_what_waits_together_is_handled_once_each_in_order_with_fewer_commits(listener: Listener) -> None:
    events = [a_customer(f"KD-{n:03}") for n in range(COUNT)]
    await listener.publish(events)

    async with listening(listener):
        await eventually(lambda: _is(len(listener.heard), COUNT))
        await eventually(lambda: _settled(listener, COUNT))

    assert listener.heard == [event.customer_id for event in events]
    told = await listener.told()
    assert len(told) == COUNT
    assert all(f"KD-{n:03}-heard" in text for n, text in enumerate(told))
    assert listener.database.is_sqlite is (listener.commits < COUNT)


async def test_one_that_is_wrong_takes_nobody_along(listener: Listener) -> None:
    events = [a_customer(f"KD-{n:03}") for n in range(COUNT)]
    listener.wrong = {
        events[5].customer_id: InvalidEvent("unlikely", "It cannot be so."),
        events[11].customer_id: ZeroDivisionError("a mistake of ours"),
    }
    await listener.publish(events)

    async with listening(listener):
        await eventually(lambda: _settled(listener, COUNT))

    good = [event for event in events if event.customer_id not in listener.wrong]
    assert set(listener.heard) == {event.customer_id for event in good}
    told = [json.loads(text)["data"]["number"] for text in await listener.told()]  # the buried one's own bytes too
    assert [number for number in told if number.endswith("-heard")] == [f"{event.number}-heard" for event in good]
    async with listener.database.reading() as session:
        failed = (await session.scalars(select(FailedEvent).order_by(FailedEvent.id))).all()
    assert [(one.state, one.reason) for one in failed] == [("buried", "unlikely"), ("waiting", "handler_error")]


async def test_only_what_was_emitted_in_a_rolled_back_savepoint_is_not_told(new_database) -> None:
    database = Database(await new_database("documents"))

    async with database.transaction() as session:
        emit(session, a_customer("first"))
        async with session.begin_nested():
            emit(session, a_customer("kept"))
        with contextlib.suppress(ZeroDivisionError):
            async with session.begin_nested():
                emit(session, a_customer("lost"))
                async with session.begin_nested():
                    emit(session, a_customer("lost with it"))
                raise ZeroDivisionError
        emit(session, a_customer("last"))

    async with database.reading() as session:
        rows = await session.scalars(select(OutboxRow.payload).order_by(OutboxRow.position))
        told = [row.decode() for row in rows]
    assert [next(word for word in ("first", "kept", "lost", "last") if word in text) for text in told] == [
        "first",
        "kept",
        "last",
    ]
    await database.close()


async def _is(found: int, wanted: int) -> bool:
    return found == wanted


async def _settled(listener: Listener, count: int) -> bool:
    return await listener.settled() == count
