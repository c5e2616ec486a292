"""Links in the database: made, found by their secret, burnt by one statement."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.models import Account, Link, LinkUnknown, changed_one
from services.auth.models.links import Kind
from services.auth.secrets import new_token, token_hash
from services.auth.storage.sessions import hold_account


class Lifetime(NamedTuple):
    """From when to when a new link holds."""

    now: datetime
    expires_at: datetime


async def find_link(session: AsyncSession, kind: Kind, token: str) -> Link:
    """The link of a secret.

    Raises:
        LinkUnknown: there is none of this kind.
    """
    link = await session.scalar(select(Link).where(Link.token_hash == token_hash(token), Link.kind == kind))
    if link is None:
        raise LinkUnknown
    return link


async def open_link(
    session: AsyncSession, kind: Kind, token: str, now: datetime, *, hold: bool = False
) -> tuple[Link, Account]:
    """A link that still works, with the active account it is for; held until the transaction ends if asked for.

    Raises:
        LinkUnknown: no such link, or its person is deactivated.
        AppError: as `Link.require_open`.
    """
    link = await find_link(session, kind, token)
    account = await (hold_account(session, link.user_id) if hold else session.get(Account, link.user_id))
    if account is None or not account.active:
        raise LinkUnknown
    link.require_open(now)
    return link, account


async def burn(session: AsyncSession, link: Link, now: datetime) -> None:
    """Use the link up; its end is compared in the statement that burns it.

    Raises:
        AppError: as `Link.require_open`, when it is over or somebody else was faster.
    """
    usable = update(Link).where(
        Link.id == link.id, Link.used_at.is_(None), Link.killed_at.is_(None), Link.expires_at > now
    )
    result = await session.execute(usable.values(used_at=now).execution_options(synchronize_session=False))
    if not changed_one(result):
        await session.refresh(link)
        link.require_open(now)
        raise LinkUnknown


async def kill_links(session: AsyncSession, user_id: UUID, now: datetime, *, kind: Kind | None = None) -> None:
    """The open links of a person, all or of one kind, no longer open anything."""
    open_ones = update(Link).where(Link.user_id == user_id, Link.used_at.is_(None), Link.killed_at.is_(None))
    if kind is not None:
        open_ones = open_ones.where(Link.kind == kind)
    await session.execute(open_ones.values(killed_at=now).execution_options(synchronize_session=False))


async def kill_links_of_membership(session: AsyncSession, membership_id: UUID, now: datetime) -> None:
    """An invitation ends with the membership it is for."""
    open_ones = update(Link).where(
        Link.membership_id == membership_id, Link.used_at.is_(None), Link.killed_at.is_(None)
    )
    await session.execute(open_ones.values(killed_at=now).execution_options(synchronize_session=False))


def fresh_link(kind: Kind, account: Account, life: Lifetime) -> tuple[Link, str]:
    """A new link and its secret."""
    token = new_token()
    link = Link(
        id=uuid4(),
        token_hash=token_hash(token),
        kind=kind,
        user_id=account.user_id,
        words={},
        created_at=life.now,
        expires_at=life.expires_at,
    )
    return link, token
