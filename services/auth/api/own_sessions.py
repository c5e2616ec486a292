"""Where one is signed in, and how that came about."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import and_, or_, select

from chassis.access import SignedIn
from chassis.db import ReadSession, Session
from chassis.errors import NotFound, problems
from chassis.outbox import emit
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from services.auth.api import cookies
from services.auth.api.here import Here
from services.auth.audit import audit_line
from services.auth.models import SignIn, UserSession
from services.auth.storage.sessions import end, living

router = APIRouter(prefix="/auth", tags=["auth"])


class SessionNotFound(NotFound):
    """There is no such session, or it is over."""

    de = "Diese Sitzung gibt es nicht, oder sie ist beendet."


class SessionOut(BaseModel):
    """A browser in which one is signed in."""

    id: UUID
    device: str
    address: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool


class SignInOut(BaseModel):
    """A sign-in, or a refused try."""

    id: UUID
    occurred_at: datetime
    result: str
    """``done`` or ``refused``."""
    factor: str
    """``password`` for a refused first step; else what the second one was."""
    device: str
    address: str


@router.get("/sessions")
async def list_sessions(by: SignedIn, session: ReadSession, here: Here) -> Page[SessionOut]:
    """Newest first; there are few, so this is always the whole list."""
    items = [
        SessionOut(
            id=one.id,
            device=one.device,
            address=one.address,
            created_at=one.signed_in_at,
            last_seen_at=one.last_seen_at,
            expires_at=one.ends_at(here.settings.session_idle),
            current=str(one.id) == by.sid,
        )
        for one in await living(session, by.user_id, here.settings, here.now)
    ]
    return Page(items=items, next_cursor=None)


@router.delete("/sessions/{session_id}", status_code=204, responses=problems(SessionNotFound))
async def end_session(session_id: UUID, by: SignedIn, session: Session, response: Response, here: Here) -> None:
    """End one of one's own sessions, at once and everywhere."""
    found = await session.get(UserSession, session_id, with_for_update=True)
    if found is None or found.user_id != by.user_id or not found.lives(here.settings.session_idle, here.now):
        raise SessionNotFound
    end(session, found, "ended", here.now)
    emit(session, audit_line("session_ended", "done", by, by.user_id, None, here.now))
    if str(session_id) == by.sid:
        cookies.take_away(response, "session", here.settings)


@router.get("/sign-ins")
async def list_sign_ins(
    by: SignedIn, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
) -> Page[SignInOut]:
    """Newest first."""
    theirs = select(SignIn).where(SignIn.user_id == by.user_id)
    if cursor:
        at, last = key_of(cursor, datetime, UUID)
        theirs = theirs.where(or_(SignIn.at < at, and_(SignIn.at == at, SignIn.id < last)))
    found = (await session.scalars(theirs.order_by(SignIn.at.desc(), SignIn.id.desc()).limit(limit + 1))).all()
    items = [
        SignInOut(
            id=one.id,
            occurred_at=one.at,
            result=one.result,
            factor=one.factor,
            device=one.device,
            address=one.address,
        )
        for one in found[:limit]
    ]
    more = cursor_of(items[-1].occurred_at, items[-1].id) if len(found) > limit else None
    return Page(items=items, next_cursor=more)
