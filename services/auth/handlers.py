"""What `auth` does when `users` tells about people, their places, their companies, and whom to invite."""

from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import EventRouter
from chassis.db import insert_new, utc_now
from chassis.outbox import emit
from events.auth import AuthAuditRecorded, SecondFactorReset
from events.users import CustomerChanged, MembershipChanged, SecondFactorResetRequested, UserChanged, UserInvited
from services.auth.models import (
    Account,
    ApiToken,
    Customer,
    Device,
    Membership,
    RecoveryCode,
    TotpFactor,
    UserSession,
    account_key,
    changed_one,
    invitation_request,
    mail_to,
)
from services.auth.storage.counters import clear, enrolment_counter, factor_counter
from services.auth.storage.links import kill_links, kill_links_of_membership
from services.auth.storage.sessions import end, end_all, hold_account

_UNKNOWN_YET = -1


handlers = EventRouter("auth")


@handlers.on(UserInvited)
async def queue_invitation(event: UserInvited, session: AsyncSession) -> None:
    """The older links end at once; the postman makes the new one when he writes the mail."""
    now = utc_now()
    account = await _account(session, event)
    await kill_links(session, account.user_id, now, kind="invitation")
    words = {
        "invited_by": event.invited_by,
        "customer_name": event.customer_name,
        "membership_id": str(event.membership_id),
        "customer_id": str(event.customer_id) if event.customer_id else None,
    }
    session.add(invitation_request(account, words, now))


@handlers.on(SecondFactorResetRequested)
async def take_second_factor(event: SecondFactorResetRequested, session: AsyncSession) -> None:
    """App, recovery codes, sessions and known devices go. From now on password and mailed link open the enrolment.

    Raises:
        LookupError: the account is not known yet.
    """
    now = utc_now()
    account = await hold_account(session, event.user_id)
    if account is None:
        raise LookupError("the account has not been told of yet")
    if not account.active:
        return
    for table in (TotpFactor, RecoveryCode, Device):
        await session.execute(delete(table).where(table.user_id == event.user_id))
    account.enrolment_needs_link = True
    await end_all(session, event.user_id, "reset", now)
    await kill_links(session, event.user_id, now, kind="second_factor")
    await clear(session, {factor_counter(event.user_id): None, enrolment_counter(event.user_id): None}, now)
    words = {"requested_by": event.requested_by, "reason": event.reason}
    session.add(mail_to(account, "second_factor_request", words, now))
    line = AuthAuditRecorded(
        what="second_factor_reset",
        result="done",
        actor_id=event.actor_id,
        customer_id=event.customer_id,
        on=f"user/{event.user_id}",
        address=None,
        factor=None,
        request_id=None,
        occurred_at=now,
    )
    emit(session, SecondFactorReset(user_id=event.user_id, cause="reset", occurred_at=now), line)


@handlers.on(UserChanged)
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


@handlers.on(MembershipChanged)
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


@handlers.on(CustomerChanged)
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
