"""Sessions and tickets in the database: opened, replaced, ended."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import insert_new
from chassis.errors import NotSignedIn
from chassis.identity import Identity
from chassis.outbox import emit
from events.auth import SessionEnded
from services.auth.models import Account, Device, Ticket, UserSession, changed_one
from services.auth.secrets import new_token, token_hash
from services.auth.settings import Settings
from services.auth.storage.context import Context
from services.auth.throttle import CLOCK_TOLERANCE

Cause = Literal["sign_out", "ended", "reset", "deactivated", "switched", "too_many", "replaced"]

# Every sign-in runs these: built once, for building a statement costs more than running it.
_HELD = select(Account).where(Account.user_id == bindparam("whose")).with_for_update(key_share=True)
_UNUSED_TICKET = update(Ticket).where(Ticket.token_hash == bindparam("given"), Ticket.used_at.is_(None))
_COUNT_TICKET = (
    _UNUSED_TICKET.where(
        Ticket.created_at <= bindparam("latest"),
        Ticket.expires_at > bindparam("now"),
        Ticket.tries < bindparam("most_tries"),
    )
    .values(tries=Ticket.tries + 1)
    .execution_options(synchronize_session=False)
)
_BURN_TICKET = _UNUSED_TICKET.values(used_at=bindparam("now")).execution_options(synchronize_session=False)
_LIVING = (
    select(UserSession)
    .where(
        UserSession.user_id == bindparam("whose"),
        UserSession.ended_at.is_(None),
        UserSession.expires_at > bindparam("now"),
        UserSession.last_seen_at > bindparam("seen_after"),
        UserSession.last_seen_at <= bindparam("seen_before"),
    )
    .order_by(UserSession.signed_in_at.desc(), UserSession.id)
)
_DEVICE = select(Device.user_id).where(Device.user_id == bindparam("whose")).limit(1)


class Opened(NamedTuple):
    """A session with the token that only its browser knows."""

    session: UserSession
    token: str


async def hold_account(session: AsyncSession, user_id: UUID) -> Account | None:
    """The account, held until the transaction ends: what is decided about a person is decided one after the other.

    Always the first thing a transaction holds, so that two of them never wait for each other.
    """
    return await session.scalar(_HELD, {"whose": user_id})


async def own_session(session: AsyncSession, by: Identity, settings: Settings, now: datetime) -> UserSession:
    """The caller's session; the gateway's statement may be some seconds older than its end.

    Raises:
        NotSignedIn: it is over.
    """
    own = await session.get(UserSession, UUID(str(by.sid)))
    if own is None or own.user_id != by.user_id or not own.lives(settings.session_idle, now):
        raise NotSignedIn
    return own


async def open_session(session: AsyncSession, here: Context, user_id: UUID, address: str) -> Opened:
    """A fresh session after password and second factor; ends the oldest where there are too many."""
    token = new_token()
    opened = UserSession(
        id=uuid4(),
        token_hash=token_hash(token),
        user_id=user_id,
        customer_id=None,
        device=here.device,
        address=address[:64],
        signed_in_at=here.now,
        last_seen_at=here.now,
        expires_at=here.now + here.settings.session_lifetime,
        step_up_at=here.now,
    )
    session.add(opened)
    await session.flush()
    others = [one for one in await living(session, user_id, here.settings, here.now) if one.id != opened.id]
    for oldest in others[here.settings.sessions_per_user - 1 :]:
        end(session, oldest, "too_many", here.now)
    return Opened(opened, token)


async def replace_session(session: AsyncSession, old: UserSession, cause: Cause, now: datetime) -> Opened | None:
    """A successor with a new id and token; none if somebody else has just replaced or ended it."""
    token = new_token()
    ended = update(UserSession).where(UserSession.id == old.id, UserSession.ended_at.is_(None))
    result = await session.execute(
        ended.values(ended_at=now, end_cause=cause).execution_options(synchronize_session=False)
    )
    if not changed_one(result):
        return None
    successor = UserSession(
        id=uuid4(),
        token_hash=token_hash(token),
        user_id=old.user_id,
        customer_id=old.customer_id,
        device=old.device,
        address=old.address,
        signed_in_at=old.signed_in_at,
        last_seen_at=now,
        expires_at=old.expires_at,
        step_up_at=old.step_up_at,
    )
    session.add(successor)
    emit(session, SessionEnded(user_id=old.user_id, session_id=old.id, cause=cause, occurred_at=now))
    return Opened(successor, token)


def end(session: AsyncSession, one: UserSession, cause: Cause, now: datetime) -> None:
    """This session is over."""
    one.ended_at = now
    one.end_cause = cause
    emit(session, SessionEnded(user_id=one.user_id, session_id=one.id, cause=cause, occurred_at=now))


async def end_presented(session: AsyncSession, token: str | None, user_id: UUID, now: datetime) -> None:
    """The session that this browser had before it signed in again."""
    if token is None:
        return
    before = select(UserSession).where(UserSession.token_hash == token_hash(token), UserSession.user_id == user_id)
    found = await session.scalar(before.where(UserSession.ended_at.is_(None)))
    if found is not None:
        end(session, found, "replaced", now)


async def end_all(session: AsyncSession, user_id: UUID, cause: Cause, now: datetime) -> None:
    """Every session and every half sign-in of a person is over."""
    running = update(UserSession).where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
    await session.execute(running.values(ended_at=now, end_cause=cause))
    await session.execute(update(Ticket).where(Ticket.user_id == user_id, Ticket.used_at.is_(None)).values(used_at=now))
    emit(session, SessionEnded(user_id=user_id, session_id=None, cause=cause, occurred_at=now))


async def open_ticket(session: AsyncSession, user_id: UUID, settings: Settings, now: datetime) -> str:
    """The token of a new ticket."""
    token = new_token()
    ends = now + settings.ticket_lifetime
    session.add(Ticket(token_hash=token_hash(token), user_id=user_id, created_at=now, expires_at=ends, tries=0))
    await session.flush()
    return token


async def count_ticket(session: AsyncSession, token: str, most_tries: int, now: datetime) -> bool:
    """Use up one of a ticket's tries, in one statement; false when it is used, over or tried too often."""
    latest = now + CLOCK_TOLERANCE
    given = {"given": token_hash(token), "now": now, "latest": latest, "most_tries": most_tries}
    return changed_one(await session.execute(_COUNT_TICKET, given))


