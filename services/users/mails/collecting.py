"""Turns collected notices into mails when their time has come: one for each reader."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database, utc_now
from chassis.logging import log
from services.users.mails.interests import INTERESTS, Name
from services.users.mails.readers import ACCOUNT_MANAGER, mail_to, readers
from services.users.models import Collection, Customer, Notice
from services.users.settings import Settings

_AT_ONCE = 50
_SHOWN = 20
"""A mail lists so many; the others are counted."""
_PAUSE = timedelta(minutes=1)
Key = tuple[str, Any, Any]


@dataclass(frozen=True, slots=True)
class Collector:
    """Any number may run beside each other: who deletes the collection's row writes its mails."""

    database: Database
    settings: Settings

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if await self.write_due() == 0:
                await asyncio.sleep(self.settings.mail_poll_interval.total_seconds())

    async def write_due(self) -> int:
        """One round; returns how many collections became mails."""
        now = utc_now()
        due = select(Collection).where(Collection.due_at <= now).order_by(Collection.due_at).limit(_AT_ONCE)
        async with self.database.reading() as session:
            keys = [(one.topic, one.customer_id, one.side) for one in await session.scalars(due)]
        return sum([await self._attempt(key, now) for key in keys])

    async def _attempt(self, key: Key, now: datetime) -> bool:
        """Whatever goes wrong with one collection never holds up the others."""
        try:
            return await self._write(key, now)
        except Exception as error:
            log.error("collection_failed", topic=key[0], customer_id=str(key[1]), exc_info=error)
            async with self.database.transaction() as session:
                later = update(Collection).where(*_this(key)).values(due_at=now + _PAUSE)
                await session.execute(later.execution_options(synchronize_session=False))
            return False

    async def _write(self, key: Key, now: datetime) -> bool:
        """Notices, mails and the collection's end are one transaction: none is told twice, none is lost."""
        topic, customer_id, side = key
        async with self.database.transaction() as session:
            if not await self._take(session, key, now):
                return False
            mine = Notice.topic == topic, Notice.customer_id == customer_id, Notice.side == side
            gone = delete(Notice).where(*mine).returning(Notice)
            found = (await session.scalars(gone.execution_options(synchronize_session=False))).all()
            notices = sorted(found, key=lambda notice: notice.id.int)
            written = await _write_mails(session, key, notices, now)
        log.info("notices_collected", topic=topic, customer_id=str(customer_id), notices=len(notices), mails=written)
        return True

    async def _take(self, session: AsyncSession, key: Key, now: datetime) -> bool:
        taken = delete(Collection).where(*_this(key), Collection.due_at <= now)
        result: Any = await session.execute(taken.execution_options(synchronize_session=False))
        return bool(result.rowcount == 1)


def _this(key: Key) -> tuple[Any, Any, Any]:
    topic, customer_id, side = key
    return Collection.topic == topic, Collection.customer_id == customer_id, Collection.side == side


async def _write_mails(session: AsyncSession, key: Key, notices: Sequence[Notice], now: datetime) -> int:
    topic, customer_id, side = key
    customer = await session.get(Customer, customer_id)
    if customer is None:
        return 0
    latest = list({one.words.get("key", one.id): one for one in notices}.values())
    written = 0
    for reader in await readers(session, customer_id, side, now):
        theirs = [notice for notice in latest if reader.gets(notice)]
        if theirs:
            words = {"topic": topic, "side": side, "customer": customer.name, "counts": _counts(theirs)}
            words["items"] = [{"interest": one.interest, **one.words} for one in theirs[:_SHOWN]]
            if reader.contact_id:
                words["role"] = INTERESTS[_interest(theirs[0])].role or ACCOUNT_MANAGER
            session.add(mail_to(reader, "notice", words, customer.id, now))
            written += 1
    return written


def _interest(notice: Notice) -> Name:
    """Whatever waits in the table was once one of them."""
    return cast("Name", notice.interest)


def _counts(notices: Sequence[Notice]) -> dict[str, int]:
    return dict(Counter(notice.interest for notice in notices))
