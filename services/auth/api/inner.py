"""For the gateway only: who is behind a cookie or an API token."""

from datetime import UTC, datetime, timedelta
from typing import Literal, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, model_validator
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import Gateway
from chassis.errors import NotSignedIn
from services.auth.api.bodies import Body
from services.auth.api.here import Here
from services.auth.models import Account, ApiToken, Ticket, UserSession
from services.auth.secrets import token_hash
from services.auth.storage.context import Context

router = APIRouter(prefix="/inner", include_in_schema=False)

_NOTED_EVERY = timedelta(minutes=1)
_TOUCH_EVERY = timedelta(seconds=20)
"""The last use of a session is written this often: a session may end so much earlier than it should, never later."""


class PrincipalQuestion(Body):
    """One of the three; ``touch`` is false where a use does not keep an idle session alive (live streams)."""

    session: str | None = None
    ticket: str | None = None
    api_token: str | None = None
    touch: bool = True

    @model_validator(mode="after")
    def asks_for_one(self) -> Self:
        """Exactly one secret."""
        if sum(value is not None for value in (self.session, self.ticket, self.api_token)) != 1:
            raise ValueError("ask for exactly one of session, ticket and api_token")
        return self


class InnerPrincipal(BaseModel):
    """What the gateway signs into identity tokens, together with what `users` says."""

    kind: Literal["session", "ticket", "user_token", "machine"]
    user_id: UUID | None = None
    session_id: UUID | None = None
    customer_id: UUID | None = None
    amr: tuple[str, ...] = ()
    step_up_at: int | None = None
    scopes: tuple[str, ...] = ()
    name: str = ""
    expires_at: datetime | None = None


@router.post("/principal")
async def find_principal(body: PrincipalQuestion, _by: Gateway, here: Here) -> InnerPrincipal:
    """Who this is; 401 when the secret opens nothing (any more)."""
    unused_for = timedelta(0)
    async with here.database.reading() as session:
        if body.session is not None:
            found, idle_for = await _by_session(session, body.session, here)
        elif body.ticket is not None:
            found, idle_for = await _by_ticket(session, body.ticket, here), timedelta(0)
        else:
            found, unused_for = await _by_api_token(session, str(body.api_token), here)
            idle_for = timedelta(0)
    if body.api_token is not None and unused_for >= _NOTED_EVERY:
        await _note_use(here, body.api_token)
    if body.touch and idle_for >= _TOUCH_EVERY:
        await _touch(here, found)
    return found


async def _by_session(session: AsyncSession, raw: str, here: Context) -> tuple[InnerPrincipal, timedelta]:
    this = select(UserSession, Account.active).join(Account, Account.user_id == UserSession.user_id)
    row = (await session.execute(this.where(UserSession.token_hash == token_hash(raw)))).one_or_none()
    if row is None or not row[1] or not row[0].lives(here.settings.session_idle, here.now):
        raise NotSignedIn
    own: UserSession = row[0]
    principal = InnerPrincipal(
        kind="session",
        user_id=own.user_id,
        session_id=own.id,
        customer_id=own.customer_id,
        amr=("pwd", "otp"),
        step_up_at=int(own.step_up_at.timestamp()) if own.step_up_at else None,
        expires_at=own.ends_at(here.settings.session_idle),
    )
    return principal, here.now - own.last_seen_at


async def _by_ticket(session: AsyncSession, raw: str, here: Context) -> InnerPrincipal:
    ticket = await session.get(Ticket, token_hash(raw))
    if ticket is None or not ticket.lives(here.settings.ticket_tries, here.now):
        raise NotSignedIn
    account = await session.get(Account, ticket.user_id)
    if account is None or not account.active:
        raise NotSignedIn
    return InnerPrincipal(kind="ticket", user_id=ticket.user_id, amr=("pwd",), expires_at=ticket.expires_at)


async def _by_api_token(session: AsyncSession, raw: str, here: Context) -> tuple[InnerPrincipal, timedelta]:
    token = await session.scalar(select(ApiToken).where(ApiToken.token_hash == token_hash(raw)))
    if token is None or not token.lives(here.now):
        raise NotSignedIn
    if token.kind == "user":
        account = await session.get(Account, token.user_id)
        if account is None or not account.active:
            raise NotSignedIn
    unused_for = here.now - (token.last_used_at or datetime.min.replace(tzinfo=UTC))
    principal = InnerPrincipal(
        kind="machine" if token.kind == "machine" else "user_token",
        user_id=token.user_id,
        customer_id=token.customer_id,
        amr=("api_token",),
        scopes=tuple(token.scopes),
        name=token.name,
        expires_at=token.expires_at,
    )
    return principal, unused_for


async def _note_use(here: Context, raw: str) -> None:
    """For its owner, who wonders whether anybody still uses it."""
    async with here.database.transaction() as session:
        this = update(ApiToken).where(ApiToken.token_hash == token_hash(raw), ApiToken.revoked_at.is_(None))
        await session.execute(this.values(last_used_at=here.now).execution_options(synchronize_session=False))


async def _touch(here: Context, found: InnerPrincipal) -> None:
    """Note the use; never backwards, and never on a session that has ended meanwhile."""
    async with here.database.transaction() as session:
        own = update(UserSession).where(UserSession.id == found.session_id, UserSession.ended_at.is_(None))
        await session.execute(own.where(UserSession.last_seen_at < here.now).values(last_seen_at=here.now))
