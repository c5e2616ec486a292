"""A listener that shows what the inbox is for: one row per handled event, and no business key as a second wall.

``python -m tests.faults.recorder '{"database_url": ..., "nats_url": ..., "inbox": true}'``; with ``false`` it is the
deliberately broken build.
"""

import asyncio
import sys

from pydantic import BaseModel
from sqlalchemy import Integer, String
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import chassis.consumer
from chassis.bus import Delivery, connected_bus
from chassis.consumer import Consumer, EventRouter
from chassis.db import Database, new_metadata
from chassis.logging import configure_logging
from events.billing import InvoicePublished
from events.users import CustomerChanged
from tests.faults.dying import dies_before

handlers = EventRouter("documents")


class Base(DeclarativeBase):
    metadata = new_metadata()


class Recorded(Base):
    """An invoice event had its effect."""

    __tablename__ = "recorded"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    number: Mapped[str] = mapped_column(String(64))


class Orders(BaseModel):
    """What the harness wants."""

    database_url: str
    nats_url: str
    inbox: bool


@handlers.on(InvoicePublished)
async def record_invoice(event: InvoicePublished, session: AsyncSession) -> None:
    session.add(Recorded(number=event.invoice_number))


@handlers.on(CustomerChanged)
async def ignore_customer(_event: CustomerChanged, _session: AsyncSession) -> None:
    """Not what is recorded here."""


async def always_first(_session: AsyncSession, **_key: str) -> bool:
    """The inbox that is none."""
    return True


async def main(orders: Orders) -> None:
    """Until killed."""
    configure_logging("recorder", "info")
    if not orders.inbox:
        chassis.consumer.first_time = always_first  # type: ignore[assignment]
    acked, acked_or_dead = Delivery.ack, dies_before(Delivery.ack)

    async def ack(delivery: Delivery) -> None:
        # Only what leaves a row can show that it came twice.
        await (acked_or_dead if delivery.stream == "BILLING" else acked)(delivery)

    Delivery.ack = ack  # type: ignore[method-assign]
    database = Database(orders.database_url)
    bus = await connected_bus("documents", orders.nats_url)
    consumer = Consumer(handlers, database, bus, retry_delays_seconds=(0.1, 0.5, 1))
    await consumer.run(["BILLING", "USERS"])


if __name__ == "__main__":
    asyncio.run(main(Orders.model_validate_json(sys.argv[1])))
