"""A user name changes when `auth` tells that its owner has confirmed another address."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from chassis.db import Database, utc_now
from chassis.outbox import OutboxRow
from events.auth import EmailConfirmed
from events.base import InvalidEvent, decode
from events.users import UserChanged
from services.users.models import User
from services.users.people import Place, Somebody, add_customer, add_member
from tests.users.ears import Ears


@pytest.fixture
async def ears(new_database: Any) -> AsyncIterator[Ears]:
    database = Database(await new_database("users"))
    yield Ears(database)
    await database.close()


async def two_people(ears: Ears) -> tuple[UUID, UUID]:
    async with ears.database.transaction() as session:
        fields = {"language": "de", "time_zone": "Europe/Berlin", "email_domains": []}
        customer = await add_customer(session, number="KD-1", name="K", colocation=False, end_user=True, **fields)
        both = [
            await add_member(
                session, Somebody(f"{name}@firma.example", name, "Neu", "de"), Place("member", customer, [])
            )
            for name in ("nora", "otto")
        ]
        return both[0].user_id, both[1].user_id


async def told(ears: Ears, user: UUID) -> list[tuple[str, int]]:
    async with ears.database.reading() as session:
        this = select(OutboxRow).where(OutboxRow.subject == UserChanged.subject).order_by(OutboxRow.position)
        data = [decode(row.headers, row.payload).data for row in await session.scalars(this)]
    return [(one["email"], one["version"]) for one in data if one["user_id"] == str(user)]


async def test_it_is_taken_over_and_told_with_the_next_version_once(ears: Ears) -> None:
    nora, _ = await two_people(ears)
    ((_, before),) = await told(ears, nora)
    event = EmailConfirmed(user_id=nora, email="Nora.Neu@Firma.example", occurred_at=utc_now())

    await ears.hear(event)
    await ears.hear(event)

    assert (await told(ears, nora))[1:] == [("nora.neu@firma.example", before + 1)]


async def test_somebody_elses_is_refused_and_nothing_changes(ears: Ears) -> None:
    nora, otto = await two_people(ears)

    with pytest.raises(InvalidEvent, match="Somebody else"):
        await ears.hear(EmailConfirmed(user_id=nora, email="OTTO@firma.example", occurred_at=utc_now()))

    async with ears.database.reading() as session:
        names = set(await session.scalars(select(User.email).where(User.id.in_((nora, otto)))))
    assert names == {"nora@firma.example", "otto@firma.example"}
