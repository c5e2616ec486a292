"""A running `contacts` without broker: events go straight through the consumer, requests through ASGI."""

import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import func, select

from chassis.bus import Bus, Delivery
from chassis.consumer import Consumer
from chassis.db import Database
from chassis.outbox import OutboxRow
from chassis.testing import calling, person
from events.base import STRUCTURED, uuid7
from services.contacts.handlers import handlers
from services.contacts.main import create_with
from services.contacts.settings import Settings
from tests.conftest import NewDatabase

SOURCE = "/crm/test"
UPSERT = "crm.contact.upserted.v1"
OPERATOR = {"role": "operator", "staff_role": "agent", "modules": (), "name": "Oskar Leitner"}
NOW = datetime.now(UTC)


def ago(**how_long: Any) -> str:
    """A time of the past, as an envelope has it."""
    return (NOW - timedelta(**how_long)).isoformat()


def a_contact(contact_id: str = "C-1", **fields: Any) -> dict[str, Any]:
    """Data of a customer's technical contact, as the CRM sends it."""
    usual = {
        "contact_id": contact_id,
        "side": "customer",
        "customer_number": "KD-10001",
        "given_name": "Tom",
        "family_name": "Technik",
        "roles": ["technical"],
        "email": "tom@kunde.example",
        "phone": "+49 (0)30 23125-110",
        "version": 1,
    }
    return usual | fields


class Portal:
    """The service with its database."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.database: Database = app.state.database
        bus = Bus("contacts", "nats://127.0.0.1:1")
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

    async def contact(self, contact_id: str = "C-1", *, time: str | None = None, **fields: Any) -> str:
        """The CRM says it, now unless told otherwise."""
        attributes = {"time": time} if time else {}
        return await self.publish(UPSERT, a_contact(contact_id, **fields), **attributes)

    async def customer(self, number: str = "KD-10001", *, customer_id: UUID | None = None, **fields: Any) -> UUID:
        """`users` says that it exists."""
        customer_id = customer_id or uuid4()
        data = {
            "customer_id": str(customer_id),
            "version": 1,
            "number": number,
            "name": f"Beispiel {number}",
            "end_user": True,
            "colocation": False,
            "language": "de",
            "time_zone": "Europe/Berlin",
            "email_domains": [],
            "active": True,
        }
        said = await self.publish("users.customer.changed.v1", data | fields, source="/kundenportal/users")
        assert said == "handled"
        return customer_id

    @contextlib.asynccontextmanager
    async def as_user(self, customer_id: UUID | None, **claims: Any) -> AsyncIterator[AsyncClient]:
        cust = str(customer_id) if customer_id else None
        usual = {"cust": cust, "role": "member", "modules": ("contacts",)}
        async with calling(self.app, person(**usual | claims)) as client:
            yield client

    async def count(self, table: Any, *conditions: Any) -> int:
        async with self.database.reading() as session:
            return await session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0

    async def rows(self, table: Any, *conditions: Any) -> list[Any]:
        async with self.database.reading() as session:
            return list((await session.scalars(select(table).where(*conditions))).all())

    async def emitted(self, subject: str) -> list[dict[str, Any]]:
        rows = await self.rows(OutboxRow, OutboxRow.subject == subject)
        rows.sort(key=lambda row: row.position)
        return [json.loads(row.payload)["data"] for row in rows]

    async def audited(self) -> list[tuple[str, str]]:
        """What was done and with what result."""
        return [(line["what"], line["result"]) for line in await self.emitted("contacts.audit.recorded.v1")]


@pytest.fixture
async def portal(new_database: NewDatabase) -> AsyncIterator[Portal]:
    app = create_with(Settings(database_url=await new_database("contacts")))
    yield Portal(app)
    await app.state.database.close()


@pytest.fixture
async def customer_id(portal: Portal) -> UUID:
    """A customer whom everybody knows."""
    return await portal.customer()


@pytest.fixture
async def tom(portal: Portal, customer_id: UUID) -> AsyncIterator[AsyncClient]:
    """A member of the customer with the module."""
    async with portal.as_user(customer_id, name="Tom Technik") as client:
        yield client


@pytest.fixture
async def operator(portal: Portal, customer_id: UUID) -> AsyncIterator[AsyncClient]:
    """One of the operator's staff who has the customer open."""
    async with portal.as_user(customer_id, **OPERATOR) as client:
        yield client


async def contacts_of(client: AsyncClient, **params: Any) -> list[dict[str, Any]]:
    """The list."""
    answer = await client.get("/contacts", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def only_contact(client: AsyncClient) -> dict[str, Any]:
    """The one row of the list."""
    (row,) = await contacts_of(client)
    return row


async def patch(client: AsyncClient, row: dict[str, Any], **changes: Any) -> Any:
    """With the version that the row has."""
    headers = {"If-Match": f'"{row["version"]}"'}
    return await client.patch(f"/contacts/{row['id']}", json=changes, headers=headers)
