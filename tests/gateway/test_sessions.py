"""Who a cookie is: asked every five seconds at most, forgotten at once when an event says so."""

import asyncio
import shutil
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from chassis.bus import connected_bus
from chassis.testing import NatsServer, eventually
from events.auth import SessionEnded
from events.base import Event, encode
from events.users import CustomerChanged, MembershipChanged, UserChanged
from tests.gateway.conftest import NewWorld, World

FOLDERS = "/documents/folders"


async def status_of(world: World, secret: str, path: str = FOLDERS) -> int:
    async with world.http.get(world.api(path), headers={"Cookie": f"session={secret}"}) as answer:
        return answer.status


async def publish(url: str, *events: Event) -> None:
    bus = await connected_bus("test", url)
    for event in events:
        body = encode(
            event,
            source="/kundenportal/test",
            event_id=str(uuid4()),
            time=event_time(),
            traceparent=None,
        )
        headers = {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": str(uuid4())}
        await bus.publish(event.subject, body, headers)
    await bus.close()


def event_time() -> datetime:
    return datetime.now(UTC)


async def test_a_session_is_asked_for_once_in_five_seconds_whatever_the_rush(world: World) -> None:
    secret, _, _ = world.people.session()

    statuses = await asyncio.gather(*(status_of(world, secret) for _ in range(50)))

    assert statuses == [200] * 50
    assert world.people.asked == [{"session": secret, "touch": True}]
    assert len(world.people.asked_users) == 1


async def test_identity_tokens_are_used_again(world: World) -> None:
    secret, _, _ = world.people.session()

    for _ in range(3):
        await status_of(world, secret)

    assert len({seen.values("x-identity")[0] for seen in world.documents.seen}) == 1


async def test_language_and_address_are_in_the_identity(world: World) -> None:
    secret, _, _ = world.people.session(language="en")
    languages = []
    for said in ({}, {"Accept-Language": "de-AT"}, {"Accept-Language": "fr, en;q=0.5"}):
        headers = {"Cookie": f"session={secret}"} | said
        async with world.http.get(world.api(FOLDERS), headers=headers):
            pass
        identity = await world.identity("documents", world.documents.last)
        languages.append(identity.lang)

    assert languages == ["en", "de", "en"]


async def test_a_token_for_one_service_is_none_for_another(world: World) -> None:
    secret, _, _ = world.people.session()
    await status_of(world, secret)
    await status_of(world, secret, "/users/me")

    tokens = {world.documents.last.values("x-identity")[0], world.services["users"].last.values("x-identity")[0]}
    assert len(tokens) == 2


async def test_an_api_token_of_a_person_bears_the_rights_and_no_session(world: World) -> None:
    _, principal, _ = world.people.session()
    world.people.principals["kp_user"] = principal | {
        "kind": "user_token",
        "session_id": None,
        "amr": ["api_token"],
        "scopes": ["invoices:read"],
    }

    async with world.http.get(world.api(FOLDERS), headers={"Authorization": "Bearer kp_user"}) as answer:
        assert answer.status == 200

    identity = await world.identity("documents", world.documents.last)
    assert (identity.sub, identity.scopes, identity.sid) == (principal["user_id"], ("invoices:read",), None)
    assert identity.complete
    assert not identity.is_browser


async def test_a_person_whom_users_does_not_let_in_is_nobody(world: World) -> None:
    secret, _, authorisation = world.people.session()
    authorisation["active"] = False

    assert await status_of(world, secret) == 401


async def test_an_ended_session_is_out_within_five_seconds_without_the_broker(world: World) -> None:
    secret, _, _ = world.people.session()
    assert await status_of(world, secret) == 200

    del world.people.principals[secret]
    ended = time.monotonic()

    async def is_out() -> bool:
        return await status_of(world, secret) == 401

    await eventually(is_out, seconds=8, every=0.1)
    assert time.monotonic() - ended < 5.5


async def test_a_role_taken_away_is_gone_within_five_seconds_without_the_broker(world: World) -> None:
    secret, _, authorisation = world.people.session()
    await status_of(world, secret)

    authorisation["role"], authorisation["modules"] = "member", []
    taken = time.monotonic()

    async def is_gone() -> bool:
        await status_of(world, secret)
        identity = await world.identity("documents", world.documents.last)
        return (identity.role, identity.modules) == ("member", ())

    await eventually(is_gone, seconds=8, every=0.1)
    assert time.monotonic() - taken < 5.5


def ended_session(principal: dict[str, Any], _authorisation: dict[str, Any]) -> Event:
    session_id, user_id = UUID(principal["session_id"]), UUID(principal["user_id"])
    return SessionEnded(user_id=user_id, session_id=session_id, cause="ended", occurred_at=event_time())


def all_sessions_ended(principal: dict[str, Any], _authorisation: dict[str, Any]) -> Event:
    user_id = UUID(principal["user_id"])
    return SessionEnded(user_id=user_id, session_id=None, cause="deactivated", occurred_at=event_time())


def membership_changed(principal: dict[str, Any], authorisation: dict[str, Any]) -> Event:
    return MembershipChanged(
        membership_id=uuid4(),
        version=2,
        user_id=UUID(principal["user_id"]),
        customer_id=UUID(authorisation["customer_id"]),
        role="member",
        modules=(),
        active=False,
    )


def user_changed(principal: dict[str, Any], _authorisation: dict[str, Any]) -> Event:
    user_id = UUID(principal["user_id"])
    names = {"email": "a@kunde.example", "given_name": "A", "family_name": "B", "language": "de"}
    return UserChanged(user_id=user_id, version=2, active=False, **names)  # type: ignore[arg-type]


def customer_changed(_principal: dict[str, Any], authorisation: dict[str, Any]) -> Event:
    return CustomerChanged(
        customer_id=UUID(authorisation["customer_id"]),
        version=2,
        number="KD-1",
        name="Kunde",
        end_user=True,
        colocation=False,
        language="de",
        time_zone="Europe/Berlin",
        email_domains=(),
        active=False,
    )


CAUSES = [ended_session, all_sessions_ended, membership_changed, user_changed, customer_changed]


async def test_each_event_about_a_person_is_effective_within_a_second(new_world: NewWorld, nats: NatsServer) -> None:
    bus = await connected_bus("admin", nats.url)
    await bus.apply()
    await bus.close()
    async with new_world(nats_url=nats.url) as world:

        async def connected() -> bool:
            return world.gateway.parts.bus.is_connected

        await eventually(connected)
        for cause in CAUSES:
            secret, principal, authorisation = world.people.session()
            bystander, _, _ = world.people.session()
            assert await status_of(world, secret) == 200
            assert await status_of(world, bystander) == 200
            asked = len(world.people.asked)

            if cause in (ended_session, all_sessions_ended):
                del world.people.principals[secret]
            else:
                authorisation["active"] = False
            published = time.monotonic()
            await publish(nats.url, cause(principal, authorisation))

            async def is_out(of: str = secret) -> bool:
                return await status_of(world, of) == 401

            await eventually(is_out, seconds=3, every=0.01)
            assert time.monotonic() - published < 1.0, cause.__name__
            assert await status_of(world, bystander) == 200
            assert len(world.people.asked) == asked + 1


async def test_events_are_heard_again_after_the_broker_was_away(new_world: NewWorld, nats: NatsServer) -> None:
    bus = await connected_bus("admin", nats.url)
    await bus.apply()
    await bus.close()
    async with new_world(nats_url=nats.url) as world:

        async def connected() -> bool:
            return world.gateway.parts.bus.is_connected

        await eventually(connected)
        nats.kill()

        async def away() -> bool:
            return not world.gateway.parts.bus.is_connected

        await eventually(away)
        secret, principal, authorisation = world.people.session()
        assert await status_of(world, secret) == 200
        nats.start()
        await eventually(connected)
        assert await status_of(world, secret) == 200
        del world.people.principals[secret]
        await publish(nats.url, ended_session(principal, authorisation))
        published = time.monotonic()

        async def is_out() -> bool:
            return await status_of(world, secret) == 401

        await eventually(is_out, seconds=6, every=0.02)
        assert time.monotonic() - published < 3


async def test_events_are_heard_after_the_broker_lost_its_store(new_world: NewWorld, nats: NatsServer) -> None:
    await declare_streams(nats.url)
    async with new_world(nats_url=nats.url) as world:

        async def connected() -> bool:
            return world.gateway.parts.bus.is_connected

        async def disconnected() -> bool:
            return not world.gateway.parts.bus.is_connected

        async def effective() -> float:
            secret, principal, authorisation = world.people.session()
            assert await status_of(world, secret) == 200
            del world.people.principals[secret]
            await publish(nats.url, ended_session(principal, authorisation))
            published = time.monotonic()

            async def is_out() -> bool:
                return await status_of(world, secret) == 401

            await eventually(is_out, seconds=8, every=0.02)
            return time.monotonic() - published

        await eventually(connected)
        for _ in range(3):
            assert await effective() < 2
        nats.kill()
        await eventually(disconnected)
        shutil.rmtree(nats.folder / "js")
        nats.start()
        await declare_streams(nats.url)
        await eventually(connected)
        await effective()

        assert await effective() < 2


async def declare_streams(url: str) -> None:
    bus = await connected_bus("admin", url)
    try:
        await bus.apply()
    finally:
        await bus.close()


async def test_an_answer_that_was_overtaken_by_an_event_counts_nothing(world: World) -> None:
    secret, principal, _ = world.people.session()
    asking, go_on = asyncio.Event(), asyncio.Event()
    answer_of = world.people.auth.answers["/inner/principal"]

    async def slow(request: web.Request) -> web.Response:
        answer: web.Response = await answer_of(request)
        if not asking.is_set():
            asking.set()
            await go_on.wait()
        return answer

    world.people.auth.answers["/inner/principal"] = slow
    call = asyncio.create_task(status_of(world, secret))
    await asking.wait()
    del world.people.principals[secret]
    world.gateway.parts.sessions.forget(principal["user_id"])
    go_on.set()

    assert await call == 401


async def test_users_may_be_silent_for_a_minute(new_world: NewWorld) -> None:
    async with new_world(principal_kept=0.1, authorisation_kept=1.5) as world:
        secret, principal, _ = world.people.session()
        assert await status_of(world, secret) == 200
        stranger, _, _ = world.people.session()
        await world.services["users"].stop()
        silent = time.monotonic()

        assert await status_of(world, stranger) == 503
        while time.monotonic() - silent < 1:
            assert await status_of(world, secret) == 200
            await asyncio.sleep(0.05)

        async def unavailable() -> bool:
            return await status_of(world, secret) == 503

        await eventually(unavailable, seconds=3)

        await world.services["users"].start()

        async def back() -> bool:
            return await status_of(world, secret) == 200

        await eventually(back, seconds=5)
        await world.services["users"].stop()
        assert await status_of(world, secret) == 200
        world.gateway.parts.sessions.forget(principal["user_id"])
        assert await status_of(world, secret) == 503


async def test_auth_may_be_silent_for_five_seconds_only(new_world: NewWorld) -> None:
    async with new_world(principal_kept=0.5) as world:
        secret, _, _ = world.people.session()
        assert await status_of(world, secret) == 200
        await world.services["auth"].stop()

        async def unavailable() -> bool:
            return await status_of(world, secret) == 503

        await eventually(unavailable, seconds=2)
        async with world.http.get(world.api("/brand"), headers={"Cookie": f"session={secret}"}) as answer:
            assert answer.status == 503
            assert answer.headers["retry-after"]
        async with world.http.get(world.api("/brand")) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("answer", ["not json", '{"kind": 1}', "{}"])
async def test_an_answer_nobody_understands_lets_nobody_in(world: World, answer: str) -> None:
    async def odd(_request: web.Request) -> web.Response:
        return web.Response(text=answer, content_type="application/json")

    world.people.auth.answers["/inner/principal"] = odd

    assert await status_of(world, "whatever") == 503


async def test_what_a_call_to_auth_changed_counts_at_once(world: World) -> None:
    secret, principal, authorisation = world.people.session()
    headers = {"Cookie": f"session={secret}", "Sec-Fetch-Site": "same-origin"}
    await status_of(world, secret)
    other = str(uuid4())

    async def switch(_request: web.Request) -> web.Response:
        principal["customer_id"] = authorisation["customer_id"] = other
        return web.json_response({})

    world.services["auth"].answers["/auth/session/customer"] = switch
    async with world.http.post(world.api("/auth/session/customer"), json={}, headers=headers) as answer:
        assert answer.status == 200
    await status_of(world, secret)

    assert (await world.identity("documents", world.documents.last)).cust == other


async def test_an_old_cookie_beside_a_new_ticket_is_a_half_session(world: World) -> None:
    user_id = str(uuid4())
    world.people.principals["half"] = {"kind": "ticket", "user_id": user_id, "amr": ["pwd"]}
    headers = {"Cookie": "session=gone; ticket=half", "Sec-Fetch-Site": "same-origin"}

    async with world.http.post(world.api("/auth/second-factor/enrolment"), headers=headers) as answer:
        assert answer.status == 200
    identity = await world.identity("auth", world.services["auth"].last)
    assert (identity.sub, identity.amr, identity.complete) == (user_id, ("pwd",), False)

    async with world.http.get(world.api(FOLDERS), headers=headers) as answer:
        assert (await answer.json(content_type=None))["code"] == "second_factor_required"


async def test_a_session_ends_with_its_time_even_between_two_questions(world: World) -> None:
    expires_at = (datetime.now(UTC) + timedelta(seconds=0.5)).isoformat()
    secret, _, _ = world.people.session(expires_at=expires_at)
    assert await status_of(world, secret) == 200
    del world.people.principals[secret]

    async def is_out() -> bool:
        return await status_of(world, secret) == 401

    began = time.monotonic()
    await eventually(is_out)
    assert time.monotonic() - began < 2
