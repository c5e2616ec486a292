"""The consumer's own code path from bytes to effect, without a broker between."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from chassis.bus import Bus
from chassis.consumer import Consumer
from chassis.db import Database
from events.base import STRUCTURED, Event, encode
from services.users.handlers import handlers

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class Ears:
    """What `users` hears, one event at a time or many at once."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.consumer = Consumer(handlers, database, Bus("users", "nats://127.0.0.1:9"), retry_delays_seconds=(1,))

    async def hear(self, event: Event, *, event_id: str | None = None, source: str = "/test") -> str:
        payload = encode(event, source=source, event_id=event_id or str(uuid4()), time=NOON, traceparent=None)
        ready = await self.consumer._prepare(event.subject, {"Content-Type": STRUCTURED}, payload)
        return await self.consumer._handle(ready)

    async def one(self, table: Any) -> Any:
        async with self.database.reading() as session:
            return (await session.scalars(select(table))).one()
