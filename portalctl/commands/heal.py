"""After a service's database was put back from a backup: handle again what the streams keep, say what came of it.

Everything may run meanwhile. What the database knows it ignores; what it had told the world and forgot is taken back
from its own events where they carry the whole state, and listed where they do not. Nobody is mailed a second time.
"""

import argparse
import asyncio
import dataclasses
import importlib
import importlib.util
import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from chassis.bus import Bus, Delivery
from chassis.consumer import Consumer
from chassis.db import Database
from chassis.outbox import OutboxRow
from events.base import Envelope, InvalidEvent, decode
from events.registry import REGISTRY, consumers
from portalctl.attach import attach
from portalctl.broker import broker
from portalctl.commands.republish import moment
from portalctl.console import say
from portalctl.home import SERVICES


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which service, and how old its database is."""
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--since", type=moment, required=True, help="when the backup was begun: ISO 8601, else UTC")


def run(chosen: argparse.Namespace) -> None:
    """Heal, and report."""
    settings = attach()

    async def heal() -> None:
        async with broker(settings) as bus:
            for line in await healed(chosen.service, bus, since=chosen.since):
                say(line)

    asyncio.run(heal())


async def healed(service: str, bus: Bus, *, since: datetime) -> list[str]:
    """Does it; returns the report."""
    app = importlib.import_module(f"services.{service}.main").create()
    database: Database = app.state.database
    try:
        before = await rows_of(service, database)
        forgotten = await _forgotten(service, database, bus, since)
        report = await _asked(service, "recall", app, forgotten)
        report += await _handled_again(service, app, bus, since)
        report += await _asked(service, "review", app, forgotten)
        after = await rows_of(service, database)
    finally:
        await database.close()
    more = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    return [
        *report,
        *(f"{name}: {before[name]} rows before, {after[name]} now ({count:+})" for name, count in more.items()),
        *([] if more else ["no table has another number of rows than before"]),
    ]


async def rows_of(service: str, database: Database) -> dict[str, int]:
    """How many each of its own tables has."""
    tables = importlib.import_module(f"services.{service}.models").Base.metadata.sorted_tables
    async with database.reading() as session:
        return {table.name: int(await session.scalar(select(func.count()).select_from(table)) or 0) for table in tables}


async def _forgotten(service: str, database: Database, bus: Bus, since: datetime) -> list[Envelope]:
    """What it has told the world since then, and knows nothing of."""
    told = [decode(one.headers, one.data) async for one in bus.history(service.upper(), [f"{service}.>"], since=since)]
    async with database.reading() as session:
        rows = await session.scalars(select(OutboxRow.headers).where(OutboxRow.created_at >= since))
        known = {headers.get("Nats-Msg-Id") for headers in rows}
    return [envelope for envelope in told if envelope.msg_id not in known]


async def _asked(service: str, what: str, app: Any, forgotten: Sequence[Envelope]) -> list[str]:
    """The service's own part, before or after: ``recall`` or ``review`` in ``services/<service>/healing.py``."""
    name = f"services.{service}.healing"
    part = getattr(importlib.import_module(name), what, None) if importlib.util.find_spec(name) else None
    if part is not None:
        return list(await part(app, forgotten))
    return count(forgotten) if what == "review" else []


async def _handled_again(service: str, app: Any, bus: Bus, since: datetime) -> list[str]:
    if app.state.handlers is None:
        return []
    delays = app.state.settings.retry_delays_seconds
    consumer = Consumer(app.state.handlers, app.state.database, bus, retry_delays_seconds=delays)
    report = []
    for (stream, listener), subjects in consumers().items():
        if listener != service:
            continue
        outcomes: Counter[str] = Counter()
        async for delivery in bus.history(stream, subjects, since=since, of_consumer=service):
            outcomes[await consumer.settle(unmailed(delivery))] += 1
        new = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()) if outcome != "repeated")
        report.append(
            f"{stream}: {outcomes.total()} events again, {outcomes['repeated']} known; {new or 'nothing new'}"
        )
    return report


def count(forgotten: Sequence[Envelope]) -> list[str]:
    """What nothing brings back by itself, by kind."""
    counted = Counter(envelope.type for envelope in forgotten)
    return [f"told after the backup and not known any more: {n} {kind}" for kind, n in sorted(counted.items())]


def unmailed(delivery: Delivery) -> Delivery:
    """The same, but nobody is told of it by mail: they were, when it came first."""
    try:
        envelope = decode(delivery.headers, delivery.data)
    except InvalidEvent:
        return delivery
    event = REGISTRY.get(envelope.type)
    if event is None or "notify" not in event.model_fields or not isinstance(envelope.data, dict):
        return delivery
    quiet = envelope.data | {"notify": False}
    is_structured = "specversion" in (whole := json.loads(delivery.data))
    return dataclasses.replace(delivery, data=json.dumps(whole | {"data": quiet} if is_structured else quiet).encode())
