"""A running `metrics` without broker: events go straight through the consumer, requests through ASGI."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import func, select

from chassis.bus import Bus, Delivery
from chassis.consumer import Consumer
from chassis.db import Database, utc_now
from chassis.identity import Identity
from chassis.outbox import OutboxRow
from chassis.testing import calling, person
from events.base import STRUCTURED, uuid7
from services.metrics.handlers import handlers_with
from services.metrics.intake import Taken, take
from services.metrics.main import create_with
from services.metrics.models import Line, Rollup, Slot
from services.metrics.rates import Sample
from services.metrics.settings import Settings
from tests.conftest import NewDatabase

SOURCE = "/network/test"
MACHINE = Identity(sub="machine:test", name="test", scopes=("network:publish",), ip="192.0.2.9")
OPERATOR = {"role": "operator", "staff_role": "agent", "modules": ()}
MINUTE, STEP, HOUR, DAY = 60_000, 300_000, 3_600_000, 86_400_000


def a_line(line_id: str = "UL-1", **fields: Any) -> dict[str, Any]:
    usual = {
        "line_id": line_id,
        "customer_number": "KD-10001",
        "name": f"Uplink {line_id}",
        "site": "RZ Berlin 2",
        "circuit": "C-4711",
        "interface": "xe-0/0/1",
        "capacity_bps": 1_000_000_000,
        "version": 1,
    }
    return usual | fields


def ms(text: str) -> int:
    """Of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def yesterday_ms() -> int:
    """Midnight in UTC, a day ago."""
    return int(utc_now().timestamp() * 1000) // DAY * DAY - DAY


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def raw(sample: Sample) -> dict[str, Any]:
    line_id, at_ms, into, out, discontinuity = sample
    more = {"discontinuity": True} if discontinuity else {}
    return {"line_id": line_id, "at": iso(at_ms), "in_octets": into, "out_octets": out, **more}


def steady(line_id: str, start_ms: int, count: int, *, bps: tuple[int, int] = (8_000_000, 4_000_000)) -> list[Sample]:
    """Samples every five minutes of a line that carries the same all the time."""
    into, out = (rate * STEP // 8000 for rate in bps)
    return [Sample(line_id, start_ms + n * STEP, 1000 + n * into, 2000 + n * out) for n in range(count)]


class Metrics:
    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.database: Database = app.state.database
        self._sequence = 0
        handlers = handlers_with(app.state.bounds)
        self.consumer = Consumer(handlers, self.database, Bus("metrics", ""), retry_delays_seconds=(1,))

    async def publish(
        self, subject: str, data: dict[str, Any], *, source: str = SOURCE, event_id: str | None = None
    ) -> str:
        """As if the broker had delivered it; returns the outcome."""
        self._sequence += 1
        envelope = {
            "specversion": "1.0",
            "id": event_id or str(uuid7()),
            "source": source,
            "type": subject,
            "time": utc_now().isoformat(),
            "data": data,
        }
        payload = json.dumps(envelope).encode()
        stream = subject.split(".", maxsplit=1)[0].upper()
        delivery = Delivery(subject, {"Content-Type": STRUCTURED}, payload, stream, self._sequence, None)  # type: ignore[arg-type]
        return await self.consumer.settle(delivery)

    async def line(self, line_id: str = "UL-1", *, source: str = SOURCE, **fields: Any) -> str:
        return await self.publish("network.line.upserted.v1", a_line(line_id, **fields), source=source)

    async def sampled(self, *samples: Any, source: str = SOURCE) -> str:
        raws = [raw(sample) if isinstance(sample, Sample) else sample for sample in samples]
        return await self.publish("network.traffic.sampled.v1", {"samples": raws}, source=source)

    async def take(self, samples: Iterable[Sample], *, source: str = SOURCE) -> Taken:
        async with self.database.transaction() as session:
            return await take(
                session, list(samples), source=source, event_id=str(uuid7()), bounds=self.app.state.bounds
            )

    async def customer(
        self, number: str = "KD-10001", *, customer_id: UUID | None = None, version: int = 1, **fields: Any
    ) -> UUID:
        """`users` says that it exists."""
        customer_id = customer_id or uuid4()
        data = {
            "customer_id": str(customer_id),
            "version": version,
            "number": number,
            "name": f"Beispiel {number}",
            "end_user": True,
            "colocation": False,
            "language": "de",
            "time_zone": "Europe/Berlin",
            "email_domains": [],
            "active": True,
        }
        outcome = await self.publish("users.customer.changed.v1", data | fields, source="/kundenportal/users")
        assert outcome == "handled"
        return customer_id

    async def ready(self, line_id: str = "UL-1", **fields: Any) -> tuple[UUID, UUID]:
        """A customer with one line; their ids."""
        customer_id = await self.customer()
        assert await self.line(line_id, **fields) == "handled"
        return customer_id, await self.id_of(line_id)

    async def id_of(self, line_id: str) -> UUID:
        (line,) = await self.rows(Line, Line.source_line_id == line_id)
        found: UUID = line.id
        return found

    async def stored(self, line_id: str) -> tuple[list[Any], list[Any]]:
        """Slots and rollups of a line, without its number."""
        (line,) = await self.rows(Line, Line.source_line_id == line_id)
        async with self.database.reading() as session:
            found = []
            for table in (Slot, Rollup):
                columns = [column for column in table.__table__.columns if column.name != "line_number"]
                rows = select(*columns).where(table.line_number == line.number).order_by(*columns[:2])
                found.append([tuple(row) for row in (await session.execute(rows)).all()])
        return found[0], found[1]

    @contextlib.asynccontextmanager
    async def as_user(self, customer_id: UUID, **claims: Any) -> AsyncIterator[AsyncClient]:
        async with calling(self.app, person(**{"cust": str(customer_id)} | claims)) as client:
            yield client

    async def get(self, customer_id: UUID, path: str, *, status: int = 200, **query: Any) -> Any:
        async with self.as_user(customer_id) as client:
            answer = await client.get(path, params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def count(self, table: Any, *conditions: Any) -> int:
        async with self.database.reading() as session:
            return await session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0

    async def rows(self, table: Any, *conditions: Any) -> list[Any]:
        async with self.database.reading() as session:
            return list((await session.scalars(select(table).where(*conditions))).all())

    async def emitted(self, subject: str) -> list[dict[str, Any]]:
        rows = await self.rows(OutboxRow, OutboxRow.subject == subject)
        return [json.loads(row.payload)["data"] for row in sorted(rows, key=lambda row: row.position)]


@pytest.fixture
def metrics_settings() -> dict[str, Any]:
    """Tests may override this fixture's values."""
    return {}


@pytest.fixture
async def metrics(new_database: NewDatabase, metrics_settings: dict[str, Any]) -> AsyncIterator[Metrics]:
    app = create_with(Settings(database_url=await new_database("metrics"), **metrics_settings))
    yield Metrics(app)
    await app.state.database.close()
