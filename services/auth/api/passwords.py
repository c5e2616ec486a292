"""The rules for passwords, and the way back for who has forgotten his."""

from datetime import datetime, timedelta
from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel

from chassis.access import Anyone
from chassis.db import ReadSession, Session
from chassis.errors import problems
from chassis.outbox import emit
from events.auth import PasswordSet
from services.auth.api.bodies import Body, PasswordBody, TokenBody, Username
from services.auth.api.here import Here
from services.auth.audit import audit_line
from services.auth.models import LinkUnknown, MailRow, ResetLinkExpired
from services.auth.passwords import RULES, PasswordRefused, check
from services.auth.storage.counters import NO_WAIT, account_counter, address_counter, clear, take
from services.auth.storage.links import burn, kill_links, open_link
from services.auth.storage.sessions import end_all, forget_devices
from services.auth.throttle import Limit, Rule

router = APIRouter(prefix="/auth", tags=["auth"])

_PROBLEMS = problems(LinkUnknown, ResetLinkExpired)


class RuleOut(BaseModel):
    """One line of the checklist."""

    id: str
    text: str


class ResetRequest(Body):
    """Whose password was forgotten."""

    username: Username


class ResetOut(BaseModel):
    """For whom the link is, and until when it holds."""

    username: str
    expires_at: datetime


@router.get("/password-rules")
async def list_password_rules(by: Anyone) -> list[RuleOut]:
    """The one source of the rules, for every page that asks for a password; also before sign-in."""
    return [RuleOut(id=rule.id, text=rule.text(by.language)) for rule in RULES]


@router.post("/password-reset", status_code=202)
async def request_reset(body: ResetRequest, by: Anyone, session: Session, here: Here) -> None:
    """Ask for a reset mail. Open to anyone, so the answer and its time are the same whoever is named.

    The request is written down as it is; whether there is such an account is looked up only when the mail is due.
    """
    hour = timedelta(hours=1)
    rules = {
        account_counter("reset", body.username): Rule((Limit(here.settings.reset_mails_per_hour, hour),)),
        address_counter("reset", by.ip): Rule((Limit(here.settings.reset_requests_per_address, hour),)),
    }
    if await take(session, rules, here.now) > NO_WAIT:
        return
    session.add(
        MailRow(
            id=uuid4(),
            kind="reset_request",
            recipient=body.username,
            language=by.language,
            words={"address": by.ip, "request_id": by.rid},
            created_at=here.now,
            next_try_at=here.now,
        )
    )


@router.post("/password-reset/check", responses=_PROBLEMS)
async def check_reset(body: TokenBody, _by: Anyone, session: ReadSession, here: Here) -> ResetOut:
    """Look at a reset link without using it up. The secret is the permission."""
    link, account = await open_link(session, "reset", body.token, here.now)
    return ResetOut(username=account.email, expires_at=link.expires_at)


@router.post("/password-reset/complete", status_code=204, responses=_PROBLEMS | problems(PasswordRefused))
async def complete_reset(body: PasswordBody, by: Anyone, here: Here) -> None:
    """Set a new password: every session ends, the second factor stays. The secret is the permission."""
    async with here.database.reading() as reading:
        _, account = await open_link(reading, "reset", body.token, here.now)
    check(body.password, username=account.email, forbidden_names=here.forbidden_names, language=by.language)
    password_hash = await here.hashing.hash(body.password)
    async with here.database.transaction() as session:
        link, account = await open_link(session, "reset", body.token, here.now, hold=True)
        await burn(session, link, here.now)
        account.set_password(password_hash, now=here.now)
        await end_all(session, account.user_id, "reset", here.now)
        await forget_devices(session, account.user_id)
        await kill_links(session, account.user_id, here.now, kind="reset")
        await clear(session, {account_counter("password", account.email): None}, here.now)
        emit(
            session,
            PasswordSet(user_id=account.user_id, cause="reset", occurred_at=here.now),
            audit_line("password_reset", "done", by, account.user_id, "link", here.now),
        )
