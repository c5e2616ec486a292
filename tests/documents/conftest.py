"""A running `documents` without broker: events go straight through the consumer, requests through ASGI."""

import base64
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import func, select

from chassis.bus import Bus, Delivery
from chassis.consumer import Consumer
from chassis.db import Database
from chassis.identity import Identity
from chassis.outbox import OutboxRow
from chassis.testing import calling, person
from events.base import STRUCTURED, uuid7
from services.documents.handlers import handlers_with
from services.documents.main import create_with
from services.documents.settings import Settings
from tests.conftest import NewDatabase

PDF = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n"
SOURCE = "/billing/test"
MACHINE = Identity(sub="machine:test", name="test", scopes=("billing:publish",), ip="192.0.2.9")
OPERATOR = {"role": "operator", "staff_role": "agent", "modules": ()}


def a_file(content: bytes = PDF, name: str = "rechnung.pdf", **fields: Any) -> dict[str, Any]:
    usual = {
        "name": name,
        "media_type": "application/pdf",
        "sha256": hashlib.sha256(content).hexdigest(),
        "content": base64.b64encode(content).decode(),
    }
    return usual | fields


def an_invoice(number: str = "RE-2026-0001", **fields: Any) -> dict[str, Any]:
    usual = {
        "customer_number": "KD-10001",
        "invoice_number": number,
        "issued_on": "2026-09-02",
        "due_on": "2026-09-16",
        "period_from": "2026-08-01",
        "period_to": "2026-08-31",
        "currency": "EUR",
        "net": "1062.71",
        "tax": "201.91",
        "gross": "1264.62",
        "payment_state": "open",
        "files": [a_file()],
    }
    return usual | fields


def a_document(document_id: str = "EVN-1", **fields: Any) -> dict[str, Any]:
    usual = {
        "customer_number": "KD-10001",
        "document_id": document_id,
        "kind": "traffic_report",
        "title": "Verkehrsbericht September",
        "issued_on": "2026-09-02",
        "files": [a_file(b"%PDF-1.4 report", "bericht.pdf", role="attachment")],
    }
    return usual | fields


class Portal:
    """The service with its database and a folder as store."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.database: Database = app.state.database
        self.storage = app.state.storage
        bus = Bus("documents", "nats://127.0.0.1:1")
        self.consumer = Consumer(handlers_with(app.state.intake), self.database, bus, retry_delays_seconds=(0, 0, 0))
        self._sequence = 0

    async def publish(
        self, subject: str, data: Any, *, event_id: str | None = None, source: str = SOURCE, **attributes: Any
    ) -> str:
        """Hand over one CloudEvent; returns what the consumer did with it."""
        envelope = {"specversion": "1.0", "id": event_id or str(uuid7()), "source": source, "type": subject}
        return await self.deliver(subject, json.dumps(envelope | attributes | {"data": data}).encode())

    async def deliver(self, subject: str, payload: bytes) -> str:
        self._sequence += 1
        delivery = Delivery(subject, {"Content-Type": STRUCTURED}, payload, "BILLING", self._sequence, None)  # type: ignore[arg-type]
        return await self.consumer.settle(delivery)

    async def invoice(self, number: str = "RE-2026-0001", **fields: Any) -> str:
        return await self.publish("billing.invoice.published.v1", an_invoice(number, **fields))

    async def document(self, document_id: str = "EVN-1", **fields: Any) -> str:
        return await self.publish("billing.document.published.v1", a_document(document_id, **fields))

    async def customer(self, number: str = "KD-10001", *, customer_id: UUID | None = None, version: int = 1) -> UUID:
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
        assert await self.publish("users.customer.changed.v1", data, source="/kundenportal/users") == "handled"
        return customer_id

    @contextlib.asynccontextmanager
    async def as_user(self, customer_id: UUID, **claims: Any) -> AsyncIterator[AsyncClient]:
        async with calling(self.app, person(**{"cust": str(customer_id)} | claims)) as client:
            yield client

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
def documents_settings(tmp_path: Path) -> dict[str, Any]:
    """Tests may override this fixture's values."""
    return {"storage_url": f"file:{tmp_path / 'objects'}"}


@pytest.fixture
async def portal(new_database: NewDatabase, documents_settings: dict[str, Any]) -> AsyncIterator[Portal]:
    app = create_with(Settings(database_url=await new_database("documents"), **documents_settings))
    yield Portal(app)
    await app.state.database.close()


async def only_document(client: AsyncClient) -> dict[str, Any]:
    """The one row of the list."""
    answer = await client.get("/documents")
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["items"]
    return row
