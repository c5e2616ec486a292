"""The end of every sign-in, whichever way it came: one place opens the session and tells the world."""

from typing import Literal, NamedTuple
from uuid import UUID, uuid4

from fastapi import Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotSignedIn
from chassis.identity import Identity
from chassis.outbox import emit
from events.auth import LoginSucceeded
from services.auth.api import cookies
from services.auth.audit import audit_line
from services.auth.models import Account, SignIn, Ticket, mail_to
from services.auth.secrets import token_hash
from services.auth.storage.context import Context
from services.auth.storage.second_factor import Factor, SignInExpired, recovery_codes_left
from services.auth.storage.sessions import (
    Opened,
    burn_ticket,
    end_presented,
    has_devices,
    know_device,
    known_device,
    open_session,
)
from services.auth.telemetry import SIGN_INS


class SignedInBrowser(NamedTuple):
    """What the browser gets."""

    opened: Opened
    device_token: str | None


async def ticket_of(request: Request, here: Context) -> Ticket:
    """The half sign-in that this browser holds.

    Raises:
        NotSignedIn: none.
        SignInExpired: it is over.
    """
    token = cookies.read(request, "ticket", here.settings)
    if token is None:
        raise NotSignedIn
    async with here.database.reading() as session:
        ticket = await session.get(Ticket, token_hash(token))
    if ticket is None or not ticket.lives(here.settings.ticket_tries, here.now):
        raise SignInExpired
    return ticket


async def account_of_ticket(session: AsyncSession, ticket: str, user_id: UUID, here: Context) -> Account:
    """Burn the ticket; the transaction holds its account already.

    Raises:
        SignInExpired: somebody else was faster, or the account was deactivated meanwhile.
    """
    account = await session.get(Account, user_id)
    if account is None or not account.active or not await burn_ticket(session, ticket, here.now):
        raise SignInExpired
    return account


async def complete(
    session: AsyncSession, request: Request, here: Context, by: Identity, user_id: UUID, factor: Factor
) -> SignedInBrowser:
    """Open the session, know the device, and tell the world; password and second factor were right."""
    await end_presented(session, cookies.read(request, "session", here.settings), user_id, here.now)
    opened = await open_session(session, here, user_id, by.ip)
    device = cookies.read(request, "device", here.settings)
    await _tell(session, here, by, user_id, factor, device)
    device_token = await know_device(session, device, user_id, here.settings.device_lifetime, here.now)
    session.add(_history(here, by, user_id, factor, "done"))
    SIGN_INS.labels("second_factor", "done").inc()
    emit(
        session,
        LoginSucceeded(
            user_id=user_id,
            session_id=opened.session.id,
            factor=factor,
            address=by.ip,
            device=here.device,
            occurred_at=here.now,
        ),
        audit_line("login", "done", by, user_id, factor, here.now),
    )
    return SignedInBrowser(opened, device_token)


async def _tell(
    session: AsyncSession, here: Context, by: Identity, user_id: UUID, factor: Factor, device: str | None
) -> None:
    """By mail: a recovery code that is gone, and a browser that was never seen, unless it is the first one."""
    account = await session.get_one(Account, user_id)
    at = here.now.isoformat()
    if factor == "recovery_code":
        left = str(await recovery_codes_left(session, user_id))
        session.add(mail_to(account, "recovery_code_used", {"at": at, "address": by.ip, "left": left}, here.now))
    if await known_device(session, device, user_id, here.now) is None and await has_devices(session, user_id):
        words = {"at": at, "address": by.ip, "device": here.device or "?"}
        session.add(mail_to(account, "new_device", words, here.now))


def hand_out(response: Response, browser: SignedInBrowser, here: Context) -> None:
    """The cookies of a complete sign-in; the ticket goes."""
    cookies.put(response, "session", browser.opened.token, here.settings)
    if browser.device_token is not None:
        cookies.put(response, "device", browser.device_token, here.settings)
    cookies.take_away(response, "ticket", here.settings)


async def note_refused_password(session: AsyncSession, here: Context, by: Identity, username_key: str) -> UUID | None:
    """A line in the history of the person, where the name is somebody's."""
    user_id = await session.scalar(select(Account.user_id).where(Account.email_key == username_key, Account.active))
    if user_id is not None:
        session.add(_history(here, by, user_id, "password", "refused"))
    return user_id


def _history(here: Context, by: Identity, user_id: UUID, factor: str, result: Literal["done", "refused"]) -> SignIn:
    return SignIn(
        id=uuid4(), user_id=user_id, at=here.now, address=by.ip[:64], device=here.device, factor=factor, result=result
    )
