"""Callers and bodies that the tests of `users` share."""

from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from sqlalchemy import select

from chassis.identity import Identity
from chassis.outbox import OutboxRow
from chassis.testing import calling, person
from events.base import decode


def now_stepped_up() -> int:
    return int(datetime.now(UTC).timestamp())


def operator(**claims: Any) -> Identity:
    return person(**({"role": "operator", "modules": (), "cust": None, "step_up_at": now_stepped_up()} | claims))


def admin_of(customer_id: str, **claims: Any) -> Identity:
    return person(**({"cust": customer_id, "role": "admin", "step_up_at": now_stepped_up()} | claims))


def a_user(email: str, role: str = "member", **more: Any) -> dict[str, Any]:
    names = {"given_name": "Jan", "family_name": "Muster"}
    return {"email": email, "role": role, "modules": ["invoices"]} | names | more


async def a_customer(app: FastAPI, number: str = "KD-10042", **more: Any) -> str:
    async with calling(app, operator()) as client:
        made = await client.post("/customers", json={"number": number, "name": "Beispiel Logistik AG"} | more)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def a_row(app: FastAPI, customer_id: str, email: str, role: str = "member", **more: Any) -> dict[str, Any]:
    async with calling(app, admin_of(customer_id)) as client:
        made = await client.post("/users", json=a_user(email, role, **more))
    assert made.status_code == 201, made.text
    return dict(made.json())


async def emitted(app: FastAPI, subject: str) -> list[dict[str, Any]]:
    """The data of all events of this kind, oldest first."""
    async with app.state.database.reading() as session:
        rows = await session.scalars(select(OutboxRow).where(OutboxRow.subject == subject).order_by(OutboxRow.position))
        return [decode(row.headers, row.payload).data for row in rows]
