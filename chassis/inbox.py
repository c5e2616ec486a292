"""The inbox: what was handled, noted in the transaction of its effect; and what failed, with its next try."""

import asyncio
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, LargeBinary, String, delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Database, Utc, insert_new, utc_now
from chassis.logging import log
from chassis.outbox import DeliveryBase
from events.base import Envelope, InvalidEvent, decode

FORGET_EVERY_SECONDS = 3600
UNDECODABLE = "/undecodable"
"""Stands in the inbox for the source of what has none; its id is a checksum."""


class InboxRow(DeliveryBase):
    """An event whose effect is in this database. Key: source and id, as the sender chose them."""

    __tablename__ = "inbox"
    __table_args__ = (Index("inbox_handled_at_idx", "handled_at"),)

    source: Mapped[str] = mapped_column(String(256), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(256), primary_key=True)
    subject: Mapped[str] = mapped_column(String(200))
    handled_at: Mapped[datetime] = mapped_column(Utc)


class FailedEvent(DeliveryBase):
    """An event whose handler failed (``waiting``), or that was given up (``buried``)."""

    __tablename__ = "failed_events"
    __table_args__ = (
        Index("failed_events_state_next_try_at_idx", "state", "next_try_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    delivery: Mapped[str] = mapped_column(String(300), unique=True)
    """Stream, sequence, and when it was stored: the same delivery is never noted twice."""
    subject: Mapped[str] = mapped_column(String(200))
    headers: Mapped[dict[str, str]] = mapped_column(JSON)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(String(2000))
    received_at: Mapped[datetime] = mapped_column(Utc)
    next_try_at: Mapped[datetime | None] = mapped_column(Utc)


async def first_time(session: AsyncSession, *, source: str, event_id: str, subject: str) -> bool:
    """Note the event; false when it was handled before. Its effect belongs into the same session."""
    return await insert_new(session, InboxRow, source=source, event_id=event_id, subject=subject, handled_at=utc_now())


async def forget_for_ever(database: Database, *, kept: timedelta) -> None:
    """What no stream can bring again, each hour, until cancelled."""
    while True:
        try:
            async with database.transaction() as session:
                forgotten = await forget(session, handled_before=utc_now() - kept)
            if forgotten:
                log.info("inbox_pruned", events=forgotten)
        except Exception as error:
            log.warning("inbox_not_pruned", error=repr(error)[:300])
        await asyncio.sleep(FORGET_EVERY_SECONDS)


async def forget(session: AsyncSession, *, handled_before: datetime) -> int:
    """How many."""
    result: Any = await session.execute(delete(InboxRow).where(InboxRow.handled_at < handled_before))
    return int(result.rowcount)


async def try_again(session: AsyncSession, failed: FailedEvent) -> None:
    """The consumer takes it up within a second; a burial had noted it as seen, so that note goes."""
    if failed.state == "buried":
        try:
            envelope = decode(failed.headers, failed.payload)
        except InvalidEvent:
            pass
        else:
            seen = delete(InboxRow).where(InboxRow.source == envelope.source, InboxRow.event_id == envelope.id)
            await session.execute(seen)
    failed.state, failed.attempts, failed.next_try_at = "waiting", 0, utc_now()


def drop(failed: FailedEvent) -> None:
    """Somebody has decided that it needs no handling."""
    failed.state, failed.next_try_at = "dropped", None


async def first_burial(session: AsyncSession, subject: str, headers: dict[str, str], payload: bytes) -> bool:
    """False for what was handled or buried before, also when it comes as another delivery, as after a replay."""
    if envelope := envelope_of(headers, payload):
        return await first_time(session, source=envelope.source, event_id=envelope.id, subject=subject)
    if sent_as := headers.get("Nats-Msg-Id"):
        same = hashlib.sha256(sent_as.encode() + b"\n" + payload).hexdigest()
        return await first_time(session, source=UNDECODABLE, event_id=same, subject=subject)
    return True


def envelope_of(headers: dict[str, str], payload: bytes) -> Envelope | None:
    """None where it is no CloudEvent."""
    try:
        return decode(headers, payload)
    except InvalidEvent:
        return None


def detail_of(invalid: InvalidEvent) -> str:
    """What is kept of a refusal."""
    errors = json.dumps(invalid.errors, ensure_ascii=False) if invalid.errors else ""
    return f"{invalid.detail} {errors}".strip()[:2000]
