"""Outbox -> relay -> nats-server -> consumer -> inbox, on both databases."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from chassis.bus import Bus, connected_bus
from chassis.consumer import Consumer, DependencyDown, EventRouter
from chassis.db import Database, utc_now
from chassis.inbox import FailedEvent, InboxRow, forget_for_ever
from chassis.outbox import OutboxRow, Relay, emit
from chassis.testing import NatsServer, eventually
from events.base import STRUCTURED, InvalidEvent
from events.users import CustomerChanged
from tests.conftest import NewDatabase


def a_customer(number: str = "KD-10001") -> CustomerChanged:
    return CustomerChanged(
        customer_id=uuid4(),
        version=1,
        number=number,
        name="Beispiel AG",
        end_user=True,
        colocation=False,
        language="de",
        time_zone="Europe/Berlin",
        email_domains=(),
        active=True,
    )


class Chain:
    """A database that is both sender and listener `documents`, with relay and consumer running."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self.database = database
        self.bus = bus
        self.router = EventRouter("documents")
        self.seen: list[UUID] = []
        self.fail_with: list[Exception] = []

        @self.router.on(CustomerChanged)
        async def note(event: CustomerChanged, _session: AsyncSession) -> None:
            if self.fail_with:
                raise self.fail_with.pop(0)
            self.seen.append(event.customer_id)

        self.relay = Relay("documents", database, bus.publish, poll=timedelta(milliseconds=50), kept=timedelta(days=35))
        self.consumer = Consumer(self.router, database, bus, retry_delays_seconds=(0.1, 0.1, 0.1))

    async def count(self, statement: object) -> int:
        async with self.database.reading() as session:
            return int(await session.scalar(statement) or 0)  # type: ignore[call-overload]


@pytest.fixture
async def chain(new_database, nats: NatsServer) -> AsyncIterator[Chain]:
    database = Database(await new_database("documents"))
    bus = await connected_bus("documents", nats.url)
    await bus.apply()
    chain = Chain(database, bus)
    tasks = [asyncio.create_task(chain.relay.run()), asyncio.create_task(chain.consumer.run(["USERS"]))]
    yield chain
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await bus.close()
    await database.close()


async def test_an_emitted_event_reaches_its_handler_once(chain: Chain) -> None:
    event = a_customer()

    async with chain.database.transaction() as session:
        emit(session, event)

    await eventually(lambda: _true(chain.seen == [event.customer_id]))
    assert await chain.count(select(func.count()).select_from(InboxRow)) == 1
    await eventually(lambda: _empty_outbox(chain))


async def test_a_rolled_back_transaction_emits_nothing(chain: Chain) -> None:
    async def fail_after_emitting() -> None:
        async with chain.database.transaction() as session:
            emit(session, a_customer())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_emitting()

    assert await chain.count(select(func.count()).select_from(OutboxRow)) == 0


async def test_the_same_event_twice_has_one_effect(chain: Chain) -> None:
    event = a_customer()
    async with chain.database.transaction() as session:
        emit(session, event)
    await eventually(lambda: _true(chain.seen))
    async with chain.database.reading() as session:
        row = (await session.scalars(select(OutboxRow))).one()

    without_id = {name: value for name, value in row.headers.items() if name != "Nats-Msg-Id"}
    await chain.bus.publish(row.subject, row.payload, without_id)
    other = a_customer("KD-10002")
    async with chain.database.transaction() as session:
        emit(session, other)

    await eventually(lambda: _true(other.customer_id in chain.seen))
    assert chain.seen == [event.customer_id, other.customer_id]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{not json", "invalid_json"),
        (b"[]", "not_a_cloudevent"),
        (json.dumps({"specversion": "1.0", "id": "1"}).encode(), "invalid_envelope"),
        (
            json.dumps({"specversion": "1.0", "id": "1", "source": "/x", "type": "users.customer.changed.v1"}).encode(),
            "invalid_data",
        ),
    ],
)
async def test_poison_is_buried_with_its_reason_and_the_next_goes_through(
    chain: Chain, payload: bytes, reason: str
) -> None:
    await chain.bus.publish("users.customer.changed.v1", payload, {"Content-Type": STRUCTURED})
    event = a_customer()
    async with chain.database.transaction() as session:
        emit(session, event)

    await eventually(lambda: _true(chain.seen == [event.customer_id]))
    async with chain.database.reading() as session:
        buried = (await session.scalars(select(FailedEvent))).one()
        dead = await session.scalar(select(OutboxRow).where(OutboxRow.subject == "dlq.documents"))
    assert (buried.state, buried.reason, buried.payload) == ("buried", reason, payload)
    assert dead is not None
    assert (dead.payload, dead.headers["Dead-Reason"]) == (payload, reason)


