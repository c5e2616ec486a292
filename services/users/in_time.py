"""What happens when its time has come: invitations that wait for their turn, and last days that are over.

Each one is a transaction of its own that notes what it did: a process may be killed at any point, another goes on.
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from chassis.db import Database, insert_new, utc_now
from chassis.identity import Identity
from chassis.logging import log
from chassis.outbox import emit
from services.users.models import Membership, WaitingInvitation
from services.users.people import emit_user, hold_user

_AT_ONCE = 50


async def invite_later(
    session: AsyncSession, memberships: Iterable[Membership], by: Identity, *, per_minute: int
) -> None:
    """Queue first invitations behind those that wait already."""
    now, apart = utc_now(), timedelta(minutes=1) / per_minute
    last: datetime | None = await session.scalar(select(func.max(WaitingInvitation.due_at)))
    due_at = max(now, last + apart) if last else now
    for membership in memberships:
        who = {"invited_by": by.name[:201], "actor_id": by.user_id}
        if await insert_new(session, WaitingInvitation, membership_id=membership.id, due_at=due_at, **who):
            due_at += apart


async def send_due(database: Database, now: datetime | None = None) -> int:
    """One round; returns how many were taken off the queue."""
    at = now or utc_now()
    due = select(WaitingInvitation.membership_id).where(WaitingInvitation.due_at <= at)
    async with database.reading() as session:
        found = (await session.scalars(due.order_by(WaitingInvitation.due_at).limit(_AT_ONCE))).all()
    return sum([await _attempt(database, _send, membership_id, at) for membership_id in found])


async def end_due(database: Database, now: datetime | None = None) -> int:
    """One round; returns of how many ends everybody was told."""
    at = now or utc_now()
    untold = or_(Membership.end_told_on.is_(None), Membership.end_told_on != Membership.expires_on)
    over = select(Membership.id).where(Membership.active, Membership.removed_at.is_(None), untold)
    over = over.where(Membership.expires_on <= at.date()).order_by(Membership.expires_on, Membership.id)
    async with database.reading() as session:
        found = (await session.scalars(over.limit(_AT_ONCE))).all()
    return sum([await _attempt(database, _end, membership_id, at) for membership_id in found])


Step = Callable[[AsyncSession, UUID, datetime], Awaitable[bool]]


async def _attempt(database: Database, step: Step, membership_id: UUID, now: datetime) -> bool:
    """What goes wrong with one never holds up the others; it is tried again in the next round."""
    try:
        async with database.transaction() as session:
            return await step(session, membership_id, now)
    except Exception as error:
        log.error("due_work_failed", work=step.__name__, membership_id=str(membership_id), exc_info=error)
        return False


async def _send(session: AsyncSession, membership_id: UUID, now: datetime) -> bool:
    membership = await _held(session, membership_id)
    this = WaitingInvitation.membership_id == membership_id, WaitingInvitation.due_at <= now
    gone = delete(WaitingInvitation).where(*this).returning(WaitingInvitation.invited_by, WaitingInvitation.actor_id)
    taken: Any = (await session.execute(gone.execution_options(synchronize_session=False))).first()
    if taken is None:
        return False
    if membership is not None and membership.customer is not None and membership.may_be_invited_first(now):
        company = membership.customer.name
        emit(session, membership.invite(by=taken.invited_by, actor_id=taken.actor_id, company=company, now=now))
    return True


async def _end(session: AsyncSession, membership_id: UUID, now: datetime) -> bool:
    membership = await _held(session, membership_id)
    if membership is None or membership.counts(now) or membership.end_told_on == membership.expires_on:
        return False
    if not membership.active or membership.removed_at is not None:
        return False
    membership.end_told_on = membership.expires_on
    emit(session, membership.changed().model_copy(update={"active": False}))
    await emit_user(session, membership.user)
    return True


async def _held(session: AsyncSession, membership_id: UUID) -> Membership | None:
    user_id = await session.scalar(select(Membership.user_id).where(Membership.id == membership_id))
    if user_id is None:
        return None
    await hold_user(session, user_id)
    this = select(Membership).where(Membership.id == membership_id, Membership.user_id == user_id)
    loaded = this.options(joinedload(Membership.user), joinedload(Membership.customer))
    found: Membership | None = await session.scalar(loaded.with_for_update(of=Membership))
    return found
