"""Writes down what is to be told. It waits a while: more of the same comes into the same mail."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import case
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import utc_now
from events.base import Event, uuid7
from services.users.mails.interests import INTERESTS, Name, Topic
from services.users.models import Collection, Notice, Side
from services.users.settings import settings


@dataclass(frozen=True, slots=True)
class News:
    """One thing to be told about a customer."""

    customer_id: UUID
    interest: Name
    module: str
    words: dict[str, Any]
    side: Side = "customer"


async def note(session: AsyncSession, event: Event, news: News) -> None:
    """Keep it until its mail is written; nothing of what happened long ago, as a replay tells it."""
    now = utc_now()
    if now - event.envelope.time > settings().news_age:
        return
    topic = INTERESTS[news.interest].topic
    assert topic is not None
    key = {"topic": topic, "customer_id": news.customer_id, "side": news.side}
    session.add(Notice(id=uuid7(), **key, interest=news.interest, module=news.module, words=news.words, noted_at=now))
    await session.flush()
    await session.execute(_upsert(session.get_bind().dialect.name), key | _times(topic, now))


def _times(topic: Topic, now: datetime) -> dict[str, datetime]:
    chosen = settings()
    fixed: timedelta | None = chosen.files_collected if topic == "shared" else None
    return {"due_at": now + (fixed or chosen.notices_quiet), "latest_at": now + (fixed or chosen.notices_longest)}


@cache
def _upsert(dialect: str) -> Any:
    """A mail that is being collected waits on while more comes, but not beyond its latest time. One statement."""
    first: Any = (sqlite if dialect == "sqlite" else postgresql).insert(Collection)
    later = case((first.excluded.due_at < Collection.latest_at, first.excluded.due_at), else_=Collection.latest_at)
    return first.on_conflict_do_update(index_elements=["topic", "customer_id", "side"], set_={"due_at": later})
