"""Sessions: their ends, their successors, customers, step-up, sign-out."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update

from chassis.db import utc_now
from events.auth import AuthAuditRecorded, SessionEnded
from services.auth.models import Ticket, TotpFactor, UserSession
from services.auth.secrets import token_hash
from services.auth.storage.sessions import count_ticket, open_ticket
from services.auth.totp import code_at, step_of
from tests.auth.conftest import PASSWORD, Auth, Person, a_customer, a_membership, a_user


async def alive(auth: Auth, token: str, *, touch: bool = True) -> bool:
    return await auth.principal(session=token, touch=touch) is not None


async def test_a_session_unused_for_thirty_minutes_is_over(auth: Auth) -> None:
    _, browser = await auth.enrolled()
    token = browser.cookies["session"]

    await auth.time_passes(timedelta(minutes=29))
    assert await alive(auth, token)
    await auth.time_passes(timedelta(minutes=29))
    assert await alive(auth, token)
    await auth.time_passes(timedelta(minutes=30))

    assert not await alive(auth, token)
    assert (await browser.get("/auth/session")).status_code == 401


async def test_an_open_stream_does_not_keep_a_session_alive(auth: Auth) -> None:
    _, browser = await auth.enrolled()
    token = browser.cookies["session"]

    for _ in range(3):
        await auth.time_passes(timedelta(minutes=9))
        assert await alive(auth, token, touch=False)
    await auth.time_passes(timedelta(minutes=9))

    assert not await alive(auth, token, touch=False)


async def test_a_session_is_over_after_twelve_hours_however_busy(auth: Auth) -> None:
    _, browser = await auth.enrolled()
    token = browser.cookies["session"]

    for _ in range(35):
        await auth.time_passes(timedelta(minutes=20))
        assert await alive(auth, token)
    await auth.time_passes(timedelta(minutes=20))

    assert not await alive(auth, token)


async def test_a_successor_inherits_the_end(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    for _ in range(24):
        await auth.time_passes(timedelta(minutes=25))
        assert await alive(auth, browser.cookies["session"])
    await auth.signed_in(browser)

    assert (
        await browser.post("/auth/step-up", json={"code": code_at(person.seed, step_of(utc_now()))})
    ).status_code == 200
    for _ in range(4):
        await auth.time_passes(timedelta(minutes=25))
        assert await alive(auth, browser.cookies["session"])
    await auth.time_passes(timedelta(minutes=25))

    assert not await alive(auth, browser.cookies["session"])


async def test_the_token_is_not_in_the_database(auth: Auth) -> None:
    _, browser = await auth.enrolled()
    token = browser.cookies["session"]

    assert len(token) == 43
    assert await auth.count(UserSession, UserSession.token_hash == token_hash(token)) == 1


@pytest.mark.parametrize("https", [True, False])
async def test_cookies_are_for_the_server_only(make_auth_with: object, https: bool) -> None:
    url = "https://portal.example" if https else "http://localhost:8080"
    auth: Auth = await make_auth_with(public_url=url)  # type: ignore[operator]
    person = await auth.with_password()
    answer = await auth.client().post("/auth/login", json={"username": person.email, "password": PASSWORD})
    cookie = answer.headers["set-cookie"]

    assert cookie.startswith("__Host-ticket=" if https else "ticket=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert ("Secure" in cookie) is https


async def test_signing_out_ends_the_session_and_keeps_the_known_device(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    token = browser.cookies["session"]

    answer = await browser.delete("/auth/session")

    assert answer.status_code == 204
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "session" not in browser.cookies
    assert "device" in browser.cookies
    assert not await alive(auth, token)
    assert [event.cause for event in await auth.events(SessionEnded)] == ["sign_out"]
    line = (await auth.events(AuthAuditRecorded))[-1]
    assert (line.what, line.actor_id, line.address, line.request_id) == (
        "logout",
        person.user_id,
        "192.0.2.7",
        "rid-2",
    )
    assert (await browser.delete("/auth/session")).status_code == 401


async def test_the_eleventh_session_ends_the_oldest(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    tokens = [browser.cookies["session"]]
    for code in person.recovery_codes:
        await auth.time_passes(timedelta(minutes=2))
        another = await auth.at_second_step(person)
        assert (await another.post("/auth/login/second-factor", json={"code": code})).status_code == 200
        tokens.append(another.cookies["session"])

    living = [await alive(auth, token) for token in tokens]

    assert living == [False] + [True] * 10
    assert [event.cause for event in await auth.events(SessionEnded)] == ["too_many"]


async def test_signing_in_again_replaces_the_session_of_this_browser(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    before = browser.cookies["session"]
    assert await auth.log_in(browser, person) == "second_factor"

    await browser.post("/auth/login/second-factor", json={"code": await auth.fresh_code(person)})

    assert browser.cookies["session"] != before
    assert not await alive(auth, before)
    assert await alive(auth, browser.cookies["session"])


async def test_step_up_takes_a_fresh_code_and_gives_a_new_id(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await auth.time_passes(timedelta(minutes=11))
    before = browser.cookies["session"]
    old = await auth.principal(session=before)
    wrong = await browser.post("/auth/step-up", json={"code": "000000"})
    right = await browser.post("/auth/step-up", json={"code": await auth.fresh_code(person)})

    assert (wrong.status_code, wrong.json()["code"]) == (403, "code_refused")
    assert right.status_code == 200
    new = await auth.principal(session=browser.cookies["session"])
    assert old is not None
    assert new is not None
    assert new["session_id"] != old["session_id"]
    assert new["step_up_at"] > utc_now().timestamp() - 60
    assert not await alive(auth, before)
    assert [(event.cause, str(event.session_id)) for event in await auth.events(SessionEnded)] == [
        ("replaced", old["session_id"])
    ]


async def test_step_up_is_counted_together_with_sign_in(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    for _ in range(5):
        await browser.post("/auth/step-up", json={"code": "000000"})
    other = await auth.at_second_step(person)

    answer = await other.post("/auth/login/second-factor", json={"code": code_at(person.seed, step_of(utc_now()) + 1)})

    assert answer.status_code == 429


async def test_switching_between_ones_own_customers(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    second = replace_customer(person)
    await auth.handle(a_customer(second, number="KD-10099", name="Zweite GmbH"))
    await auth.handle(a_membership(second, role="member", modules=("exchange",)))
    before = browser.cookies["session"]

    answer = await browser.post("/auth/session/customer", json={"customer_id": str(second.customer_id)})

    assert answer.status_code == 200
    assert answer.json()["customer"]["number"] == "KD-10099"
    assert (answer.json()["role"], answer.json()["modules"]) == ("member", ["exchange"])
    assert [place["customer"]["number"] for place in answer.json()["memberships"]] == ["KD-10042", "KD-10099"]
    assert not await alive(auth, before)
    principal = await auth.principal(session=browser.cookies["session"])
    assert principal is not None
    assert principal["customer_id"] == str(second.customer_id)
    assert [event.cause for event in await auth.events(SessionEnded)] == ["switched"]


async def test_a_foreign_customer_is_as_unknown_as_one_that_does_not_exist(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await auth.signed_in(browser, role="operator")
    foreign = replace_customer(person)
    await auth.handle(a_customer(foreign, number="KD-10099"))

    answers = [
        await browser.post("/auth/session/customer", json={"customer_id": str(customer_id)})
        for customer_id in (foreign.customer_id, uuid4())
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert bodies[0] == bodies[1]
    assert await alive(auth, browser.cookies["session"])


@pytest.mark.parametrize("how", ["inactive", "expired"])
async def test_an_ended_membership_opens_nothing(auth: Auth, how: str) -> None:
    person, browser = await auth.enrolled()
    changes = {"active": False} if how == "inactive" else {"expires_on": (utc_now() - timedelta(days=1)).date()}
    await auth.handle(a_membership(person, version=2, **changes))

    answer = await browser.post("/auth/session/customer", json={"customer_id": str(person.customer_id)})

    assert answer.status_code == 404


async def test_the_operator_opens_any_active_customer(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await auth.handle(
        a_membership(person, version=2, customer_id=None, role="operator", staff_role="agent", modules=())
    )
    await auth.signed_in(browser, role="operator")
    foreign = replace_customer(person)
    await auth.handle(a_customer(foreign, number="KD-10099"))

    opened = await browser.post("/auth/session/customer", json={"customer_id": str(foreign.customer_id)})
    await auth.signed_in(browser, role="operator")
    await auth.handle(a_customer(foreign, version=2, number="KD-10099", active=False))
    closed = await browser.post("/auth/session/customer", json={"customer_id": str(foreign.customer_id)})

    assert opened.status_code == 200
    line = next(line for line in await auth.events(AuthAuditRecorded) if line.what == "customer_opened")
    assert (line.customer_id, line.actor_id) == (foreign.customer_id, person.user_id)
    assert (opened.json()["role"], opened.json()["staff_role"]) == ("operator", "agent")
    assert opened.json()["customer"]["number"] == "KD-10099"
    assert closed.status_code == 404


async def test_deactivation_ends_everything_at_once(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    half = await auth.at_second_step(person)

    await auth.handle(a_user(person, version=2, active=False))

    assert not await alive(auth, browser.cookies["session"])
    assert await auth.principal(ticket=half.cookies["ticket"]) is None
    ended = [event for event in await auth.events(SessionEnded) if event.cause == "deactivated"]
    assert [(event.user_id, event.session_id) for event in ended] == [(person.user_id, None)]


async def test_a_membership_that_ends_closes_the_sessions_that_had_it_open(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    await browser.post("/auth/session/customer", json={"customer_id": str(person.customer_id)})
    token = browser.cookies["session"]

    await auth.handle(a_membership(person, version=2, active=False))

    assert not await alive(auth, token)


def replace_customer(person: Person) -> Person:
    """The same person at another company."""
    return replace(person, membership_id=uuid4(), customer_id=uuid4())


async def test_what_was_opened_while_the_clock_was_a_day_ahead_is_over_and_one_signs_in_again(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    half = await auth.at_second_step(person)

    await auth.time_passes(timedelta(days=-1))
    async with auth.database.transaction() as session:
        # The app kept the right time, so no code of tomorrow was ever taken.
        await session.execute(update(TotpFactor).values(last_step=0))

    assert not await alive(auth, browser.cookies["session"])
    assert (await browser.get("/auth/session")).status_code == 401
    code = code_at(person.seed, step_of(utc_now()))
    late = await half.post("/auth/login/second-factor", json={"code": code})
    assert late.json()["code"] == "sign_in_expired"

    again = await auth.at_second_step(person)
    answer = await again.post("/auth/login/second-factor", json={"code": code})
    assert answer.status_code == 200, answer.text
    listed = await (await auth.signed_in(again)).get("/auth/sessions")
    assert [one["current"] for one in listed.json()["items"]] == [True]


async def test_a_ticket_of_a_time_to_come_is_refused_when_read_and_when_counted(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    now, most = utc_now(), 5
    async with auth.database.transaction() as session:
        for ahead, alive in ((timedelta(seconds=30), True), (timedelta(minutes=2), False)):
            token = await open_ticket(session, person.user_id, auth.settings, now + ahead)
            ticket = await session.get_one(Ticket, token_hash(token))
            assert ticket.lives(most, now) is alive
            assert await count_ticket(session, token, most, now) is alive


async def test_while_the_clock_is_a_day_ahead_sessions_are_over_and_nothing_is_lost(auth: Auth) -> None:
    person, browser = await auth.enrolled()

    await auth.time_passes(timedelta(days=1))

    assert not await alive(auth, browser.cookies["session"])
    again = await auth.at_second_step(person)
    code = code_at(person.seed, step_of(utc_now()))
    assert (await again.post("/auth/login/second-factor", json={"code": code})).status_code == 200
