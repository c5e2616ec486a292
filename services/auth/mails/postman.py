"""Takes due mails to the mail server, again and again while it is away; tells what became of invitations."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.brand import Brand
from chassis.db import Database, utc_now
from chassis.logging import log
from chassis.mail import Mail, MailDelayed, MailRefused, send
from chassis.outbox import emit
from events.auth import InvitationFailed, InvitationSent
from services.auth.mails.letters import letter
from services.auth.mails.writing import PURPOSE, Writing
from services.auth.models import Link, MailRow, changed_one
from services.auth.secrets import SecretBox
from services.auth.settings import Settings

_LEASE = timedelta(minutes=2)
_AT_ONCE = 20
_INVITES = ("invitation_request", "invitation", "welcome_known")


@dataclass(frozen=True, slots=True)
class Postman:
    """Any number may run beside each other: each takes a mail by one conditional UPDATE."""

    database: Database
    settings: Settings
    box: SecretBox
    brand: Brand

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if await self.deliver_due() == 0:
                await asyncio.sleep(self.settings.mail_poll_interval.total_seconds())

    async def deliver_due(self) -> int:
        """One round over the mails that are due; returns how many were taken."""
        now = utc_now()
        due = select(MailRow.id).where(MailRow.state == "queued", MailRow.next_try_at <= now)
        async with self.database.reading() as session:
            ids = list(await session.scalars(due.order_by(MailRow.next_try_at).limit(_AT_ONCE)))
        taken = 0
        for mail_id in ids:
            if await self._take(mail_id, now):
                taken += 1
                await self._deliver(mail_id)
        return taken

    async def _take(self, mail_id: UUID, now: datetime) -> bool:
        """Nobody else looks at it for two minutes; a crash gives it back after them."""
        free = update(MailRow).where(MailRow.id == mail_id, MailRow.state == "queued", MailRow.next_try_at <= now)
        async with self.database.transaction() as session:
            result = await session.execute(free.values(next_try_at=now + _LEASE, attempts=MailRow.attempts + 1))
        return changed_one(result)

    async def _deliver(self, mail_id: UUID) -> None:
        """Whatever goes wrong with one mail never holds up the others."""
        try:
            mail = await self._write(mail_id)
            if mail is None:
                return
            await send(mail, self.settings, sender=self.brand.sender, message_id=mail_id.hex)
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
        mine = update(MailRow).where(MailRow.id == mail_id, MailRow.state == "queued")
        async with self.database.transaction() as session:
            await session.execute(mine.values(next_try_at=utc_now()))

    async def _write(self, mail_id: UUID) -> Mail | None:
        """The mail as it goes out now; none when there is nothing (more) to say."""
        now = utc_now()
        async with self.database.transaction() as session:
            row = await session.get_one(MailRow, mail_id)
            why_not = await Writing(self.settings, self.box, now).attach_link(session, row)
            if why_not is not None:
                await self._give_up(session, row, now, why_not)
                return None
            link = await session.get(Link, row.link_id) if row.link_id else None
            if link is not None and (link.used_at or link.killed_at or now >= link.expires_at):
                await self._give_up(session, row, now, "the link ended before the mail could be sent")
                return None
            secret = self.box.open(PURPOSE, row.id, row.secret) if row.secret else None
            return letter(row, link, secret, self.brand, self.settings)

    async def _settle(self, mail_id: UUID, state: Literal["sent", "refused"], error: str | None) -> None:
        now = utc_now()
        async with self.database.transaction() as session:
            row = await session.get_one(MailRow, mail_id)
            link = await session.get(Link, row.link_id) if row.link_id else None
            row.settle(state, now, error)
            if state == "sent" and row.kind in _INVITES:
                emit(session, self._sent(row, link, now))
            elif state == "refused":
                self._tell_failed(session, row, now, error or "")
        log.info("mail_settled", mail_id=str(mail_id), state=state, error=error)

    async def _delay(self, mail_id: UUID, error: str) -> None:
        now = utc_now()
        delays = self.settings.mail_retry_delays_seconds
        async with self.database.transaction() as session:
            row = await session.get_one(MailRow, mail_id)
            row.error = error[:300]
            row.next_try_at = now + timedelta(seconds=delays[min(row.attempts, len(delays)) - 1])
            if now - row.created_at >= self.settings.mail_lifetime:
                await self._give_up(session, row, now, error)
        log.warning("mail_delayed", mail_id=str(mail_id), error=error)

    async def _give_up(self, session: AsyncSession, row: MailRow, now: datetime, why: str) -> None:
        """Dead. A link that was killed or used is nobody's failure: a newer mail is on its way, or none is needed."""
        why = f"{why}; last answer: {row.error}" if row.error and row.error != why else why
        row.settle("dead", now, why)
        link = await session.get(Link, row.link_id) if row.link_id else None
        if link is None or not (link.used_at or link.killed_at):
            self._tell_failed(session, row, now, why)

    def _tell_failed(self, session: AsyncSession, row: MailRow, now: datetime, why: str) -> None:
        if row.kind not in _INVITES or row.user_id is None:
            return
        emit(
            session,
            InvitationFailed(
                user_id=row.user_id,
                membership_id=UUID(row.words["membership_id"]),
                customer_id=UUID(row.words["customer_id"]) if row.words["customer_id"] else None,
                reason=why[:300],
                occurred_at=now,
            ),
        )

    def _sent(self, row: MailRow, link: Link | None, now: datetime) -> InvitationSent:
        assert row.user_id is not None
        return InvitationSent(
            user_id=row.user_id,
            membership_id=UUID(row.words["membership_id"]),
            customer_id=UUID(row.words["customer_id"]) if row.words["customer_id"] else None,
            expires_at=link.expires_at if link else now + self.settings.invitation_lifetime,
            occurred_at=now,
        )