async def burn_ticket(session: AsyncSession, token: str, now: datetime) -> bool:
    """A ticket makes one session, never two."""
    return changed_one(await session.execute(_BURN_TICKET, {"given": token_hash(token), "now": now}))


async def know_device(
    session: AsyncSession, presented: str | None, user_id: UUID, lifetime: timedelta, now: datetime
) -> str:
    """Remember this browser for the person; returns the token of its cookie, the presented one where it is ours."""
    known = presented is not None and await session.scalar(
        select(Device.user_id).where(Device.token_hash == token_hash(presented), Device.expires_at > now).limit(1)
    )
    token = presented if known and presented else new_token()
    values = {"token_hash": token_hash(token), "user_id": user_id, "created_at": now, "expires_at": now + lifetime}
    if not await insert_new(session, Device, **values):
        same = update(Device).where(Device.token_hash == token_hash(token), Device.user_id == user_id)
        await session.execute(same.values(expires_at=now + lifetime))
    return token


async def known_device(session: AsyncSession, presented: str | None, user_id: UUID, now: datetime) -> str | None:
    """The hash of the cookie, if this person has signed in fully in this browser before."""
    if presented is None:
        return None
    digest = token_hash(presented)
    known = select(Device.user_id).where(Device.token_hash == digest, Device.user_id == user_id)
    return digest if await session.scalar(known.where(Device.expires_at > now)) else None


async def has_devices(session: AsyncSession, user_id: UUID) -> bool:
    """This person has signed in fully somewhere before."""
    return await session.scalar(_DEVICE, {"whose": user_id}) is not None


async def end_others(session: AsyncSession, user_id: UUID, own: UUID, cause: Cause, now: datetime) -> None:
    """All sessions of a person but this one, and every half sign-in."""
    theirs = select(UserSession).where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
    for one in await session.scalars(theirs.where(UserSession.id != own)):
        end(session, one, cause, now)
    await session.execute(update(Ticket).where(Ticket.user_id == user_id, Ticket.used_at.is_(None)).values(used_at=now))


async def forget_devices(session: AsyncSession, user_id: UUID) -> None:
    """After a reset every browser is a stranger."""
    await session.execute(delete(Device).where(Device.user_id == user_id))


async def living(session: AsyncSession, user_id: UUID, settings: Settings, now: datetime) -> list[UserSession]:
    """Newest first."""
    seen = {"seen_after": now - settings.session_idle, "seen_before": now + CLOCK_TOLERANCE}
    given = {"whose": user_id, "now": now, **seen}
    return list(await session.scalars(_LIVING, given))
