"""First access: what stands behind the link of the welcome mail."""

from datetime import datetime, timedelta

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import update

from chassis.access import Anyone
from chassis.db import Session
from chassis.errors import problems
from chassis.outbox import emit
from events.auth import InvitationOpened, PasswordSet
from services.auth.api.bodies import PasswordBody, TokenBody
from services.auth.api.here import Here
from services.auth.audit import audit_line
from services.auth.models import InvitationExpired, InvitationUsed, Link, LinkUnknown, changed_one, invitation_request
from services.auth.passwords import PasswordRefused, check
from services.auth.storage.counters import NO_WAIT, account_counter, clear, take
from services.auth.storage.links import burn, find_link, kill_links, open_link
from services.auth.storage.sessions import hold_account
from services.auth.throttle import Limit, Rule

router = APIRouter(prefix="/auth/invitations", tags=["auth"])

_PROBLEMS = problems(LinkUnknown, InvitationExpired, InvitationUsed)


class InvitationOut(BaseModel):
    """For whom the link is, and until when it holds."""

    username: str
    expires_at: datetime


@router.post("/check", responses=_PROBLEMS)
async def check_invitation(body: TokenBody, _by: Anyone, session: Session, here: Here) -> InvitationOut:
    """Look at a link without using it up; mail scanners may do so too. The secret is the permission."""
    link, account = await open_link(session, "invitation", body.token, here.now)
    first = update(Link).where(Link.id == link.id, Link.opened_at.is_(None))
    result = await session.execute(first.values(opened_at=here.now).execution_options(synchronize_session=False))
    if changed_one(result) and link.membership_id is not None:
        emit(
            session,
            InvitationOpened(
                user_id=link.user_id,
                membership_id=link.membership_id,
                customer_id=link.customer_id,
                occurred_at=here.now,
            ),
        )
    return InvitationOut(username=account.email, expires_at=link.expires_at)


@router.post("/accept", status_code=204, responses=_PROBLEMS | problems(PasswordRefused))
async def accept_invitation(body: PasswordBody, by: Anyone, here: Here) -> None:
    """Set the first password and use the link up; then sign in. The secret is the permission."""
    async with here.database.reading() as reading:
        _, account = await open_link(reading, "invitation", body.token, here.now)
    check(body.password, username=account.email, forbidden_names=here.forbidden_names, language=by.language)
    password_hash = await here.hashing.hash(body.password)
    async with here.database.transaction() as session:
        link, account = await open_link(session, "invitation", body.token, here.now, hold=True)
        await burn(session, link, here.now)
        account.set_password(password_hash, now=here.now)
        await kill_links(session, account.user_id, here.now)
        await clear(session, {account_counter("password", account.email): None}, here.now)
        emit(
            session,
            PasswordSet(
                user_id=account.user_id,
                membership_id=link.membership_id,
                customer_id=link.customer_id,
                cause="invitation",
                occurred_at=here.now,
            ),
            audit_line("invitation_accepted", "done", by, account.user_id, "link", here.now),
        )


@router.post("/renew", status_code=202, responses=problems(LinkUnknown, InvitationUsed))
async def renew_invitation(body: TokenBody, by: Anyone, session: Session, here: Here) -> None:
    """Send a fresh link to the same address, when the old one no longer works; a few times an hour.

    The old secret is the permission: it can do no more than make the owner of the mailbox get another mail.
    """
    old = await find_link(session, "invitation", body.token)
    account = await hold_account(session, old.user_id)
    if account is None or not account.active:
        raise LinkUnknown
    if old.used_at is not None or account.password_hash is not None:
        raise InvitationUsed
    if old.killed_at is None and here.now < old.expires_at:
        return
    rule = Rule((Limit(here.settings.reset_mails_per_hour, timedelta(hours=1)),))
    if await take(session, {account_counter("renewal", account.email): rule}, here.now) > NO_WAIT:
        return
    session.add(invitation_request(account, old.words, here.now))
    emit(session, audit_line("invitation_renewed", "done", by, account.user_id, "link", here.now))