async def test_a_handlers_error_is_retried_until_it_works(chain: Chain) -> None:
    chain.fail_with = [ValueError("once"), ValueError("twice")]
    event = a_customer()

    async with chain.database.transaction() as session:
        emit(session, event)

    await eventually(lambda: _true(chain.seen == [event.customer_id]))
    await eventually(lambda: _state_is(chain, "done"))


async def test_a_handler_that_never_works_is_buried_after_its_tries(chain: Chain) -> None:
    chain.fail_with = [ValueError("always")] * 20

    async with chain.database.transaction() as session:
        emit(session, a_customer())

    await eventually(lambda: _state_is(chain, "buried"))
    assert len(chain.fail_with) == 20 - 4


async def test_an_outage_pauses_and_counts_nothing(chain: Chain) -> None:
    chain.fail_with = [DependencyDown("store"), OSError("disk")]
    event = a_customer()

    async with chain.database.transaction() as session:
        emit(session, event)

    await eventually(lambda: _true(chain.seen == [event.customer_id]))
    assert await chain.count(select(func.count()).select_from(FailedEvent)) == 0


async def test_an_invalid_event_found_by_the_handler_is_buried_at_once(chain: Chain) -> None:
    chain.fail_with = [InvalidEvent("checksum_mismatch", "other bytes")]

    async with chain.database.transaction() as session:
        emit(session, a_customer())

    await eventually(lambda: _state_is(chain, "buried"))
    assert chain.seen == []


async def test_killing_the_broker_loses_nothing(chain: Chain, nats: NatsServer) -> None:
    events = [a_customer(f"KD-{n}") for n in range(20)]
    async with chain.database.transaction() as session:
        emit(session, *events[:10])
    nats.kill()
    async with chain.database.transaction() as session:
        emit(session, *events[10:])
    nats.start()

    expected = {event.customer_id for event in events}
    await eventually(lambda: _true(set(chain.seen) == expected), seconds=20)
    assert len(chain.seen) == 20


async def test_the_same_trouble_with_the_broker_is_said_once_in_a_while(nats: NatsServer) -> None:
    bus = await connected_bus("documents", nats.url)
    with capture_logs() as said:
        for _ in range(30):
            await bus._on_error(ConnectionRefusedError(111, "refused"))
        await bus._on_error(TimeoutError("something else"))
    await bus.close()

    assert [line["error"] for line in said if line["event"] == "bus_error"] == [
        "ConnectionRefusedError(111, 'refused')",
        "TimeoutError('something else')",
    ]


async def _true(value: object) -> object:
    return value


async def _empty_outbox(chain: Chain) -> bool:
    waiting = select(func.count()).select_from(OutboxRow).where(OutboxRow.published_at.is_(None))
    return await chain.count(waiting) == 0


async def _state_is(chain: Chain, state: str) -> bool:
    async with chain.database.reading() as session:
        return [row.state for row in await session.scalars(select(FailedEvent))] == [state]


async def test_what_no_stream_can_bring_again_is_forgotten(new_database: NewDatabase) -> None:
    database = Database(await new_database("documents"))
    now = utc_now()
    async with database.transaction() as session:
        for days in (99, 101):
            row = {"source": "/billing/test", "event_id": str(days), "subject": "billing.invoice.published.v1"}
            session.add(InboxRow(**row, handled_at=now - timedelta(days=days)))

    async def known() -> list[str]:
        async with database.reading() as session:
            return list(await session.scalars(select(InboxRow.event_id).order_by(InboxRow.event_id)))

    async def only_the_young() -> bool:
        return await known() == ["99"]

    assert await known() == ["101", "99"]
    forgetting = asyncio.create_task(forget_for_ever(database, kept=timedelta(days=100)))
    await eventually(only_the_young)
    forgetting.cancel()
    await database.close()


async def test_while_the_broker_takes_nothing_the_relay_rests(new_database: NewDatabase) -> None:
    database = Database(await new_database("documents"))
    broker_is_back = False
    tries = taken = 0

    async def publish(_subject: str, _payload: bytes, _headers: Mapping[str, str]) -> None:
        nonlocal tries, taken
        tries += 1
        if not broker_is_back:
            raise TimeoutError
        taken += 1

    relay = Relay("documents", database, publish, poll=timedelta(milliseconds=50), kept=timedelta(days=35))
    relaying = asyncio.create_task(relay.run())
    for _ in range(40):
        async with database.transaction() as session:
            emit(session, a_customer())
    assert tries < 200, "each new event sent all that waits against a wall"

    broker_is_back = True
    await eventually(lambda: _true(taken == 40))
    relaying.cancel()
    await database.close()
