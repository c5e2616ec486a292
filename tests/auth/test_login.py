"""The first step: one answer for every failure, throttles that survive refusals, known devices."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from httpx2 import AsyncClient, Response

from chassis.db import utc_now
from events.auth import AuthAuditRecorded, LoginFailed, LoginLocked
from services.auth.models import Account, SignIn
from services.auth.passwords import Hashing
from services.auth.storage.hashing import ThreadedHashing
from tests.auth.conftest import PASSWORD, STRANGER, Auth, a_user


async def knock(browser: AsyncClient, username: str, password: str = "wrong-7-wrong") -> Response:
    return await browser.post("/auth/login", json={"username": username, "password": password})


async def test_every_cause_of_failure_has_the_same_answer(auth: Auth) -> None:
    known = await auth.with_password()
    without = await auth.person("ohne.passwort@kunde.example")
    gone = await auth.with_password(email_address="weg@kunde.example", email="weg@kunde.example")
    await auth.handle(a_user(gone, version=2, active=False))
    browser = auth.client()

    answers = [
        await knock(browser, known.email),
        await knock(browser, "niemand@kunde.example"),
        await knock(browser, "kein Name, sondern etwas anderes"),
        await knock(browser, without.email),
        await knock(browser, gone.email, PASSWORD),
        await knock(browser, known.email, "x" * 1024),
    ]

    assert {answer.status_code for answer in answers} == {401}
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["code"] == "wrong_credentials"
    assert not browser.cookies


async def test_a_failure_is_told_and_noted(auth: Auth) -> None:
    person = await auth.with_password()

    await knock(auth.client(), person.email)
    await knock(auth.client(), "niemand@kunde.example")

    failed = await auth.events(LoginFailed)
    assert [(event.user_id, event.step, event.address) for event in failed] == [
        (person.user_id, "password", "192.0.2.7"),
        (None, "password", "192.0.2.7"),
    ]
    lines = [line for line in await auth.events(AuthAuditRecorded) if line.what == "login"]
    assert [(line.result, line.factor, line.address, line.request_id) for line in lines] == [
        ("refused", "password", "192.0.2.7", "rid-1")
    ] * 2
    assert await auth.count(SignIn, SignIn.user_id == person.user_id, SignIn.result == "refused") == 1


@pytest.mark.parametrize("exists", [True, False])
async def test_the_eleventh_try_waits_whether_the_name_exists_or_not(auth: Auth, exists: bool) -> None:
    person = await auth.with_password()
    username = person.email if exists else "niemand@kunde.example"

    tries = [await knock(auth.client(replace(STRANGER, ip=f"198.51.100.{n}")), username) for n in range(11)]
    right = await knock(auth.client(replace(STRANGER, ip="203.0.113.9")), username, PASSWORD)

    assert [answer.status_code for answer in tries] == [401] * 10 + [429]
    assert 0 < int(tries[-1].headers["Retry-After"]) <= 300
    assert tries[-1].json()["code"] == "too_many"
    assert right.status_code == 429
    locked = await auth.events(LoginLocked)
    assert [event.user_id for event in locked] == [person.user_id if exists else None]


async def test_the_throttle_never_locks(auth: Auth) -> None:
    person = await auth.with_password()
    for n in range(11):
        await knock(auth.client(replace(STRANGER, ip=f"198.51.100.{n}")), person.email)

    await auth.time_passes(timedelta(minutes=15))

    assert (await knock(auth.client(), person.email, PASSWORD)).status_code == 200


async def test_one_address_is_throttled_over_all_names(auth: Auth) -> None:
    await auth.with_password()

    tries = [await knock(auth.client(), f"name{n}@kunde.example") for n in range(11)]
    elsewhere = await knock(auth.client(replace(STRANGER, ip="203.0.113.9")), "name11@kunde.example")

    assert [answer.status_code for answer in tries] == [401] * 10 + [429]
    assert elsewhere.status_code == 401


async def test_one_ipv6_household_is_one_address(auth: Auth) -> None:
    tries = [
        await knock(auth.client(replace(STRANGER, ip=f"2001:db8:1:2::{n:x}")), f"name{n}@kunde.example")
        for n in range(1, 12)
    ]
    neighbour = await knock(auth.client(replace(STRANGER, ip="2001:db8:1:3::1")), "name12@kunde.example")

    assert tries[-1].status_code == 429
    assert neighbour.status_code == 401


async def test_successes_use_nothing_up(auth: Auth) -> None:
    person = await auth.with_password()

    answers = [(await knock(auth.client(), person.email, PASSWORD)).status_code for _ in range(15)]

    assert answers == [200] * 15


async def test_strangers_cannot_use_up_the_tries_of_a_known_device(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    for n in range(11):
        await knock(auth.client(replace(STRANGER, ip=f"198.51.100.{n}")), person.email)

    assert (await knock(auth.client(), person.email, PASSWORD)).status_code == 429
    assert (await knock(browser, person.email, PASSWORD)).status_code == 200


async def test_a_known_device_has_a_limit_of_its_own(auth: Auth) -> None:
    person, browser = await auth.enrolled()

    tries = [(await knock(browser, person.email)).status_code for _ in range(11)]

    assert tries == [401] * 10 + [429]
    assert (await knock(auth.client(), person.email, PASSWORD)).status_code == 200


async def test_a_made_up_device_cookie_is_nobodys_device(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    codes = []
    for n in range(11):
        browser = auth.client(replace(STRANGER, ip=f"198.51.100.{n}"))
        browser.cookies.set("device", f"made-up-{n}")
        codes.append((await knock(browser, person.email)).status_code)

    assert codes[-1] == 429


async def test_a_hash_of_another_cost_is_renewed_at_sign_in(auth: Auth) -> None:
    person = await auth.with_password()
    async with auth.database.transaction() as session:
        account = await session.get_one(Account, person.user_id)
        account.set_password(Hashing(memory_kib=16, rounds=2).hash(PASSWORD), now=utc_now())
        before = account.password_hash

    assert (await knock(auth.client(), person.email, PASSWORD)).status_code == 200

    async with auth.database.reading() as session:
        after = (await session.get_one(Account, person.user_id)).password_hash
    assert after != before
    assert "m=8,t=1" in after
    assert (await knock(auth.client(), person.email, PASSWORD)).status_code == 200


async def test_a_new_sign_in_makes_the_old_ticket_worthless(auth: Auth) -> None:
    person = await auth.with_password()
    browser = auth.client()
    await auth.log_in(browser, person)
    first = browser.cookies["ticket"]
    await auth.log_in(browser, person)

    assert browser.cookies["ticket"] != first
    assert await auth.principal(ticket=first) is None
    assert await auth.principal(ticket=browser.cookies["ticket"]) is not None


class CountingHashing(ThreadedHashing):
    """The real one, which also remembers what it was asked."""

    asked: ClassVar[list[bool]] = []

    async def verify(self, stored: str | None, password: str) -> bool:
        self.asked.append(stored is not None)
        return await super().verify(stored, password)


async def test_a_name_that_nobody_has_costs_the_same_work(auth: Auth) -> None:
    person = await auth.with_password()
    hashing = auth.app.state.hashing = CountingHashing(auth.settings)
    hashing.asked.clear()

    for username in (person.email, "niemand@kunde.example"):
        await knock(auth.client(), username)

    assert hashing.asked == [True, False]


async def test_a_flood_of_passwords_is_turned_away_before_it_waits_for_ever(
    make_auth_with: Callable[..., Awaitable[Auth]],
) -> None:
    auth = await make_auth_with(password_hashes_waiting=5, password_tries=1000)
    person = await auth.with_password()

    answers = await asyncio.gather(*(knock(auth.client(), person.email) for _ in range(40)))

    codes = [answer.status_code for answer in answers]
    assert set(codes) <= {401, 503}
    assert codes.count(401) >= 5
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 503)
    assert (await knock(auth.client(), person.email, PASSWORD)).status_code == 200


async def test_an_hour_of_a_strangers_guesses_never_keeps_the_owners_device_out(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    refused = 0
    for minute in range(0, 60, 2):
        guesses = [
            await auth.client(replace(STRANGER, ip=f"198.51.100.{minute}")).post(
                "/auth/login", json={"username": person.email, "password": f"Falsch-{minute}-{n}!"}
            )
            for n in range(5)
        ]
        refused += sum(answer.status_code == 429 for answer in guesses)
        if minute % 10 == 8:
            known = auth.client()
            known.cookies.set("device", browser.cookies["device"])
            assert await auth.log_in(known, person) == "second_factor"
            proved = await known.post("/auth/login/second-factor", json={"code": await auth.fresh_code(person)})
            assert proved.status_code == 200, proved.text
        await auth.time_passes(timedelta(minutes=2))

    assert refused > 60, "the stranger was throttled"
