"""The billing system of the fault runs, as a process: emits the plan into its own outbox, and relays it.

``python -m tests.faults.source '{"database_url": ..., ...}'``. Started again it goes on where its database says.
"""

import asyncio
import math
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlalchemy import func, select

from chassis.bus import connected_bus
from chassis.db import Database
from chassis.logging import configure_logging, log
from chassis.outbox import OutboxRow, Relay, emit_raw
from tests.faults.dying import WorstMoment
from tests.faults.plan import Plan

LARGEST_STEP = 25
BY_THE_CLOCK = 0.6


class Orders(BaseModel):
    """What the harness wants."""

    database_url: str
    nats_url: str
    seed: int
    count: int
    adverse: bool
    begins_at: float
    seconds: float
    released: Path
    """Exists once the kills are over."""


class DyingRelay(Relay):
    """The relay; on some lives it dies after the broker has acknowledged and before the rows are marked."""

    moment = WorstMoment()

    async def _publish_all(self, rows: Any) -> list[int]:
        done = await super()._publish_all(rows)
        self.moment.passed()
        return done


def share_due(orders: Orders) -> float:
    """Evenly by the clock at first; then ever less, so that events flow until the last kill; then the rest at once."""
    if orders.released.exists():
        return 1.0
    share = max(0.0, time.time() - orders.begins_at) / orders.seconds
    if share <= BY_THE_CLOCK:
        return share
    return 1.0 - (1.0 - BY_THE_CLOCK) * math.exp(BY_THE_CLOCK - share)


async def emit_on_time(database: Database, plan: Plan, orders: Orders) -> None:
    """What was missed while dead is caught up."""
    done = 0
    while done < len(plan.steps):
        try:
            done = await _emit_due(database, plan, orders)
        except Exception as error:
            log.warning("source_waits", error=repr(error)[:300])
        await asyncio.sleep(0.02)


async def _emit_due(database: Database, plan: Plan, orders: Orders) -> int:
    due = math.floor(len(plan.steps) * share_due(orders))
    async with database.transaction() as session:
        done = int(await session.scalar(select(func.count()).select_from(OutboxRow)) or 0)
        for message in map(plan.message, plan.steps[done : max(done, min(due, done + LARGEST_STEP))]):
            emit_raw(session, message.subject, message.payload, message.headers)
    return done


async def main(orders: Orders) -> None:
    """Until killed."""
    configure_logging("source", "info")
    database = Database(orders.database_url)
    bus = await connected_bus("source", orders.nats_url)
    relay = DyingRelay("source", database, bus.publish, poll=timedelta(milliseconds=100), kept=timedelta(days=35))
    plan = Plan(orders.seed, orders.count, adverse=orders.adverse)
    await asyncio.gather(relay.run(), emit_on_time(database, plan, orders))


if __name__ == "__main__":
    asyncio.run(main(Orders.model_validate_json(sys.argv[1])))
