"""What `users` hears, in any order and more than once, on both databases."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from chassis.bus import Bus
from chassis.consumer import Consumer
from chassis.db import Database
from events.auth import (
    InvitationFailed,
    InvitationOpened,
    InvitationSent,
    LoginLocked,
    LoginSucceeded,
    PasswordSet,
    SecondFactorEnrolled,
)
from events.base import STRUCTURED, Event, encode
from events.crm import CustomerUpserted
from services.users.handlers import handlers
from services.users.models import Customer, Membership, User
from services.users.people import invite_operator, republish

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class Ears:
    """The consumer's own code path from bytes to effect, without a broker between."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.consumer = Consumer(handlers, database, Bus("users", "nats://127.0.0.1:9"), retry_delays_seconds=(1,))

    async def hear(self, event: Event, *, event_id: str | None = None, source: str = "/test") -> str:
        payload = encode(event, source=source, event_id=event_id or str(uuid4()), time=NOON, traceparent=None)
        return await self.consumer._handle(event.subject, {"Content-Type": STRUCTURED}, payload)

    async def one(self, table: Any) -> Any:
        async with self.database.reading() as session:
            return (await session.scalars(select(table))).one()


@pytest.fixture
async def ears(new_database: Any) -> AsyncIterator[Ears]:
    database = Database(await new_database("users"))
    yield Ears(database)
    await database.close()


def a_customer(version: int = 1, **changes: Any) -> CustomerUpserted:
    return CustomerUpserted(
        **({"customer_number": "KD-10042", "name": f"Name {version}", "version": version} | changes)
    )


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (1, 1, 3, 3)])
async def test_the_highest_version_wins_in_any_order(ears: Ears, order: tuple[int, ...]) -> None:
    for version in order:
        await ears.hear(a_customer(version))

    assert (await ears.one(Customer)).name == "Name 3"


async def test_the_same_event_twice_has_one_effect(ears: Ears) -> None:
    outcomes = [await ears.hear(a_customer(), event_id="1") for _ in range(2)]

    assert outcomes == ["handled", "repeated"]
    assert (await ears.one(Customer)).version == 1


async def test_a_removed_customer_is_inactive_and_keeps_its_rows(ears: Ears) -> None:
    await ears.hear(a_customer(1))
    await ears.hear(a_customer(2, removed=True))

    assert (await ears.one(Customer)).active is False


async def somebody(ears: Ears) -> tuple[UUID, UUID]:
    async with ears.database.transaction() as session:
        membership = await invite_operator(
            session,
            email="p@nordwelle.example",
            given_name="Petra",
            family_name="Wellmann",
            staff_role="agent",
            language="de",
            company="Nordwelle",
        )
        membership.invitation_sent_at = NOON
        return membership.user_id, membership.id


async def test_the_row_shows_what_became_of_the_link(ears: Ears) -> None:
    user, membership = await somebody(ears)
    about = {"user_id": user, "membership_id": membership, "customer_id": None}
    at = NOON + timedelta(minutes=1)

    await ears.hear(InvitationFailed(**about, reason="550 mailbox unknown", occurred_at=at))
    refused = await ears.one(Membership)
    await ears.hear(InvitationOpened(**about, occurred_at=at))
    await ears.hear(InvitationSent(**about, expires_at=NOON + timedelta(days=7), occurred_at=at))
    opened = await ears.one(Membership)
    await ears.hear(PasswordSet(**about, cause="invitation", occurred_at=at))
    await ears.hear(InvitationFailed(**about, reason="late", occurred_at=at))
    used = await ears.one(Membership)

    assert (refused.invitation, refused.invitation_error) == ("refused", "550 mailbox unknown")
    assert (opened.invitation, opened.invitation_error) == ("opened", None)
    assert used.invitation == "used"


async def test_news_of_an_older_link_are_ignored(ears: Ears) -> None:
    user, membership = await somebody(ears)

    early = NOON - timedelta(minutes=1)
    await ears.hear(
        InvitationFailed(user_id=user, membership_id=membership, customer_id=None, reason="old", occurred_at=early)
    )

    assert (await ears.one(Membership)).invitation == "sent"


async def test_sign_in_steps_reach_the_person_and_strangers_nobody(ears: Ears) -> None:
    user, _ = await somebody(ears)
    await ears.hear(SecondFactorEnrolled(user_id=user, occurred_at=NOON))
    session = {"session_id": uuid4(), "factor": "totp", "address": "192.0.2.1", "device": "x"}
    await ears.hear(LoginSucceeded(user_id=user, occurred_at=NOON + timedelta(minutes=2), **session))
    await ears.hear(LoginSucceeded(user_id=user, occurred_at=NOON + timedelta(minutes=1), **session))
    await ears.hear(
        LoginLocked(user_id=user, step="second_factor", address="192.0.2.1", occurred_at=NOON + timedelta(hours=1))
    )
    await ears.hear(LoginLocked(user_id=None, step="password", address="192.0.2.1", occurred_at=NOON))
    await ears.hear(SecondFactorEnrolled(user_id=uuid4(), occurred_at=NOON))

    person = await ears.one(User)
    assert (person.second_factor_at, person.last_login_at) == (NOON, NOON + timedelta(minutes=2))
    assert person.locked_at == NOON + timedelta(hours=1)


async def test_the_current_state_can_be_emitted_again(ears: Ears) -> None:
    await ears.hear(a_customer())
    await somebody(ears)

    async with ears.database.transaction() as session:
        assert await republish(session) == 3
