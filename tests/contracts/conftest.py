"""A running `contracts` without broker: events go straight through the consumer, requests through ASGI."""

import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import func, select

from chassis.bus import Bus, Delivery
from chassis.consumer import Consumer
from chassis.db import Database, utc_now
from chassis.outbox import OutboxRow
from chassis.testing import calling, person
from events.base import STRUCTURED, uuid7
from services.contracts.filing.upkeep import look
from services.contracts.handlers import handlers
from services.contracts.main import create_with
from services.contracts.settings import Settings
from tests.conftest import NewDatabase

SOURCE = "/crm/test"
OPERATOR = {"role": "operator", "staff_role": "agent", "modules": ()}
UPSERTED = "crm.contract.upserted.v1"


def a_position(number: str = "10", **fields: Any) -> dict[str, Any]:
    usual = {
        "number": number,
        "quantity": 1,
        "unit": "Stück",
        "product": "Rack",
        "telecom_service": False,
        "characteristics": {"size": "800x1000x42 U"},
    }
    return usual | fields


def a_contract(number: str = "V-1", **fields: Any) -> dict[str, Any]:
    usual = {
        "customer_number": "KD-10001",
        "contract_number": number,
        "name": "Colocation RZ Berlin",
        "site": "RZ Berlin",
        "starts_on": "2023-04-01",
        "min_term_months": 36,
        "renewal_months": 12,
        "notice": {"value": 3, "unit": "months", "to": "term_end"},
        "telecom_service": False,
        "positions": [a_position()],
        "version": 1,
    }
    return usual | fields


class Portal:
    """The service with its database."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.database: Database = app.state.database
        bus = Bus("contracts", "nats://127.0.0.1:1")
        self.consumer = Consumer(handlers, self.database, bus, retry_delays_seconds=(0, 0, 0))
        self._sequence = 0

    async def publish(
        self, subject: str, data: Any, *, event_id: str | None = None, source: str = SOURCE, **attributes: Any
    ) -> str:
        """Hand over one CloudEvent; returns what the consumer did with it."""
        envelope = {"specversion": "1.0", "id": event_id or str(uuid7()), "source": source, "type": subject}
        return await self.deliver(subject, json.dumps(envelope | attributes | {"data": data}).encode())

    async def deliver(self, subject: str, payload: bytes) -> str:
        self._sequence += 1
        delivery = Delivery(subject, {"Content-Type": STRUCTURED}, payload, "CRM", self._sequence, None)  # type: ignore[arg-type]
        return await self.consumer.settle(delivery)

    async def contract(self, number: str = "V-1", *, source: str = SOURCE, **fields: Any) -> str:
        return await self.publish(UPSERTED, a_contract(number, **fields), source=source)

    async def customer(
        self, number: str = "KD-10001", *, customer_id: UUID | None = None, version: int = 1, **fields: Any
    ) -> UUID:
        """`users` says that it exists."""
        customer_id = customer_id or uuid4()
        usual = {
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
        outcome = await self.publish("users.customer.changed.v1", usual | fields, source="/kundenportal/users")
        assert outcome == "handled"
        return customer_id

    async def membership(self, user_id: UUID, customer_id: UUID | None, *, version: int = 1, **fields: Any) -> None:
        """`users` says what the person may do there."""
        usual = {
            "membership_id": str(fields.pop("membership_id", user_id)),
            "version": version,
            "user_id": str(user_id),
            "customer_id": str(customer_id) if customer_id else None,
            "role": "member",
            "modules": ["contracts"],
            "active": True,
            "expires_on": None,
        }
        outcome = await self.publish("users.membership.changed.v1", usual | fields, source="/kundenportal/users")
        assert outcome == "handled"

    @contextlib.asynccontextmanager
    async def as_user(self, customer_id: UUID, **claims: Any) -> AsyncIterator[AsyncClient]:
        async with calling(self.app, person(**{"cust": str(customer_id)} | claims)) as client:
            yield client

    async def look(self, day: date | None = None) -> int:
        """One round of the upkeep, as if it were noon of this day."""
        now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) if day else utc_now()
        return await look(self.database, self.app.state.settings, now)

    async def count(self, table: Any, *conditions: Any) -> int:
        async with self.database.reading() as session:
            return await session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0

    async def rows(self, table: Any, *conditions: Any) -> list[Any]:
        async with self.database.reading() as session:
            return list((await session.scalars(select(table).where(*conditions))).all())

    async def emitted(self, subject: str) -> list[dict[str, Any]]:
        rows = await self.rows(OutboxRow, OutboxRow.subject == subject)
        return [json.loads(row.payload)["data"] for row in rows]


@pytest.fixture
def contracts_settings() -> dict[str, Any]:
    """Tests may override this fixture's values."""
    return {"public_url": "https://portal.example"}


@pytest.fixture
async def portal(new_database: NewDatabase, contracts_settings: dict[str, Any]) -> AsyncIterator[Portal]:
    app = create_with(Settings(database_url=await new_database("contracts"), **contracts_settings))
    yield Portal(app)
    await app.state.database.close()


async def only_contract(client: AsyncClient, **params: Any) -> dict[str, Any]:
    """The one row of the list."""
    answer = await client.get("/contracts", params=params)
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["items"]
    found: dict[str, Any] = row
    return found
