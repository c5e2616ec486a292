"""Takes due mails to the mail server, again and again while it is away. Any number of processes may do so at once.

A mail is taken by one conditional UPDATE that leases it for two minutes. A crash in between gives it back: it goes out
once more with the same Message-ID at worst, and is never lost.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import JSON, Integer, String, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Database, Utc, utc_now
from chassis.logging import log
from chassis.mail import Mail, MailDelayed, MailRefused, MailSettings, send
from chassis.telemetry import MAILS_OLDEST_AGE, MAILS_SETTLED, MAILS_WAITING

_LEASE = timedelta(minutes=2)
_AT_ONCE = 20
_MEASURED_EVERY_SECONDS = 10

Settled = Literal["sent", "refused", "dead", "dropped"]
"""Taken by the server; refused by it for good; given up; not needed (any more)."""
FAILED: tuple[Settled, ...] = ("refused", "dead")


class WaitingMail:
    """The columns of a mail outbox. Its table needs an index over ``state`` and ``next_try_at``."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    kind: Mapped[str] = mapped_column(String(30))
    recipient: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    words: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(Utc)
    next_try_at: Mapped[datetime] = mapped_column(Utc)
    settled_at: Mapped[datetime | None] = mapped_column(Utc)
    error: Mapped[str | None] = mapped_column(String(300))

    def settle(self, state: Settled, now: datetime, error: str | None = None) -> None:
        """It is over with this mail."""
        self.state = state
        self.settled_at = now
        self.error = error[:300] if error else None

    def try_again(self, now: datetime) -> None:
        """As if it were written now."""
        self.state, self.attempts, self.error, self.settled_at = "queued", 0, None, None
        self.created_at = self.next_try_at = now


Row = TypeVar("Row", bound=WaitingMail)


@dataclass(frozen=True, slots=True)
class NoMail:
    """There is nothing (more) to say."""

    why: str
    state: Literal["dead", "dropped"] = "dead"


Write = Callable[[AsyncSession, Row, datetime], Awaitable[Mail | NoMail]]
"""The mail as it goes out now."""
Tell = Callable[[AsyncSession, Row, datetime], Awaitable[None]]
"""Says what became of a mail to whoever wants to know, in the transaction that settles it."""


@dataclass(frozen=True, slots=True)
class Postman(Generic[Row]):
    """The loop over one table of waiting mails."""

    service: str
    table: type[Row]
    database: Database
    settings: MailSettings
    sender: str
    write: Write[Row]
    tell: Tell[Row] | None = None

    async def run(self) -> None:
        """Until cancelled."""
        clock = asyncio.get_running_loop().time
        measured_at = clock() - _MEASURED_EVERY_SECONDS
        while True:
            if clock() - measured_at >= _MEASURED_EVERY_SECONDS:
                measured_at = clock()
                await self._measure()
            if await self.deliver_due() == 0:
                await asyncio.sleep(self.settings.mail_poll_interval.total_seconds())

    async def _measure(self) -> None:
        waiting = select(func.count(), func.min(self.table.created_at)).where(self.table.state == "queued")
        async with self.database.reading() as session:
            count, oldest = (await session.execute(waiting)).one()
        MAILS_WAITING.labels(self.service).set(count)
        MAILS_OLDEST_AGE.labels(self.service).set((utc_now() - oldest).total_seconds() if oldest else 0)

    async def deliver_due(self) -> int:
        """One round over the mails that are due; returns how many were taken."""
        now = utc_now()
        due = select(self.table.id).where(self.table.state == "queued", self.table.next_try_at <= now)
        async with self.database.reading() as session:
            ids = list(await session.scalars(due.order_by(self.table.next_try_at).limit(_AT_ONCE)))
        taken = 0
        for mail_id in ids:
            if await self._take(mail_id, now):
                taken += 1
                await self._deliver(mail_id)
        return taken

    async def _take(self, mail_id: UUID, now: datetime) -> bool:
        """Nobody else looks at it for two minutes; a crash gives it back after them."""
        this = self.table.id == mail_id
        free = update(self.table).where(this, self.table.state == "queued", self.table.next_try_at <= now)
        leased = free.values(next_try_at=now + _LEASE, attempts=self.table.attempts + 1)
        async with self.database.transaction() as session:
            result: Any = await session.execute(leased)
        return bool(result.rowcount == 1)

    async def _deliver(self, mail_id: UUID) -> None:
        """Whatever goes wrong with one mail never holds up the others."""
        try:
            mail = await self._write(mail_id)
            if mail is None:
                return
            await send(mail, self.settings, sender=self.sender, message_id=mail_id.hex)
        except asyncio.CancelledError:
            await self._give_back(mail_id)
            raise
        except MailRefused as error:
            await self._settle(mail_id, "refused", str(error))
        except MailDelayed as error:
            await self._delay(mail_id, str(error))
        except Exception as error:
            log.error("mail_failed", mail_id=str(mail_id), exc_info=error)
            await self._delay(mail_id, type(error).__name__)
        else:
            await self._settle(mail_id, "sent", None)

    async def _give_back(self, mail_id: UUID) -> None:
        """The service stops: whoever starts next need not wait for the end of the lease."""
        mine = update(self.table).where(self.table.id == mail_id, self.table.state == "queued")
        async with self.database.transaction() as session:
            await session.execute(mine.values(next_try_at=utc_now()))

    async def _write(self, mail_id: UUID) -> Mail | None:
        now = utc_now()
        async with self.database.transaction() as session:
            row = await session.get_one(self.table, mail_id)
            written = await self.write(session, row, now)
            if isinstance(written, Mail):
                return written
            await self._give_up(session, row, now, written)
            return None

    async def _settle(self, mail_id: UUID, state: Settled, error: str | None) -> None:
        now = utc_now()
        async with self.database.transaction() as session:
            row = await session.get_one(self.table, mail_id)
            row.settle(state, now, error)
            if self.tell:
                await self.tell(session, row, now)
        MAILS_SETTLED.labels(self.service, state).inc()
        log.info("mail_settled", mail_id=str(mail_id), state=state, error=error)

    async def _delay(self, mail_id: UUID, error: str) -> None:
        now = utc_now()
        delays = self.settings.mail_retry_delays_seconds
        async with self.database.transaction() as session:
            row = await session.get_one(self.table, mail_id)
            row.error = error[:300]
            row.next_try_at = now + timedelta(seconds=delays[min(row.attempts, len(delays)) - 1])
            if now - row.created_at >= self.settings.mail_lifetime:
                await self._give_up(session, row, now, NoMail(error))
        log.warning("mail_delayed", mail_id=str(mail_id), error=error)

    async def _give_up(self, session: AsyncSession, row: Row, now: datetime, reason: NoMail) -> None:
        last = f"; last answer: {row.error}" if row.error and row.error != reason.why else ""
        row.settle(reason.state, now, f"{reason.why}{last}")
        MAILS_SETTLED.labels(self.service, reason.state).inc()
        if self.tell:
            await self.tell(session, row, now)
