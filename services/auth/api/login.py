"""The first step of a sign-in: user name and password."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import bindparam, select

from chassis.access import Anyone
from chassis.errors import NotSignedIn, TooMany, problems
from chassis.identity import Identity
from chassis.outbox import emit
from events.auth import LoginFailed, LoginLocked
from services.auth.api import cookies
from services.auth.api.bodies import Body, Password, Username
from services.auth.api.here import Here
from services.auth.api.signing_in import note_refused_password
from services.auth.audit import audit_line
from services.auth.models import Account, TotpFactor, account_key
from services.auth.storage.context import Context
from services.auth.storage.counters import (
    NO_WAIT,
    account_counter,
    address_counter,
    device_counter,
    locked,
    password_rule,
    refuse_for,
    take,
)
from services.auth.storage.sessions import burn_ticket, hold_account, known_device, open_ticket
from services.auth.telemetry import SIGN_INS

router = APIRouter(prefix="/auth", tags=["auth"])

_NAMED = select(Account).where(Account.email_key == bindparam("named"), Account.active)


class WrongCredentials(NotSignedIn):
    """User name or password is not right."""

    de = "Benutzername oder Passwort stimmt nicht."


class Credentials(Body):
    """What the sign-in page asks for."""

    username: Username
    password: Password


class NextStep(BaseModel):
    """What is missing to be in."""

    next: Literal["second_factor", "enrol_second_factor"]


@router.post("/login", responses=problems(WrongCredentials, TooMany))
async def log_in(body: Credentials, request: Request, response: Response, by: Anyone, here: Here) -> NextStep:
    """Check user name and password; a right pair opens only the next step. Open to anyone: it is the door."""
    device = cookies.read(request, "device", here.settings)
    account, keys = await _count(here, by, body.username, device)
    stored = account.password_hash if account else None
    if not await here.hashing.verify(stored, body.password) or account is None or stored is None:
        await _refuse(here, by, body.username, keys)
        raise WrongCredentials
    fresh = await here.hashing.hash(body.password) if here.hashing.is_outdated(stored) else stored
    ticket, next_step = await _open_ticket(here, account.user_id, keys, (stored, fresh), _old_ticket(request, here))
    cookies.put(response, "ticket", ticket, here.settings)
    response.headers["Cache-Control"] = "no-store"
    return NextStep(next=next_step)


async def _count(here: Context, by: Identity, username: str, device: str | None) -> tuple[Account | None, list[str]]:
    """Count the try before the password is looked at.

    A device that this person has signed in with counts on its own, so strangers cannot use up its tries.
    """
    async with here.database.transaction() as session:
        account = await session.scalar(_NAMED, {"named": account_key(username)})
        known = await known_device(session, device, account.user_id, here.now) if account else None
        if account is not None and known is not None:
            keys = [device_counter(account.user_id, known)]
        else:
            keys = [account_counter("password", username), address_counter("password", by.ip)]
        pause = await take(session, dict.fromkeys(keys, password_rule(here.settings)), here.now)
    if pause > NO_WAIT:
        raise refuse_for(pause)
    return account, keys


async def _refuse(here: Context, by: Identity, username: str, keys: list[str]) -> None:
    """The same work for a name that nobody has."""
    SIGN_INS.labels("password", "refused").inc()
    async with here.database.transaction() as session:
        user_id = await note_refused_password(session, here, by, account_key(username))
        emit(
            session,
            LoginFailed(user_id=user_id, step="password", address=by.ip, occurred_at=here.now),
            audit_line("login", "refused", by, user_id, "password", here.now),
        )
        rows = await locked(session, dict.fromkeys(keys), here.now)
        if any(row.blocked_until > here.now.timestamp() for row in rows.values()):
            emit(session, LoginLocked(user_id=user_id, step="password", address=by.ip, occurred_at=here.now))


async def _open_ticket(
    here: Context, user_id: UUID, keys: list[str], hashes: Annotated[tuple[str, str], "checked, fresh"], old: str | None
) -> tuple[str, Literal["second_factor", "enrol_second_factor"]]:
    """The password was right: only failures count, so the try goes back; the account's own counter starts anew."""
    checked, fresh = hashes
    async with here.database.transaction() as session:
        account = await hold_account(session, user_id)
        if account is None or not account.active or account.password_hash != checked:
            raise WrongCredentials
        account.password_hash = fresh
        if old is not None:
            await burn_ticket(session, old, here.now)
        for key, row in (await locked(session, dict.fromkeys(keys), here.now)).items():
            if ":address:" in key:
                row.give_back(here.now)
            else:
                row.start_anew(here.now)
        enrolled = await session.get(TotpFactor, (user_id, "active")) is not None
        ticket = await open_ticket(session, user_id, here.settings, here.now)
    return ticket, "second_factor" if enrolled else "enrol_second_factor"


def _old_ticket(request: Request, here: Context) -> str | None:
    return cookies.read(request, "ticket", here.settings)
