"""`/users/me/notifications`: what a person wants to be told of by mail."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import SignedIn
from chassis.db import ReadSession, Session, insert_new, utc_now
from chassis.errors import problems
from chassis.outbox import emit
from services.users.api.bodies import Body
from services.users.audit import audit_line
from services.users.mails.interests import INTERESTS, Name
from services.users.models import MAIL, CannotSwitchOff, Choice, Membership, UserUnknown
from services.users.people import hold_user, memberships_of

router = APIRouter(prefix="/users")


class ChannelOut(BaseModel):
    """One way to be told."""

    wanted: bool
    fixed: bool = Field(description="concerns security: cannot be switched off")


class ChannelsOut(BaseModel):
    """The ways to be told of an event beside the page itself."""

    mail: ChannelOut


class NotificationOut(BaseModel):
    """One kind of news that may come to this person."""

    event: Name
    text: str = Field(description="in the reader's language")
    channels: ChannelsOut


class NotificationsOut(BaseModel):
    """All of them, in the order in which they are shown."""

    events: list[NotificationOut]


class ChannelsIn(Body):
    """The ways to be told of an event that are wanted."""

    mail: bool


class NotificationIn(Body):
    """What is wanted of one event."""

    event: Name
    channels: ChannelsIn


class NotificationsIn(Body):
    """What is not named stays as it is."""

    events: list[NotificationIn] = Field(max_length=len(INTERESTS))


@router.get("/me/notifications", responses=problems(UserUnknown))
async def show_notifications(who: SignedIn, session: ReadSession) -> NotificationsOut:
    """What can come to the person at any of the companies, and whether it does."""
    return await _shown(session, who.user_id, who.language)


@router.put("/me/notifications", responses=problems(UserUnknown, CannotSwitchOff))
async def change_notifications(body: NotificationsIn, who: SignedIn, session: Session) -> NotificationsOut:
    """Counts from the next mail on that is written, also for what is being collected now."""
    if await hold_user(session, who.user_id) is None:
        raise UserUnknown
    if any(INTERESTS[one.event].fixed and not one.channels.mail for one in body.events):
        raise CannotSwitchOff
    for one in body.events:
        key = {"user_id": who.user_id, "event": one.event, "channel": MAIL}
        if not INTERESTS[one.event].fixed and not await insert_new(session, Choice, **key, wanted=one.channels.mail):
            (await session.get_one(Choice, key)).wanted = one.channels.mail
    emit(session, audit_line("notifications_changed", who, f"user/{who.user_id}", utc_now()))
    await session.flush()
    return await _shown(session, who.user_id, who.language)


async def _shown(session: AsyncSession, user_id: UUID, language: str) -> NotificationsOut:
    now = utc_now()
    places = [one for one in await memberships_of(session, user_id) if one.counts(now)]
    if not places:
        raise UserUnknown
    theirs = select(Choice).where(Choice.user_id == user_id, Choice.channel == MAIL)
    said = {choice.event: choice.wanted for choice in await session.scalars(theirs)}
    return NotificationsOut(
        events=[
            NotificationOut(
                event=name,
                text=interest.text[language == "en"],
                channels=ChannelsOut(mail=ChannelOut(wanted=_wanted(name, places, said), fixed=interest.fixed)),
            )
            for name, interest in INTERESTS.items()
            if interest.concerns(places)
        ]
    )


def _wanted(name: Name, places: Sequence[Membership], said: Mapping[str, bool]) -> bool:
    interest = INTERESTS[name]
    return interest.fixed or said.get(name, interest.wanted_by_default(places))
