"""One fault run: a billing system, the broker and a listener as processes, and the stores that they leave behind."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import DeclarativeBase

from chassis.bus import connected_bus
from chassis.db import Database
from chassis.inbox import InboxRow
from chassis.outbox import OutboxRow
from chassis.testing import create_tables, eventually, fresh_database
from tests.faults import source
from tests.faults.oracle import Stores, findings
from tests.faults.plan import Plan
from tests.faults.processes import Broker, Kept, Killable, Progress, Worked
from tests.faults.recorder import Base as RecorderBase
from tests.faults.recorder import Recorded
from tests.faults.storm import Target, storm, strike

SETTLES_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class Run:
    """Everything that lives during a run."""

    plan: Plan
    seconds: float
    source: Kept
    listener: Kept
    broker: Broker
    stores: Stores
    released: Path
    handled: Progress
    """How many events the listener has handled."""

    async def storm(self, kills: Mapping[str, int], **more: Target) -> None:
        """Everyone killed as often as wanted while the source emits; ends when all is emitted."""
        targets: dict[str, Target] = {"relay": self.source, "consumer": self.listener, "broker": self.broker, **more}
        self.source.dies_by_itself = self.listener.dies_by_itself = True
        await self.source.start()
        await self.listener.start()
        await strike(storm(self.plan.seed, kills, self.seconds), targets)
        await self.release()

    async def release(self) -> None:
        """No more deaths, and the rest of the events at once."""
        self.source.dies_by_itself = self.listener.dies_by_itself = False
        await asyncio.to_thread(self.released.touch)
        await eventually(self.all_emitted, seconds=SETTLES_WITHIN_SECONDS, every=0.1)

    async def settled(self) -> list[str]:
        """What is wrong a minute after the listener has caught up; usually nothing, and at once."""
        await self.caught_up()
        end = time.monotonic() + SETTLES_WITHIN_SECONDS
        while time.monotonic() < end:
            if await self.idle() and not await findings(self.stores, self.plan):
                return []
            await asyncio.sleep(0.1)
        return await findings(self.stores, self.plan) or ["the listener is not idle"]

    async def caught_up(self) -> None:
        """However slow the machine is, as long as it gets on."""
        while await self._left():
            before = await self.handled()

            async def gets_on(before: int = before) -> bool:
                return await self.handled() > before or not await self._left()

            await eventually(gets_on, seconds=SETTLES_WITHIN_SECONDS, every=0.2)

    async def _left(self) -> int:
        try:
            about = await self.stores.bus._stream_api().consumer_info("BILLING", "documents")
        except TimeoutError:
            return 1  # nobody knows: a cluster that was just killed finds its leader first
        return int(about.num_pending or 0)

    async def idle(self) -> bool:
        """Nothing waits in an outbox, nothing at the broker, nothing is out without its acknowledgement."""
        js = self.stores.bus._stream_api()
        for stream in ("BILLING", "USERS"):
            try:
                about = await js.consumer_info(stream, "documents")
            except TimeoutError:
                return False
            if about.num_pending or about.num_ack_pending:
                return False
        unpublished = OutboxRow.published_at.is_(None)
        here, there = (counting(one, OutboxRow, unpublished) for one in (self.stores.source, self.stores.documents))
        return await here() == await there() == 0

    async def all_emitted(self) -> bool:
        """The billing system has written all it has to say."""
        return await counting(self.stores.source, OutboxRow)() == len(self.plan.steps)

    def story(self) -> str:
        """For the reader of a report."""
        return (
            f"seed {self.plan.seed}, {len(self.plan.invoices)} invoices, {len(self.plan.steps)} events; "
            f"killed: relay {self.source.killed} (and {self.source.killed_itself} between publish and mark), "
            f"consumer {self.listener.killed} (and {self.listener.killed_itself} between commit and ack), "
            f"broker {self.broker.killed}"
        )


def counting(database: Database, table: type[DeclarativeBase], *where: ColumnElement[bool]) -> Progress:
    """Counts rows when asked."""

    async def count() -> int:
        async with database.reading() as session:
            return int(await session.scalar(select(func.count()).select_from(table).where(*where)) or 0)

    return count


@asynccontextmanager
async def prepared(
    plan: Plan,
    nats: Killable,
    folder: Path,
    *,
    seconds: float,
    postgres: str | None = None,
    inbox: bool | None = None,
    replicas: int = 1,
) -> AsyncIterator[Run]:
    """Fresh stores, a broker with its streams, processes that are not started yet.

    ``inbox`` None: the listener is the real documents service; else the recorder, with or without its inbox.
    """
    source_url = await fresh_database("documents", postgres, folder)
    documents_url = await fresh_database("documents", postgres, folder)
    bus = await connected_bus("oracle", nats.url, replicas=replicas)
    await bus.apply()
    stores = Stores(Database(source_url), Database(documents_url), folder / "objects", bus)
    orders = source.Orders(
        database_url=source_url,
        nats_url=nats.url,
        seed=plan.seed,
        count=plan.count,
        adverse=plan.adverse,
        begins_at=time.time() + 1,
        seconds=seconds,
        released=folder / "released",
    )
    environment = {
        "DOCUMENTS_DATABASE_URL": documents_url,
        "DOCUMENTS_NATS_URL": nats.url,
        "DOCUMENTS_STORAGE_URL": f"file:{stores.objects}",
    }
    module = "tests.faults.documents" if inbox is None else "tests.faults.recorder"
    told = json.dumps({"database_url": documents_url, "nats_url": nats.url, "inbox": bool(inbox)})
    done = counting(stores.documents, InboxRow if inbox is None else Recorded)
    published = counting(stores.source, OutboxRow, OutboxRow.published_at.is_not(None))
    enough = max(1, plan.count // 200)
    billing = Kept(
        "tests.faults.source",
        orders.model_dump_json(),
        log=folder / "source.log",
        environment={},
        worked=Worked(published, enough),
        seed=plan.seed,
    )
    listener = Kept(
        module, told, log=folder / "listener.log", environment=environment, worked=Worked(done, enough), seed=plan.seed
    )
    if inbox is not None:
        await create_tables(documents_url, RecorderBase.metadata)
    try:
        yield Run(
            plan, seconds, billing, listener, Broker(nats, Worked(published, enough)), stores, orders.released, done
        )
    finally:
        await asyncio.gather(billing.stop(), listener.stop())
        await bus.close()
        await stores.source.close()
        await stores.documents.close()
