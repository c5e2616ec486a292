"""`/users/me`: the signed-in person."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select

from chassis.access import SignedIn
from chassis.db import ReadSession, Session
from chassis.errors import NotFound, problems
from chassis.outbox import emit
from services.users.api.bodies import Body, Language, Name
from services.users.models import User, UserUnknown
from services.users.people import user_changed

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

    given_name: Name | None = None
    family_name: Name | None = None
    language: Language | None = None


@router.get("/me", responses=problems(NotFound))
async def show_me(who: SignedIn, session: ReadSession) -> MeOut:
    """Name and language."""
    user = await session.get(User, who.user_id)
    if user is None:
        raise UserUnknown
    return _out(user)


@router.patch("/me", responses=problems(NotFound))
async def change_me(body: MeUpdate, who: SignedIn, session: Session) -> MeOut:
    """Name and language."""
    user = await session.scalar(select(User).where(User.id == who.user_id).with_for_update())
    if user is None:
        raise UserUnknown
    for field, value in body.model_dump(exclude_none=True).items():
        setattr(user, field, value)
    emit(session, await user_changed(session, user))
    return _out(user)


def _out(user: User) -> MeOut:
    language: Language = "en" if user.language == "en" else "de"
    return MeOut(
        id=user.id, username=user.email, given_name=user.given_name, family_name=user.family_name, language=language
    )
