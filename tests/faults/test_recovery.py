"""How long until the next newly emitted invoice is filed, after a SIGKILL in the middle of the flow."""

import json
import os
import random
import statistics
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from chassis.db import utc_now
from chassis.outbox import OutboxRow
from chassis.testing import NatsServer, eventually
from services.documents.models import Document
from tests.faults.figures import say
from tests.faults.plan import Plan
from tests.faults.processes import Broker, Kept
from tests.faults.run import Run, prepared

FULL = os.environ.get("FAULTS") == "full"
SEED = int(os.environ.get("FAULTS_SEED") or random.randrange(1, 2**31))
PER_SECOND = 10
ROUNDS = 12
WORST_SECONDS = 30
GOAL = "goal: median 500, worst 2,000 ms"

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not FULL, reason="a figure of `make faults`: it needs the machine for itself"),
]


async def first_filed(run: Run, after: datetime) -> datetime | None:
    """When the first was filed of those that were emitted after that moment."""
    async with run.stores.source.reading() as session:
        newer = select(OutboxRow.payload).where(OutboxRow.created_at > after).order_by(OutboxRow.position).limit(100)
        numbers = [json.loads(payload)["data"].get("invoice_number") for payload in await session.scalars(newer)]
    async with run.stores.documents.reading() as session:
        filed = select(func.min(Document.filed_at)).where(Document.number.in_(numbers))
        found: datetime | None = await session.scalar(filed)
        return found


async def milliseconds_to_the_next(run: Run, target: Kept | Broker) -> float:
    begun = utc_now()
    await eventually(lambda: first_filed(run, begun), seconds=60, every=0.05)
    await target.kill()
    killed_at = target.killed_at
    filed_at: datetime = await eventually(lambda: first_filed(run, killed_at), seconds=WORST_SECONDS, every=0.05)
    return (filed_at - killed_at).total_seconds() * 1000


async def test_events_flow_again_soon_after_each_kill(nats: NatsServer, tmp_path: Path) -> None:
    """The broker's figure ends the same way: with a document."""
    plan = Plan(SEED, 100_000, adverse=False)
    async with prepared(plan, nats, tmp_path, seconds=plan.count / PER_SECOND) as run:
        await run.source.start()
        await run.listener.start()
        for name, target in (("relay", run.source), ("consumer", run.listener), ("broker", run.broker)):
            took = [await milliseconds_to_the_next(run, target) for _ in range(ROUNDS)]
            say(
                f"kill -9 of the {name} to the next new invoice filed: median {statistics.median(took):,.0f} ms, "
                f"worst {max(took):,.0f} ms over {len(took)} kills ({GOAL})"
            )
