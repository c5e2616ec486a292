"""What `users` hears, in any order and more than once, on both databases."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from chassis.db import Database
from chassis.outbox import OutboxRow
from events.auth import (
    InvitationFailed,
    InvitationOpened,
    InvitationSent,
    LoginLocked,
    LoginSucceeded,
    PasswordSet,
    SecondFactorEnrolled,
    SecondFactorReset,
)
from events.base import InvalidEvent, decode
from events.crm import CustomerUpserted
from services.users.models import Customer, Membership, User
from services.users.people import add_customer, invite_operator, republish
from tests.users.ears import NOON, Ears


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


async def test_steps_in_any_order_and_twice_have_one_end(ears: Ears) -> None:
    user, membership = await somebody(ears)
    about = {"user_id": user, "membership_id": membership, "customer_id": None}
    at = [NOON + timedelta(minutes=n) for n in range(6)]
    sign_in = {"session_id": uuid4(), "factor": "totp", "address": "192.0.2.1", "device": "x"}
    steps = [
        InvitationSent(**about, expires_at=NOON + timedelta(days=7), occurred_at=at[0]),
        InvitationOpened(**about, occurred_at=at[1]),
        PasswordSet(**about, cause="invitation", occurred_at=at[2]),
        SecondFactorEnrolled(user_id=user, occurred_at=at[3]),
        LoginSucceeded(user_id=user, occurred_at=at[4], **sign_in),
        LoginLocked(user_id=user, step="second_factor", address="192.0.2.1", occurred_at=at[5]),
    ]
    ends = []
    for order in (steps, steps[::-1], steps[3:] + steps[:3], [steps[i] for i in (2, 0, 4, 1, 5, 3)]):
        await _start_again(ears)
        for step in (*order, *order):
            await ears.hear(step)
        person, place = await ears.one(User), await ears.one(Membership)
        facts = [person.password_set_at, person.second_factor_at, person.last_login_at, person.locked]
        ends.append([*facts, place.invitation])

    assert ends == [[at[2], at[3], at[4], True, "used"]] * 4


async def _start_again(ears: Ears) -> None:
    steps = ("password_set_at", "second_factor_at", "last_login_at", "locked_at")
    async with ears.database.transaction() as session:
        await session.execute(update(User).values(dict.fromkeys(steps)))
        await session.execute(
            update(Membership).values(invitation="sent", invitation_opened_at=None, invitation_expires_at=None)
        )


async def test_a_reset_app_is_gone_and_a_new_one_counts(ears: Ears) -> None:
    user, _ = await somebody(ears)
    early, reset, late = (NOON + timedelta(hours=n) for n in range(3))
    await ears.hear(SecondFactorReset(user_id=user, cause="reset", occurred_at=reset))
    await ears.hear(SecondFactorEnrolled(user_id=user, occurred_at=early))
    without = (await ears.one(User)).has_second_factor
    await ears.hear(SecondFactorEnrolled(user_id=user, occurred_at=late))

    assert (without, (await ears.one(User)).has_second_factor) == (False, True)


async def test_news_about_another_persons_link_change_nothing(ears: Ears) -> None:
    _, membership = await somebody(ears)
    about = {"user_id": uuid4(), "membership_id": membership, "customer_id": None}

    await ears.hear(InvitationOpened(**about, occurred_at=NOON + timedelta(minutes=1)))
    await ears.hear(PasswordSet(**about, cause="invitation", occurred_at=NOON + timedelta(minutes=2)))

    assert (await ears.one(Membership)).invitation == "sent"


async def test_a_changed_password_uses_up_no_invitation(ears: Ears) -> None:
    user, _ = await somebody(ears)

    await ears.hear(PasswordSet(user_id=user, cause="reset", occurred_at=NOON))

    assert (await ears.one(Membership)).invitation == "sent"


async def test_versions_of_the_crm_may_be_large(ears: Ears) -> None:
    for version in (2**63 - 2, 2**63 - 1, 5):
        await ears.hear(a_customer(version))

    assert (await ears.one(Customer)).feed_version == 2**63 - 1


async def test_an_unknown_time_zone_is_buried_with_its_pointer(ears: Ears) -> None:
    with pytest.raises(InvalidEvent) as refused:
        await ears.hear(a_customer(time_zone="Europe/Atlantis"))

    assert refused.value.reason == "invalid_data"
    assert [error["pointer"] for error in refused.value.errors] == ["/data/time_zone"]


async def test_the_crm_takes_over_what_the_operator_made(ears: Ears) -> None:
    async with ears.database.transaction() as session:
        made = await add_customer(
            session,
            number="KD-10042",
            name="Von Hand",
            language="de",
            time_zone="Europe/Berlin",
            email_domains=[],
            colocation=False,
            end_user=True,
        )
    await ears.hear(a_customer(0, colocation=True, email_domains=("Firma.example",)))

    customer = await ears.one(Customer)
    assert (customer.id, customer.name, customer.version) == (made.id, "Name 0", 2)
    assert (customer.colocation, customer.email_domains) == (True, ["firma.example"])


async def test_each_newer_state_of_a_customer_is_told_once(ears: Ears) -> None:
    for version in (2, 1, 2, 3):
        await ears.hear(a_customer(version))

    async with ears.database.reading() as session:
        told = (await session.scalars(select(OutboxRow).order_by(OutboxRow.position))).all()
    assert [decode(row.headers, row.payload).data["version"] for row in told] == [1, 2]
    assert [decode(row.headers, row.payload).data["name"] for row in told] == ["Name 2", "Name 3"]


async def test_the_current_state_can_be_emitted_again(ears: Ears) -> None:
    await ears.hear(a_customer())
    await somebody(ears)
    before = await _told(ears)

    async with ears.database.transaction() as session:
        assert await republish(session) == 3

    again = (await _told(ears))[len(before) :]
    assert {subject: data for subject, data in before if data["version"] == 1} == dict(again)


async def _told(ears: Ears) -> list[tuple[str, Any]]:
    """Subject and data of all states that were emitted."""
    async with ears.database.reading() as session:
        rows = await session.scalars(select(OutboxRow).order_by(OutboxRow.position))
        every = [(row.subject, decode(row.headers, row.payload).data) for row in rows]
    return [(subject, data) for subject, data in every if "version" in data]


async def test_an_operator_invited_twice_is_one_person_with_two_invitations(ears: Ears) -> None:
    first, second = [await somebody(ears) for _ in range(2)]

    async with ears.database.reading() as session:
        rows = await session.scalars(select(OutboxRow).where(OutboxRow.subject == "users.user.invited.v1"))
        invited = [decode(row.headers, row.payload).data for row in rows]
    assert first == second
    assert [one["customer_name"] for one in invited] == ["Nordwelle", "Nordwelle"]
