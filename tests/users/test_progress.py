"""Open user administrations hear of a row that looks otherwise, and of nothing that is another company's business."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from chassis.db import Database, utc_now
from chassis.outbox import OutboxRow
from events.auth import InvitationFailed, InvitationOpened, LoginSucceeded, PasswordSet, SecondFactorEnrolled
from events.base import decode, event_of
from events.users import AccessProgressed
from services.users.people import Place, Somebody, add_customer, add_member
from tests.users.ears import Ears


@pytest.fixture
async def ears(new_database: Any) -> AsyncIterator[Ears]:
    database = Database(await new_database("users"))
    yield Ears(database)
    await database.close()


async def place(ears: Ears, number: str) -> tuple[UUID, UUID, UUID]:
    """The same person at one more company, with an invitation."""
    async with ears.database.transaction() as session:
        fields = {"language": "de", "time_zone": "Europe/Berlin", "email_domains": []}
        customer = await add_customer(session, number=number, name=number, colocation=False, end_user=True, **fields)
        nora = Somebody("nora@firma.example", "Nora", "Neu", "de")
        membership = await add_member(session, nora, Place("member", customer, ["invoices"]))
        membership.invite(by="Anna", actor_id=None, company=number, now=utc_now())
        return membership.user_id, membership.id, customer.id


async def told(ears: Ears) -> list[UUID]:
    """The companies that heard of it, in order; each told once."""
    async with ears.database.reading() as session:
        this = select(OutboxRow).where(OutboxRow.subject == AccessProgressed.subject).order_by(OutboxRow.position)
        rows = (await session.scalars(this)).all()
    events = [event_of(decode(row.headers, row.payload)) for row in rows]
    return [event.customer_id for event in events if isinstance(event, AccessProgressed)]


async def test_each_step_of_the_first_access_is_told_once(ears: Ears) -> None:
    user, membership, customer = await place(ears, "KD-1")
    about = {"user_id": user, "membership_id": membership, "customer_id": customer}
    at = utc_now() + timedelta(seconds=1)
    steps = [
        InvitationFailed(**about, reason="550 mailbox unknown", occurred_at=at),
        InvitationOpened(**about, occurred_at=at),
        PasswordSet(**about, cause="invitation", occurred_at=at),
        SecondFactorEnrolled(user_id=user, occurred_at=at),
    ]
    for count, step in enumerate(steps, 1):
        await ears.hear(step)
        assert await told(ears) == [customer] * count

    await ears.hear(InvitationFailed(**about, reason="late", occurred_at=at))
    await ears.hear(SecondFactorEnrolled(user_id=user, occurred_at=at))
    assert len(await told(ears)) == len(steps)


async def test_a_company_that_still_waits_hears_nothing_of_the_other_one(ears: Ears) -> None:
    user, membership, first = await place(ears, "KD-1")
    at = utc_now()
    await ears.hear(
        PasswordSet(user_id=user, membership_id=membership, customer_id=first, cause="invitation", occurred_at=at)
    )
    await ears.hear(SecondFactorEnrolled(user_id=user, occurred_at=at))
    _, _, second = await place(ears, "KD-2")
    before = len(await told(ears))
    assert before == 2

    login = {"user_id": user, "session_id": uuid4(), "factor": "totp", "address": "192.0.2.1", "device": "Firefox"}
    await ears.hear(LoginSucceeded(**login, occurred_at=at))

    assert (await told(ears))[before:] == [first]
    assert second not in await told(ears)
