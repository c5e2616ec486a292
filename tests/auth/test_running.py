"""The whole process: events over a real broker in, mails and events out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from chassis.bus import Bus, connected_bus
from chassis.db import utc_now
from chassis.testing import NatsServer, eventually
from events.base import STRUCTURED, Event, decode, encode, uuid7
from events.users import UserInvited
from services.auth.models import Account, Link, Membership
from tests.auth.conftest import (
    PASSWORD,
    Auth,
    Person,
    a_customer,
    a_membership,
    a_user,
    an_invitation,
    secret_of,
)


@pytest.fixture
async def running(make_auth_with: Callable[..., Awaitable[Auth]], nats: NatsServer) -> AsyncIterator[tuple[Auth, Bus]]:
    bus = await connected_bus("users", nats.url)
    await bus.apply()
    auth = await make_auth_with(nats_url=nats.url)
    async with auth.app.router.lifespan_context(auth.app):
        yield auth, bus
    await bus.close()


async def tell(bus: Bus, event: Event, event_id: str | None = None) -> None:
    event_id = event_id or str(uuid7())
    payload = encode(event, source="/kundenportal/users", event_id=event_id, time=utc_now(), traceparent=None)
    await bus.publish(event.subject, payload, {"Content-Type": STRUCTURED})


def somebody() -> Person:
    return Person(uuid7(), uuid7(), uuid7(), "anna.beispiel@kunde.example")


async def test_an_invitation_over_the_broker_becomes_a_mail_and_an_event(running: tuple[Auth, Bus]) -> None:
    auth, bus = running
    person = somebody()
    for event in (a_customer(person), a_user(person), a_membership(person), an_invitation(person)):
        await tell(bus, event)

    await eventually(lambda: asyncio.sleep(0, auth.mailbox.mails))
    secret = secret_of(auth.mailbox.mails[0])
    answer = await auth.client().post("/auth/invitations/accept", json={"token": secret, "password": PASSWORD})

    assert answer.status_code == 204
    told: list[str] = []

    async def all_told() -> bool:
        async for batch in bus.deliveries("AUTH"):
            for delivery in batch:
                told.append(decode(delivery.headers, delivery.data).type)
                await delivery.ack()
            break
        return {"auth.invitation.sent.v1", "auth.password.set.v1"} <= set(told)

    await eventually(all_told)


async def test_the_same_invitation_twice_sends_one_mail(running: tuple[Auth, Bus]) -> None:
    auth, bus = running
    person = somebody()
    invitation: UserInvited = an_invitation(person)
    for _ in range(3):
        await tell(bus, invitation, "the-same-id")
    await tell(bus, a_user(person))
    await tell(bus, a_membership(person))

    async def all_handled() -> bool:
        return await auth.count(Membership) == 1 and bool(auth.mailbox.mails)

    await eventually(all_handled)

    assert len(auth.mailbox.mails) == 1
    assert (await auth.count(Account), await auth.count(Link)) == (1, 1)
