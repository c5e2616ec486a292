"""The second factor: tries are counted first, codes taken by one statement, ten failures lock the app."""

from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import Forbidden, NotSignedIn
from chassis.identity import Identity
from chassis.outbox import emit
from events.auth import LoginFailed, LoginLocked, SecondFactorReset
from services.auth.audit import audit_line
from services.auth.models import Account, RecoveryCode, SignIn, TotpFactor, changed_one, mail_to
from services.auth.secrets import SecretBox, bare_code
from services.auth.storage.context import Context
from services.auth.storage.counters import (
    NO_WAIT,
    count,
    factor_counter,
    locked,
    refuse_for,
    second_factor_rule,
)
from services.auth.storage.sessions import count_ticket, hold_account
from services.auth.telemetry import SIGN_INS
from services.auth.totp import matching_step

Factor = Literal["totp", "recovery_code"]


_TAKE_STEP = (
    update(TotpFactor)
    .where(
        TotpFactor.user_id == bindparam("whose"),
        TotpFactor.state == "active",
        TotpFactor.last_step < bindparam("step"),
        TotpFactor.locked_at.is_(None),
    )
    .values(last_step=bindparam("step"))
    .execution_options(synchronize_session=False)
)
"""One statement: of two requests with the same code one wins."""


class WrongCode(NotSignedIn):
    """This code is not right, or was used already; please wait for the next one."""

    de = "Dieser Code stimmt nicht oder wurde schon benutzt; bitte warten Sie auf den nächsten."


class SignInExpired(NotSignedIn):
    """This took too long or too many tries; please sign in again with your password."""

    de = "Das hat zu lange gedauert oder zu viele Versuche gebraucht; bitte melden Sie sich neu mit Ihrem Passwort an."


class SecondFactorLocked(Forbidden):
    """Your authenticator app is locked after too many wrong codes; use a recovery code or ask your administrator."""

    de = (
        "Ihre Authenticator-App ist nach zu vielen falschen Codes gesperrt; "
        "nehmen Sie einen Wiederherstellungscode oder wenden Sie sich an Ihre Verwaltung."
    )


def is_recovery_code(code: str) -> bool:
    """Everything that has not the length of a code from the app."""
    return len(bare_code(code)) != 6


async def reserve(here: Context, user_id: UUID, code: str, ticket: str | None) -> None:
    """Count this try as a failure before anything is looked at. Committed whatever becomes of the request.

    Raises:
        SignInExpired: the ticket is used, over, or was tried too often.
        TooMany: the account's tries are used up for a while.
        SecondFactorLocked: the app is locked, and this is no recovery code.
    """
    key = factor_counter(user_id)
    pause = NO_WAIT
    async with here.database.transaction() as session:
        await hold_account(session, user_id)
        alive = ticket is None or await count_ticket(session, ticket, here.settings.ticket_tries, here.now)
        if alive:
            rows = await locked(session, {key: None}, here.now)
            pause = count(rows, {key: second_factor_rule(here.settings)}, here.now)
            if pause == NO_WAIT:
                rows[key].failures_in_a_row += 1
        app_is_locked = await session.scalar(
            select(TotpFactor.locked_at).where(TotpFactor.user_id == user_id, TotpFactor.state == "active")
        )
    if not alive:
        raise SignInExpired
    if pause > NO_WAIT:
        raise refuse_for(pause)
    if app_is_locked and not is_recovery_code(code):
        raise SecondFactorLocked


async def accept(session: AsyncSession, box: SecretBox, user_id: UUID, code: str, now: datetime) -> Factor | None:
    """Take a right code so that it never works again; the reserved try is given back. None: the code is wrong."""
    bare = bare_code(code)
    await hold_account(session, user_id)
    if is_recovery_code(code):
        taken = await _take_recovery_code(session, box.recovery_hash(user_id, bare), user_id, now)
        factor: Factor = "recovery_code"
    else:
        taken = await _take_step(session, box, user_id, bare, now)
        factor = "totp"
    if not taken:
        return None
    for row in (await locked(session, {factor_counter(user_id): None}, now)).values():
        row.failures_in_a_row = 0
        row.give_back(now)
    return factor


async def refuse(session: AsyncSession, here: Context, by: Identity, user_id: UUID, code: str) -> None:
    """Note a wrong code; ten in a row lock the app, and the person gets a mail."""
    factor: Factor = "recovery_code" if is_recovery_code(code) else "totp"
    SIGN_INS.labels("second_factor", "refused").inc()
    emit(
        session,
        LoginFailed(user_id=user_id, step="second_factor", address=by.ip, occurred_at=here.now),
        audit_line("login", "refused", by, user_id, factor, here.now),
    )
    session.add(
        SignIn(
            id=uuid4(),
            user_id=user_id,
            at=here.now,
            address=by.ip[:64],
            device=here.device,
            factor=factor,
            result="refused",
        )
    )
    rows = await locked(session, {factor_counter(user_id): None}, here.now)
    if rows[factor_counter(user_id)].failures_in_a_row >= here.settings.second_factor_failures_to_lock:
        await _lock(session, here, by, user_id)


async def recovery_codes_left(session: AsyncSession, user_id: UUID) -> int:
    """How many are not burnt yet."""
    left = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return int(await session.scalar(left) or 0)


async def _take_step(session: AsyncSession, box: SecretBox, user_id: UUID, code: str, now: datetime) -> bool:
    factor = await session.get(TotpFactor, (user_id, "active"))
    if factor is None:
        return False
    step = matching_step(box.open("totp-seed", user_id, factor.seed), code, now=now)
    if step is None:
        return False
    return changed_one(await session.execute(_TAKE_STEP, {"whose": user_id, "step": step}))


async def _take_recovery_code(session: AsyncSession, code_hash: str, user_id: UUID, now: datetime) -> bool:
    unused = update(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.code_hash == code_hash, RecoveryCode.used_at.is_(None)
    )
    result = await session.execute(unused.values(used_at=now).execution_options(synchronize_session=False))
    if not changed_one(result):
        return False
    app = update(TotpFactor).where(TotpFactor.user_id == user_id, TotpFactor.state == "active")
    await session.execute(app.values(locked_at=None))
    return True


async def _lock(session: AsyncSession, here: Context, by: Identity, user_id: UUID) -> None:
    app = update(TotpFactor).where(TotpFactor.user_id == user_id, TotpFactor.state == "active")
    result = await session.execute(app.where(TotpFactor.locked_at.is_(None)).values(locked_at=here.now))
    account = await session.get(Account, user_id)
    if not changed_one(result) or account is None:
        return
    emit(
        session,
        LoginLocked(user_id=user_id, step="second_factor", address=by.ip, occurred_at=here.now),
        SecondFactorReset(user_id=user_id, cause="locked", occurred_at=here.now),
        audit_line("second_factor_locked", "done", by, user_id, None, here.now),
    )
    session.add(mail_to(account, "second_factor_locked", {"address": by.ip}, here.now))
