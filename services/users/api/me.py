"""`/users/me`: the signed-in person."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from chassis.access import SignedIn
from chassis.db import ReadSession, Session, utc_now
from chassis.errors import problems
from chassis.outbox import emit
from services.users.api.bodies import LEFT_OUT, Body, Language, Name
from services.users.audit import audit_line
from services.users.models import User, UserUnknown
from services.users.people import hold_user, rename_oneself

router = APIRouter(prefix="/users")


class MeOut(BaseModel):
    """Who I am."""

    id: UUID
    username: str
    given_name: str
    family_name: str
    language: Language


class MeUpdate(Body):
    """What I may change myself."""

    given_name: Name = LEFT_OUT
    family_name: Name = LEFT_OUT
    language: Language = LEFT_OUT


@router.get("/me", responses=problems(UserUnknown))
async def show_me(who: SignedIn, session: ReadSession) -> MeOut:
    """Name and language."""
    user = await session.get(User, who.user_id)
    if user is None:
        raise UserUnknown
    return _out(user)


@router.patch("/me", responses=problems(UserUnknown))
async def change_me(body: MeUpdate, who: SignedIn, session: Session) -> MeOut:
    """Name and language, for all companies the person belongs to."""
    user = await hold_user(session, who.user_id)
    if user is None:
        raise UserUnknown
    given = body.model_dump(exclude_unset=True)
    changes = {name: value for name, value in given.items() if getattr(user, name) != value}
    if changes:
        await rename_oneself(session, user, changes)
        emit(session, audit_line("profile_changed", who, f"user/{user.id}", utc_now()))
    return _out(user)


def _out(user: User) -> MeOut:
    language: Language = "en" if user.language == "en" else "de"
    return MeOut(
        id=user.id, username=user.email, given_name=user.given_name, family_name=user.family_name, language=language
    )
