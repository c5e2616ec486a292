"""One's own account: password, address, recovery codes."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import Anyone, SteppedUp
from chassis.db import Session
from chassis.errors import Conflict, Forbidden, NotSignedIn, TooMany, problems
from chassis.identity import Identity
from chassis.outbox import emit
from events.auth import EmailConfirmed, PasswordSet
from services.auth.api import cookies
from services.auth.api.bodies import Body, Password, TokenBody
from services.auth.api.here import Here
from services.auth.audit import audit_line
from services.auth.models import Account, EmailLinkExpired, LinkUnknown, TotpFactor, account_key, mail_to
from services.auth.passwords import PasswordRefused, check
from services.auth.storage.context import Context
from services.auth.storage.counters import NO_WAIT, account_counter, give_back, password_rule, refuse_for, take
from services.auth.storage.enrolment import new_recovery_codes
from services.auth.storage.links import burn, kill_links, open_link
from services.auth.storage.sessions import end_others, forget_devices, hold_account, know_device, own_session
from services.auth.throttle import Limit, Rule

router = APIRouter(prefix="/auth", tags=["auth"])

Address = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        min_length=3,
        max_length=254,
        pattern=r"^[^\s@\x00-\x1f\x7f]{1,64}@[^\s@.]+(\.[^\s@.]+)+$",
    ),
]


class WrongPassword(Forbidden):
    """The present password is not right."""

    de = "Das bisherige Passwort stimmt nicht."


class AddressTaken(Conflict):
    """This address cannot be your user name."""

    de = "Diese Adresse kann nicht Ihr Benutzername werden."


class NoSecondFactor(Conflict):
    """Please set up your authenticator app first."""

    de = "Bitte richten Sie zuerst Ihre Authenticator-App ein."


class PasswordChange(Body):
    """Who is asked for a code may still be somebody at an open desk: the present password as well."""

    current_password: Password
    password: Password


class EmailChange(Body):
    """The new user name."""

    email: Address


class RecoveryCodesOut(BaseModel):
    """Ten codes, each good for one sign-in without the app; never shown again."""

    recovery_codes: list[str]


@router.put("/password", status_code=204, responses=problems(WrongPassword, PasswordRefused, TooMany))
async def change_password(
    body: PasswordChange, by: SteppedUp, request: Request, response: Response, here: Here
) -> None:
    """Set another password. All other sessions and known devices end; this one goes on."""
    async with here.database.reading() as reading:
        account = await reading.get(Account, by.user_id)
    if account is None or not account.active:
        raise NotSignedIn
    await _require_password(here, by, account, body.current_password)
    check(body.password, username=account.email, forbidden_names=here.forbidden_names, language=by.language)
    password_hash = await here.hashing.hash(body.password)
    async with here.database.transaction() as session:
        account = await _held(session, by)
        own = await own_session(session, by, here.settings, here.now)
        account.set_password(password_hash, now=here.now)
        await end_others(session, account.user_id, own.id, "ended", here.now)
        await kill_links(session, account.user_id, here.now, kind="reset")
        await forget_devices(session, account.user_id)
        device = await know_device(session, None, account.user_id, here.settings.device_lifetime, here.now)
        session.add(mail_to(account, "password_changed", {"at": here.now.isoformat()}, here.now))
        emit(
            session,
            PasswordSet(user_id=account.user_id, cause="change", occurred_at=here.now),
            audit_line("password_changed", "done", by, account.user_id, "password", here.now),
        )
    cookies.put(response, "device", device, here.settings)


@router.post("/email", status_code=202, responses=problems(TooMany))
async def request_email_change(body: EmailChange, by: SteppedUp, session: Session, here: Here) -> None:
    """Ask for another user name: a link goes to the new address. The answer is the same whoever has it already."""
    account = await _held(session, by)
    rule = Rule((Limit(here.settings.reset_mails_per_hour, timedelta(hours=1)),))
    pause = await take(session, {account_counter("email_change", account.email): rule}, here.now)
    if pause > NO_WAIT:
        raise refuse_for(pause)
    if account_key(body.email) == account_key(account.email):
        return
    await kill_links(session, account.user_id, here.now, kind="email_change")
    session.add(mail_to(account, "email_change_request", {}, here.now, recipient=body.email))
    emit(session, audit_line("email_change_requested", "done", by, account.user_id, None, here.now))


@router.post("/email/confirm", status_code=204, responses=problems(LinkUnknown, EmailLinkExpired, AddressTaken))
async def confirm_email(body: TokenBody, by: Anyone, session: Session, here: Here) -> None:
    """The new address is the user name from now on, and the old one is told. The secret is the permission."""
    link, account = await open_link(session, "email_change", body.token, here.now, hold=True)
    email = str(link.words["email"])
    taken = select(Account.user_id).where(Account.email_key == account_key(email), Account.active)
    if await session.scalar(taken) not in (None, account.user_id):
        raise AddressTaken
    await burn(session, link, here.now)
    session.add(mail_to(account, "email_changed", {"at": here.now.isoformat(), "new_email": email}, here.now))
    emit(
        session,
        EmailConfirmed(user_id=account.user_id, email=email, occurred_at=here.now),
        audit_line("email_changed", "done", by, account.user_id, "link", here.now),
    )


@router.post("/recovery-codes", responses=problems(NoSecondFactor))
async def renew_recovery_codes(by: SteppedUp, session: Session, response: Response, here: Here) -> RecoveryCodesOut:
    """A new set; the old one dies."""
    account = await _held(session, by)
    if await session.get(TotpFactor, (account.user_id, "active")) is None:
        raise NoSecondFactor
    codes = await new_recovery_codes(session, here, account.user_id)
    session.add(mail_to(account, "recovery_codes_renewed", {"at": here.now.isoformat()}, here.now))
    emit(session, audit_line("recovery_codes_renewed", "done", by, account.user_id, None, here.now))
    response.headers["Cache-Control"] = "no-store"
    return RecoveryCodesOut(recovery_codes=codes)


async def _held(session: AsyncSession, by: Identity) -> Account:
    account = await hold_account(session, by.user_id)
    if account is None or not account.active:
        raise NotSignedIn
    return account


async def _require_password(here: Context, by: Identity, account: Account, password: str) -> None:
    """Counted apart from sign-ins, and before it is looked at: a stranger's tries do not keep the owner from this."""
    keys = {f"password:change:{account.user_id}": password_rule(here.settings)}
    async with here.database.transaction() as session:
        pause = await take(session, keys, here.now)
    if pause > NO_WAIT:
        raise refuse_for(pause)
    right = await here.hashing.verify(account.password_hash, password)
    async with here.database.transaction() as session:
        if right:
            await give_back(session, keys, here.now)
        else:
            emit(session, audit_line("password_changed", "refused", by, account.user_id, "password", here.now))
    if not right:
        raise WrongPassword
