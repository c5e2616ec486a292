"""What `auth` does when `users` tells about people, their places, their companies, and whom to invite."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import EventRouter
from chassis.db import insert_new, utc_now
from chassis.outbox import emit
from events.auth import InvitationFailed
from events.users import CustomerChanged, MembershipChanged, UserChanged, UserInvited
from services.auth.models import (
    Account,
    ApiToken,
    Customer,
    Device,
    MailRow,
    Membership,
    UserSession,
    account_key,
    changed_one,
)
from services.auth.secrets import SecretBox
from services.auth.settings import Settings
from services.auth.storage.links import Lifetime, fresh_link, kill_links, kill_links_of_membership, mail_with_link
from services.auth.storage.sessions import end, end_all, hold_account

_UNKNOWN_YET = -1


def make_handlers(settings: Settings, box: SecretBox) -> EventRouter:
    """The router of this process."""
    handlers = EventRouter("auth")

    @handlers.on(UserInvited)
    async def send_invitation(event: UserInvited, session: AsyncSession) -> None:
        """Make the link, kill the older ones, queue the mail; who has a password already is only told."""
        await invite(event, session, settings, box)

    handlers.on(UserChanged)(project_account)
    handlers.on(MembershipChanged)(project_membership)
    handlers.on(CustomerChanged)(project_customer)
    return handlers


async def invite(event: UserInvited, session: AsyncSession, settings: Settings, box: SecretBox) -> None:
    """Queue the welcome mail of one membership."""
    now = utc_now()
    account = await _account(session, event)
    words = {
        "invited_by": event.invited_by,
        "customer_name": event.customer_name,
        "membership_id": str(event.membership_id),
        "customer_id": str(event.customer_id) if event.customer_id else None,
        "addressee": account.name,
    }
    if not account.active:
        _tell_failed(session, event, now, "the account is deactivated")
        return
    if account.password_hash is not None:
        session.add(_notice(account, words, now))
        return
    await kill_links(session, account.user_id, now, kind="invitation")
    link, token = fresh_link("invitation", account, Lifetime(now, now + settings.invitation_lifetime))
    link.membership_id = event.membership_id
    link.customer_id = event.customer_id
    link.words = words
    session.add(link)
    await session.flush()
    session.add(mail_with_link(account, link, token, box, now))


async def project_account(event: UserChanged, session: AsyncSession) -> None:
    """Take a newer state over. Deactivated: everything that lets the person in ends. Other address: old links end."""
    now = utc_now()
    await insert_new(session, Account, **_state(event, _UNKNOWN_YET))
    account = await _held(session, event.user_id)
    if account.version >= event.version:
        return
    moved = account.version != _UNKNOWN_YET and account.email_key != account_key(event.email)
    for name, value in _state(event, event.version).items():
        setattr(account, name, value)
    await session.flush()
    if moved or not event.active:
        await kill_links(session, event.user_id, now)
    if not event.active:
        await end_all(session, event.user_id, "deactivated", now)
        await session.execute(delete(Device).where(Device.user_id == event.user_id))
        tokens = update(ApiToken).where(ApiToken.user_id == event.user_id, ApiToken.revoked_at.is_(None))
        await session.execute(tokens.values(revoked_at=now))


async def project_membership(event: MembershipChanged, session: AsyncSession) -> None:
    """Take a newer state over. An ended one takes its invitation and the sessions that had its customer open along."""
    now = utc_now()
    state = event.model_dump() | {"modules": list(event.modules)}
    new = await insert_new(session, Membership, **state, known_since=now)
    if not new:
        newer = update(Membership).where(
            Membership.membership_id == event.membership_id, Membership.version < event.version
        )
        result = await session.execute(newer.values(**state).execution_options(synchronize_session=False))
        if not changed_one(result):
            return
    if event.active:
        return
    await kill_links_of_membership(session, event.membership_id, now)
    there = select(UserSession).where(UserSession.user_id == event.user_id, UserSession.ended_at.is_(None))
    if event.customer_id is not None:
        there = there.where(UserSession.customer_id == event.customer_id)
    for one in await session.scalars(there):
        if one.customer_id is not None:
            end(session, one, "ended", now)


async def project_customer(event: CustomerChanged, session: AsyncSession) -> None:
    """Take a newer state over."""
    state = {name: getattr(event, name) for name in ("customer_id", "version", "number", "name", "active")}
    if not await insert_new(session, Customer, **state):
        newer = update(Customer).where(Customer.customer_id == event.customer_id, Customer.version < event.version)
        await session.execute(newer.values(**state).execution_options(synchronize_session=False))


async def _account(session: AsyncSession, event: UserInvited) -> Account:
    """The account, made from the invitation where that comes first."""
    fields = {
        "user_id": event.user_id,
        "version": _UNKNOWN_YET,
        "email": event.email,
        "email_key": account_key(event.email),
        "given_name": event.given_name,
        "family_name": event.family_name,
        "language": event.language,
        "active": True,
        "enrolment_needs_link": False,
    }
    await insert_new(session, Account, **fields)
    return await _held(session, event.user_id)


async def _held(session: AsyncSession, user_id: UUID) -> Account:
    """The account, held. An address that still belongs to somebody else makes the event wait for that one's change."""
    account = await hold_account(session, user_id)
    if account is None:
        raise LookupError("the address belongs to another active account until its change arrives")
    return account


def _state(event: UserChanged, version: int) -> dict[str, object]:
    return {
        "user_id": event.user_id,
        "version": version,
        "email": event.email,
        "email_key": account_key(event.email),
        "given_name": event.given_name,
        "family_name": event.family_name,
        "language": event.language,
        "active": event.active,
    }


def _notice(account: Account, words: dict[str, str | None], now: datetime) -> MailRow:
    return MailRow(
        id=uuid4(),
        kind="welcome_known",
        recipient=account.email,
        language=account.language,
        words=words,
        user_id=account.user_id,
        created_at=now,
        next_try_at=now,
    )


def _tell_failed(session: AsyncSession, event: UserInvited, now: datetime, why: str) -> None:
    emit(
        session,
        InvitationFailed(
            user_id=event.user_id,
            membership_id=event.membership_id,
            customer_id=event.customer_id,
            reason=why,
            occurred_at=now,
        ),
    )
