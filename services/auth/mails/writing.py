"""Turns the request for a mail into a mail with its link, when it is due: the secret waits as short as it can."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Identity
from chassis.outbox import emit
from services.auth.audit import audit_line
from services.auth.models import Account, Link, MailRow, Membership, account_key
from services.auth.models.links import Kind
from services.auth.secrets import SecretBox
from services.auth.settings import Settings
from services.auth.storage.links import Lifetime, fresh_link, kill_links
from services.auth.storage.sessions import hold_account

PURPOSE = "mail-secret"


@dataclass(frozen=True, slots=True)
class Writing:
    """One mail, now."""

    settings: Settings
    box: SecretBox
    now: datetime

    async def attach_link(self, session: AsyncSession, row: MailRow) -> str | None:
        """Make the link that a request asks for. Returns why there is none, where there is to be no mail."""
        if row.kind == "invitation_request":
            return await self._invitation(session, row)
        if row.kind == "reset_request":
            return await self._reset(session, row)
        if row.kind == "second_factor_request":
            return await self._second_factor(session, row)
        if row.kind == "email_change_request":
            return await self._email_change(session, row)
        return None

    async def _invitation(self, session: AsyncSession, row: MailRow) -> str | None:
        """Who has a password already is only told: a link would be a second way to set it."""
        assert row.user_id is not None
        account = await hold_account(session, row.user_id)
        if account is None or not account.active:
            return "the account is deactivated"
        place = await session.get(Membership, UUID(row.words["membership_id"]))
        if place is not None and not place.holds(self.now.date()):
            return "the membership has ended"
        row.recipient = account.email
        if account.password_hash is not None:
            row.kind = "welcome_known"
            return None
        link = await self._link(session, row, "invitation", account, self.settings.invitation_lifetime)
        link.membership_id = UUID(row.words["membership_id"])
        link.customer_id = UUID(row.words["customer_id"]) if row.words["customer_id"] else None
        link.words = {name: row.words[name] for name in ("invited_by", "customer_name", "membership_id", "customer_id")}
        return None

    async def _reset(self, session: AsyncSession, row: MailRow) -> str | None:
        """Only here it is looked up whether anybody has this name."""
        named = select(Account).where(Account.email_key == account_key(row.recipient), Account.active)
        account = await session.scalar(named.with_for_update(key_share=True))
        if account is None or account.password_hash is None:
            row.recipient = ""
            return "nobody to write to"
        by = Identity(sub="anonymous", ip=row.words["address"], rid=row.words.get("request_id") or "")
        row.recipient = account.email
        row.language = account.language
        row.words = {"addressee": account.name, "address": row.words["address"]}
        row.user_id = account.user_id
        await self._link(session, row, "reset", account, self.settings.reset_lifetime)
        emit(session, audit_line("password_reset_requested", "done", by, account.user_id, None, self.now))
        return None

    async def _second_factor(self, session: AsyncSession, row: MailRow) -> str | None:
        """Not needed any more by who has an app again."""
        assert row.user_id is not None
        account = await hold_account(session, row.user_id)
        if account is None or not account.active or not account.enrolment_needs_link:
            return "nothing to set up"
        row.recipient = account.email
        await self._link(session, row, "second_factor", account, self.settings.second_factor_link_lifetime)
        return None

    async def _email_change(self, session: AsyncSession, row: MailRow) -> str | None:
        """Whoever has the address as a user name hears nothing, and neither does the one who asked."""
        assert row.user_id is not None
        account = await hold_account(session, row.user_id)
        taken = select(Account.user_id).where(Account.email_key == account_key(row.recipient), Account.active)
        if account is None or not account.active or await session.scalar(taken) is not None:
            return "the address cannot be taken"
        link = await self._link(session, row, "email_change", account, self.settings.email_link_lifetime)
        link.words = {"email": row.recipient}
        return None

    async def _link(
        self, session: AsyncSession, row: MailRow, kind: Kind, account: Account, lifetime: timedelta
    ) -> Link:
        """The older ones of its kind end."""
        await kill_links(session, account.user_id, self.now, kind=kind)
        link, token = fresh_link(kind, account, Lifetime(self.now, self.now + lifetime))
        session.add(link)
        await session.flush()
        row.kind = kind
        row.link_id = link.id
        row.secret = self.box.seal(PURPOSE, row.id, token)
        return link
