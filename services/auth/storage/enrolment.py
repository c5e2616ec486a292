"""Setting up an authenticator app: the new seed waits beside the present one until a code confirms it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import Conflict, Forbidden, NotSignedIn
from chassis.identity import Identity
from chassis.outbox import emit
from events.auth import SecondFactorEnrolled
from services.auth.audit import audit_line
from services.auth.models import (
    Account,
    Link,
    LinkUnknown,
    RecoveryCode,
    SecondFactorLinkExpired,
    TotpFactor,
    changed_one,
)
from services.auth.secrets import RECOVERY_CODES, bare_code, new_recovery_code, token_hash
from services.auth.storage.context import Context
from services.auth.storage.counters import (
    NO_WAIT,
    clear,
    enrolment_counter,
    factor_counter,
    refuse_for,
    second_factor_rule,
    take,
)
from services.auth.storage.second_factor import SignInExpired, WrongCode
from services.auth.storage.sessions import count_ticket, hold_account
from services.auth.totp import HINT_STEPS, matching_step, new_seed


class AlreadyEnrolled(Conflict):
    """An authenticator app is set up already; please sign in with its code."""

    de = "Eine Authenticator-App ist schon eingerichtet; bitte melden Sie sich mit deren Code an."


class EnrolmentNotStarted(Conflict):
    """Please start setting up the app anew."""

    de = "Bitte beginnen Sie die Einrichtung der App noch einmal."


class EnrolmentLinkRequired(Forbidden):
    """Please open the link from the mail about your second factor."""

    de = "Bitte öffnen Sie den Link aus der E-Mail zu Ihrem zweiten Faktor."


class ClockIsOff(WrongCode):
    """The code is of another time: please set your phone's clock to automatic."""

    de = "Der Code gehört zu einer anderen Uhrzeit: Bitte stellen Sie die Uhr Ihres Telefons auf automatisch."


@dataclass(frozen=True, slots=True)
class Enroller:
    """Who sets an app up, and the ticket or session that alone may go on with it."""

    user_id: UUID
    bound_to: str
    ticket: str | None


async def pending_seed(
    session: AsyncSession, here: Context, enroller: Enroller, token: str | None
) -> tuple[Account, str]:
    """The seed to show: a new one, or the same again to the same ticket or session.

    Raises:
        SignInExpired: the account is gone.
        AlreadyEnrolled: the password alone never replaces an app.
        EnrolmentLinkRequired: after a reset, without the mailed link.
    """
    account = await _enrolling(session, enroller)
    link_id = await _mailed_link(session, account, token, here.now) if enroller.ticket else None
    pending = await session.get(TotpFactor, (enroller.user_id, "pending"))
    if pending is not None and pending.bound_to == enroller.bound_to and pending.link_id == link_id:
        return account, here.box.open("totp-seed", enroller.user_id, pending.seed)
    seed = new_seed()
    if pending is None:
        pending = TotpFactor(user_id=enroller.user_id, state="pending")
        session.add(pending)
    pending.seed = here.box.seal("totp-seed", enroller.user_id, seed)
    pending.bound_to = enroller.bound_to
    pending.link_id = link_id
    pending.created_at = here.now
    return account, seed


async def reserve_enrolment(here: Context, enroller: Enroller) -> None:
    """Count this try before the code is looked at.

    Raises:
        SignInExpired: the ticket is used, over, or was tried too often.
        TooMany: too many wrong codes for now.
    """
    key = enrolment_counter(enroller.user_id)
    pause = NO_WAIT
    async with here.database.transaction() as session:
        await hold_account(session, enroller.user_id)
        alive = enroller.ticket is None or await count_ticket(
            session, enroller.ticket, here.settings.ticket_tries, here.now
        )
        if alive:
            pause = await take(session, {key: second_factor_rule(here.settings)}, here.now)
    if not alive:
        raise SignInExpired
    if pause > NO_WAIT:
        raise refuse_for(pause)


async def activate(
    session: AsyncSession, here: Context, by: Identity, enroller: Enroller, code: str
) -> list[str] | NotSignedIn:
    """Make the pending app the second factor. Returns new recovery codes, or why the code is wrong.

    Raises:
        EnrolmentNotStarted: nothing waits for this ticket or session.
        AlreadyEnrolled: another first access was faster.
    """
    await _enrolling(session, enroller)
    pending = await session.get(TotpFactor, (enroller.user_id, "pending"))
    if pending is None or pending.bound_to != enroller.bound_to:
        raise EnrolmentNotStarted
    seed = here.box.open("totp-seed", enroller.user_id, pending.seed)
    step = matching_step(seed, bare_code(code), now=here.now)
    if step is None:
        elsewhen = matching_step(seed, bare_code(code), now=here.now, tolerance=HINT_STEPS)
        return WrongCode() if elsewhen is None else ClockIsOff()
    await _burn_link(session, pending.link_id, here.now)
    await session.execute(
        delete(TotpFactor).where(TotpFactor.user_id == enroller.user_id, TotpFactor.state == "active")
    )
    confirmed = update(TotpFactor).where(TotpFactor.user_id == enroller.user_id, TotpFactor.state == "pending")
    await session.execute(
        confirmed.values(state="active", last_step=step, bound_to=None, confirmed_at=here.now).execution_options(
            synchronize_session=False
        )
    )
    await session.execute(update(Account).where(Account.user_id == enroller.user_id).values(enrolment_needs_link=False))
    keys = {enrolment_counter(enroller.user_id): None, factor_counter(enroller.user_id): None}
    await clear(session, keys, here.now)
    emit(
        session,
        SecondFactorEnrolled(user_id=enroller.user_id, occurred_at=here.now),
        audit_line("second_factor_enrolled", "done", by, enroller.user_id, "totp", here.now),
    )
    return await new_recovery_codes(session, here, enroller.user_id)


async def new_recovery_codes(session: AsyncSession, here: Context, user_id: UUID) -> list[str]:
    """A fresh set; the old one dies."""
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(user_id=user_id, code_hash=here.box.recovery_hash(user_id, code), created_at=here.now)
        for code in codes
    )
    return codes


async def note_wrong_code(session: AsyncSession, here: Context, by: Identity, enroller: Enroller) -> None:
    """For the audit log only: whoever sets up an app knows its seed, so there is nothing to guess."""
    emit(session, audit_line("second_factor_enrolled", "refused", by, enroller.user_id, "totp", here.now))


async def _enrolling(session: AsyncSession, enroller: Enroller) -> Account:
    account = await hold_account(session, enroller.user_id)
    if account is None or not account.active:
        raise SignInExpired
    if enroller.ticket is not None and await session.get(TotpFactor, (enroller.user_id, "active")) is not None:
        raise AlreadyEnrolled
    return account


async def _mailed_link(session: AsyncSession, account: Account, token: str | None, now: datetime) -> UUID | None:
    if not account.enrolment_needs_link:
        return None
    if token is None:
        raise EnrolmentLinkRequired
    link = await session.scalar(
        select(Link).where(
            Link.token_hash == token_hash(token), Link.kind == "second_factor", Link.user_id == account.user_id
        )
    )
    if link is None:
        raise LinkUnknown
    link.require_open(now)
    return link.id


async def _burn_link(session: AsyncSession, link_id: UUID | None, now: datetime) -> None:
    if link_id is None:
        return
    open_one = update(Link).where(
        Link.id == link_id, Link.used_at.is_(None), Link.killed_at.is_(None), Link.expires_at > now
    )
    result = await session.execute(open_one.values(used_at=now).execution_options(synchronize_session=False))
    if not changed_one(result):
        raise SecondFactorLinkExpired
