"""The broker loses everything; and the oracle, which must see what it is there to see."""

import random
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, update

from chassis.db import utc_now
from chassis.inbox import InboxRow
from chassis.outbox import OutboxRow, replay
from chassis.testing import NatsServer, eventually
from services.documents.models import Document, FeedRecord, FolderCount
from tests.faults.figures import say
from tests.faults.oracle import findings
from tests.faults.plan import EACH_POISON, Plan
from tests.faults.run import Run, counting, prepared

SEED = random.randrange(1, 2**31)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


async def more_than(run: Run, count: int, *, published: bool) -> None:
    database, table = (run.stores.source, OutboxRow) if published else (run.stores.documents, InboxRow)
    where = [OutboxRow.published_at.is_not(None)] if published else []
    so_far = counting(database, table, *where)

    async def reached() -> bool:
        return await so_far() > count

    await eventually(reached, seconds=60)


async def test_a_broker_that_lost_its_store_is_healed_by_replay(nats: NatsServer, tmp_path: Path) -> None:
    """Some events are handled, some stored but not yet seen, some not yet emitted when the store goes."""
    plan = Plan(SEED, 3 * EACH_POISON)
    async with prepared(plan, nats, tmp_path, seconds=6.0) as run:
        await run.source.start()
        await run.listener.start()
        await more_than(run, 40, published=False)
        await run.listener.stop()
        await more_than(run, 80, published=True)

        await run.source.stop()
        await run.broker.lose_everything()
        lost_at = utc_now()
        await run.stores.bus.apply()
        # the numbers of the new stream begin at 1 again: another poison now bears the number of the first
        for step in (("invoice", 0), ("poison", 2 * EACH_POISON)):
            message = plan.message(step)
            await run.stores.bus.publish(message.subject, message.payload, message.headers)
        for database in (run.stores.source, run.stores.documents):
            async with database.transaction() as session:
                await replay(session, since=lost_at - timedelta(days=1))
        await run.source.start()
        await run.listener.start()
        await run.release()

        assert await run.settled() == []
        say(f"seed {SEED}: broker's store wiped, healed after {(utc_now() - lost_at).total_seconds():.1f} s")


async def test_the_oracle_sees_what_is_lost_doubled_or_changed(nats: NatsServer, tmp_path: Path) -> None:
    plan = Plan(SEED, 30)
    async with prepared(plan, nats, tmp_path, seconds=1.0) as run:
        await run.source.start()
        await run.listener.start()
        await run.release()
        assert await run.settled() == []
        await run.listener.stop()
        await run.source.stop()
        first, second, *_ = (path for path in run.stores.objects.rglob("*") if path.is_file())
        async with run.stores.documents.transaction() as session:
            one, two, three = sorted(plan.invoices)[:3]
            await session.execute(update(Document).where(Document.number == one).values(number="RE-X"))
            await session.execute(update(Document).where(Document.number == two).values(customer_id=uuid4()))
            await session.execute(delete(FeedRecord).where(FeedRecord.number == three))
            await session.execute(update(FolderCount).values(count=FolderCount.count + 1))
            await session.execute(delete(InboxRow).where(InboxRow.event_id == f"{SEED}-{three}"))
            filed = OutboxRow.subject == "documents.invoice.filed.v1"
            told = (await session.scalars(select(OutboxRow).where(filed).order_by(OutboxRow.position).limit(1))).one()
            await session.execute(
                update(OutboxRow).where(OutboxRow.position == told.position).values(published_at=None)
            )
        content = first.read_bytes()
        first.write_bytes(content[:-1] + b"?")
        second.unlink()
        again = told.payload.replace(b'"id":"', b'"id":"again-', 1)
        await run.stores.bus.publish(told.subject, again, {"Content-Type": "application/cloudevents+json"})
        await run.stores.bus.publish("dlq.documents", b"?", {"Dead-Reason": "invalid_json"})

        said = "\n".join(await findings(run.stores, plan))

        for expected in (
            f"{one}: 0 documents",
            "RE-X: a document without an invoice",
            f"{two}: filed for another customer",
            f"{three}: nothing is known of it",
            f"{three}: not in the inbox",
            "documents: 1 outbox rows wait",
            "folder_counts: ",
            f"objects: {first.name} is missing",
            f"objects: {second.name} is missing",
            "is too much",
            "told by 2 events",
            "DEAD_LETTERS: ('', 'invalid_json') is too much",
        ):
            assert expected in said, said
