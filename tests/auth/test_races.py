"""Fifty at once: one success, on both databases. The throttles are out of the way, so only the statements decide."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from httpx2 import AsyncClient, Response

from chassis.db import utc_now
from events.auth import InvitationOpened, LoginSucceeded, PasswordSet
from services.auth.models import RecoveryCode, TotpFactor, UserSession
from services.auth.storage.second_factor import accept
from services.auth.totp import code_at, step_of
from tests.auth.conftest import Auth, Person, secret_of

AT_ONCE = 50
ROUNDS = 3


@pytest.fixture
async def auth(make_auth_with: Callable[..., Awaitable[Auth]]) -> Auth:
    many = 100_000
    return await make_auth_with(
        password_tries=many,
        second_factor_tries_per_5_minutes=many,
        second_factor_tries_per_hour=many,
        second_factor_tries_per_day=many,
        second_factor_failures_to_lock=many,
        reset_mails_per_hour=many,
    )


async def all_at_once(calls: list[Awaitable[Response]]) -> list[int]:
    return sorted(answer.status_code for answer in await asyncio.gather(*calls))


async def tickets(auth: Auth, person: Person) -> list[AsyncClient]:
    return [await auth.at_second_step(person) for _ in range(AT_ONCE)]


async def test_one_code_of_the_app(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browsers = await tickets(auth, person)
    code = await auth.fresh_code(person)

    codes = await all_at_once([b.post("/auth/login/second-factor", json={"code": code}) for b in browsers])

    assert codes == [200] + [401] * (AT_ONCE - 1)
    assert len(await auth.events(LoginSucceeded)) == 2
    assert await auth.count(UserSession, UserSession.ended_at.is_(None)) == 2


async def test_one_recovery_code(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browsers = await tickets(auth, person)
    code = person.recovery_codes[0]

    codes = await all_at_once([b.post("/auth/login/second-factor", json={"code": code}) for b in browsers])

    assert codes == [200] + [401] * (AT_ONCE - 1)
    assert await auth.count(RecoveryCode, RecoveryCode.used_at.is_not(None)) == 1


@pytest.mark.parametrize("what", ["totp", "recovery_code"])
async def test_the_statement_alone_decides(auth: Auth, what: str) -> None:
    """Without HTTP around it, several rounds: each in a transaction of its own, all open at the same time."""
    person, _ = await auth.enrolled()

    async def once(code: str) -> bool:
        async with auth.database.transaction() as session:
            return await accept(session, auth.app.state.box, person.user_id, code, utc_now()) is not None

    for round_number in range(ROUNDS):
        await auth.time_passes(timedelta(seconds=90))
        step = step_of(utc_now())
        code = code_at(person.seed, step) if what == "totp" else person.recovery_codes[round_number]
        results = await asyncio.gather(*(once(code) for _ in range(AT_ONCE)))
        assert sum(results) == 1


async def test_one_ticket_makes_one_session(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    ticket = (await auth.at_second_step(person)).cookies["ticket"]
    browsers = []
    for _ in person.recovery_codes:
        browsers.append(auth.client())
        browsers[-1].cookies.set("ticket", ticket)

    codes = await all_at_once(
        [
            browser.post("/auth/login/second-factor", json={"code": code})
            for browser, code in zip(browsers, person.recovery_codes, strict=True)
        ]
    )

    assert codes == [200] + [401] * 9
    assert await auth.count(RecoveryCode, RecoveryCode.used_at.is_not(None)) == 1


async def test_one_ticket_is_tried_five_times_at_most(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    ticket = (await auth.at_second_step(person)).cookies["ticket"]
    browsers = [auth.client() for _ in range(AT_ONCE)]
    for browser in browsers:
        browser.cookies.set("ticket", ticket)

    answers = await asyncio.gather(*(b.post("/auth/login/second-factor", json={"code": "000000"}) for b in browsers))

    codes = [answer.json()["code"] for answer in answers]
    assert codes.count("wrong_code") == 5
    assert codes.count("sign_in_expired") == AT_ONCE - 5


async def test_one_invitation(auth: Auth) -> None:
    _, secret = await auth.invited()
    passwords = [f"Tasse-{n}-blau-Nebel" for n in range(AT_ONCE)]

    codes = await all_at_once(
        [auth.client().post("/auth/invitations/accept", json={"token": secret, "password": p}) for p in passwords]
    )

    assert codes == [204] + [410] * (AT_ONCE - 1)
    assert len(await auth.events(PasswordSet)) == 1


async def test_one_reset_link(auth: Auth) -> None:
    person = await auth.with_password()
    await auth.client().post("/auth/password-reset", json={"username": person.email})
    await auth.deliver()
    body = {"token": secret_of(auth.mailbox.mails[-1]), "password": "Ganz-8-neue-Tasse"}

    codes = await all_at_once([auth.client().post("/auth/password-reset/complete", json=body) for _ in range(AT_ONCE)])

    assert codes == [204] + [410] * (AT_ONCE - 1)


async def test_one_enrolment(auth: Auth) -> None:
    person = await auth.with_password()
    browser = auth.client()
    await auth.log_in(browser, person)
    seed = (await browser.post("/auth/second-factor/enrolment", json={})).json()["secret"]
    code = code_at(seed, step_of(utc_now()))
    ticket = browser.cookies["ticket"]
    browsers = []
    for _ in range(5):
        browsers.append(auth.client())
        browsers[-1].cookies.set("ticket", ticket)

    codes = await all_at_once(
        [one.post("/auth/second-factor/enrolment/confirm", json={"code": code}) for one in browsers]
    )

    assert codes[0] == 200
    assert set(codes[1:]) <= {401, 409}
    assert await auth.count(TotpFactor) == 1
    assert await auth.count(RecoveryCode) == 10


async def test_the_throttle_holds_against_many_at_once(make_auth_with: Callable[..., Awaitable[Auth]]) -> None:
    auth = await make_auth_with()
    person = await auth.with_password()

    codes = await all_at_once(
        [
            auth.client().post("/auth/login", json={"username": person.email, "password": f"wrong-{n}"})
            for n in range(AT_ONCE)
        ]
    )

    assert codes == [401] * 10 + [429] * (AT_ONCE - 10)


async def test_at_most_ten_sessions_however_many_sign_in_at_once(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browsers = [await auth.at_second_step(person) for _ in person.recovery_codes]

    codes = await all_at_once(
        [
            browser.post("/auth/login/second-factor", json={"code": code})
            for browser, code in zip(browsers, person.recovery_codes, strict=True)
        ]
    )

    assert codes == [200] * 10
    assert await auth.count(UserSession, UserSession.ended_at.is_(None)) == 10


async def test_looking_at_one_invitation_many_times_is_told_once(auth: Auth) -> None:
    _, secret = await auth.invited()

    codes = await all_at_once(
        [auth.client().post("/auth/invitations/check", json={"token": secret}) for _ in range(AT_ONCE)]
    )

    assert codes == [200] * AT_ONCE
    assert len(await auth.events(InvitationOpened)) == 1


async def test_a_password_set_by_the_winner_is_the_one_that_counts(auth: Auth) -> None:
    person, secret = await auth.invited()
    answers = await asyncio.gather(
        *(
            auth.client().post("/auth/invitations/accept", json={"token": secret, "password": f"Tasse-{n}-Nebel!"})
            for n in range(5)
        )
    )
    (winner,) = [n for n, answer in enumerate(answers) if answer.status_code == 204]

    codes = [
        (
            await auth.client().post("/auth/login", json={"username": person.email, "password": f"Tasse-{n}-Nebel!"})
        ).status_code
        for n in range(5)
    ]

    assert [n for n, code in enumerate(codes) if code == 200] == [winner]
