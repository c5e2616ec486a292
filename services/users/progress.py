"""Whether a row looks otherwise than before: then whoever has the user administration open hears of it at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from chassis.db import utc_now
from chassis.outbox import emit
from events.users import AccessProgressed
from services.users.models import Membership

Look = tuple[object, ...]


@asynccontextmanager
async def telling(session: AsyncSession, user_id: UUID) -> AsyncIterator[None]:
    """Around a step of the first access: tells each company of whose list a row changed, and no other."""
    before = await _looks(session, user_id)
    yield
    await session.flush()
    now = utc_now()
    for place, look in (await _looks(session, user_id)).items():
        membership_id, customer_id = place
        if look != before.get(place):
            emit(
                session,
                AccessProgressed(
                    membership_id=membership_id, user_id=user_id, customer_id=customer_id, occurred_at=now
                ),
            )


async def _looks(session: AsyncSession, user_id: UUID) -> dict[tuple[UUID, UUID], Look]:
    """What each company may see of this person."""
    theirs = select(Membership).where(
        Membership.user_id == user_id, Membership.customer_id.is_not(None), Membership.removed_at.is_(None)
    )
    found = await session.scalars(theirs.options(joinedload(Membership.user), joinedload(Membership.customer)))
    return {(one.id, one.customer_id): _look(one) for one in found if one.customer_id is not None}


def _look(membership: Membership) -> Look:
    now, user = utc_now(), membership.user
    return (
        membership.state(now),
        membership.invitation_state(now),
        membership.invitation_opened_at,
        membership.invitation_error,
        *(membership.shown(at) for at in (user.password_set_at, user.second_factor_at, user.last_login_at)),
    )
