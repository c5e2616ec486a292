"""Setting up the authenticator app: who may, what is shown to whom, and what a wrong clock is told."""

from datetime import timedelta

import pytest
from httpx2 import AsyncClient

from chassis.db import utc_now
from events.auth import SecondFactorEnrolled, SessionEnded
from services.auth.models import Account, Link, RecoveryCode, TotpFactor
from services.auth.secrets import new_token, token_hash
from services.auth.storage.links import Lifetime, fresh_link
from services.auth.totp import code_at, step_of
from tests.auth.conftest import Auth, Person


async def start(browser: AsyncClient, **body: str) -> str:
    answer = await browser.post("/auth/second-factor/enrolment", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["secret"])


async def confirm(browser: AsyncClient, seed: str, off: int = 0) -> tuple[int, str]:
    code = code_at(seed, step_of(utc_now()) + off)
    answer = await browser.post("/auth/second-factor/enrolment/confirm", json={"code": code})
    return answer.status_code, answer.json().get("code", "")


async def at_enrolment(auth: Auth, person: Person) -> AsyncClient:
    browser = auth.client()
    assert await auth.log_in(browser, person) == "enrol_second_factor"
    return browser


async def test_loading_the_page_again_shows_the_same_secret(auth: Auth) -> None:
    browser = await at_enrolment(auth, await auth.with_password())

    assert await start(browser) == await start(browser)


async def test_another_ticket_sees_another_secret_and_cannot_confirm_this_one(auth: Auth) -> None:
    person = await auth.with_password()
    first, second = await at_enrolment(auth, person), await at_enrolment(auth, person)

    seen_first = await start(first)
    seen_second = await start(second)

    assert seen_first != seen_second
    assert await confirm(first, seen_first) == (409, "enrolment_not_started")
    assert await confirm(second, seen_second) == (200, "")


async def test_only_the_first_of_two_first_accesses_wins(auth: Auth) -> None:
    person = await auth.with_password()
    loser = await at_enrolment(auth, person)
    winner = await at_enrolment(auth, person)
    assert await confirm(winner, await start(winner)) == (200, "")

    answer = await loser.post("/auth/second-factor/enrolment", json={})

    assert answer.json()["code"] == "already_enrolled"
    assert await auth.count(TotpFactor) == 1


@pytest.mark.parametrize(
    ("off", "status", "code"),
    [(-1, 200, ""), (1, 200, ""), (-2, 401, "clock_is_off"), (60, 401, "clock_is_off"), (-400, 401, "wrong_code")],
)
async def test_a_clock_that_is_off_is_named_while_enrolling(auth: Auth, off: int, status: int, code: str) -> None:
    browser = await at_enrolment(auth, await auth.with_password())
    seed = await start(browser)

    assert await confirm(browser, seed, off) == (status, code)


async def test_a_clock_that_is_off_is_not_named_at_sign_in(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browser = await auth.at_second_step(person)

    answer = await browser.post(
        "/auth/login/second-factor", json={"code": code_at(person.seed, step_of(utc_now()) + 60)}
    )

    assert answer.json()["code"] == "wrong_code"


async def test_the_confirming_code_is_used_up(auth: Auth) -> None:
    person = await auth.with_password()
    browser = await at_enrolment(auth, person)
    person.seed = await start(browser)
    code = code_at(person.seed, step_of(utc_now()))
    await browser.post("/auth/second-factor/enrolment/confirm", json={"code": code})

    replay = await (await auth.at_second_step(person)).post("/auth/login/second-factor", json={"code": code})

    assert replay.status_code == 401


async def test_codes_are_counted_while_enrolling_too(make_auth_with: object) -> None:
    auth: Auth = await make_auth_with(ticket_tries=50)  # type: ignore[operator]
    person = await auth.with_password()
    browser = await at_enrolment(auth, person)
    seed = await start(browser)

    wrong = [(await confirm(browser, seed, -5000))[0] for _ in range(6)]

    assert wrong == [401] * 5 + [429]


async def test_confirming_without_a_start_is_refused(auth: Auth) -> None:
    browser = await at_enrolment(auth, await auth.with_password())

    answer = await browser.post("/auth/second-factor/enrolment/confirm", json={"code": "123456"})

    assert (answer.status_code, answer.json()["code"]) == (409, "enrolment_not_started")


async def test_after_a_reset_the_password_alone_opens_nothing(auth: Auth) -> None:
    person = await auth.with_password()
    async with auth.database.transaction() as session:
        account = await session.get_one(Account, person.user_id)
        account.enrolment_needs_link = True
        link, token = fresh_link("second_factor", account, Lifetime(utc_now(), utc_now() + timedelta(hours=1)))
        session.add(link)
    browser = await at_enrolment(auth, person)

    without = await browser.post("/auth/second-factor/enrolment", json={})
    foreign = await browser.post("/auth/second-factor/enrolment", json={"token": new_token()})
    assert (without.status_code, without.json()["code"]) == (403, "enrolment_link_required")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "link_unknown")
    assert await confirm(browser, await start(browser, token=token)) == (200, "")

    async with auth.database.reading() as session:
        assert (await session.get_one(Link, link.id)).used_at is not None
        assert not (await session.get_one(Account, person.user_id)).enrolment_needs_link


async def test_a_link_that_ended_meanwhile_confirms_nothing(auth: Auth) -> None:
    person = await auth.with_password()
    async with auth.database.transaction() as session:
        account = await session.get_one(Account, person.user_id)
        account.enrolment_needs_link = True
        link, token = fresh_link("second_factor", account, Lifetime(utc_now(), utc_now() + timedelta(minutes=2)))
        session.add(link)
    browser = await at_enrolment(auth, person)
    seed = await start(browser, token=token)
    await auth.time_passes(timedelta(minutes=2))

    assert await confirm(browser, seed) == (410, "second_factor_link_expired")
    assert await auth.count(TotpFactor, TotpFactor.state == "active") == 0


async def test_a_new_app_in_a_running_session(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    elsewhere = await auth.at_second_step(person)
    await elsewhere.post("/auth/login/second-factor", json={"code": person.recovery_codes[0]})
    before, there = browser.cookies["session"], elsewhere.cookies["session"]

    seed = await start(browser)
    old_app = await auth.at_second_step(person)
    assert (
        await old_app.post("/auth/login/second-factor", json={"code": await auth.fresh_code(person)})
    ).status_code == 200
    assert await confirm(browser, seed) == (200, "")

    assert await auth.principal(session=before) is None
    assert await auth.principal(session=there) is None
    assert await auth.principal(session=browser.cookies["session"]) is not None
    old_code = await (await auth.at_second_step(person)).post(
        "/auth/login/second-factor", json={"code": await auth.fresh_code(person)}
    )
    assert old_code.status_code == 401
    assert len(await auth.events(SecondFactorEnrolled)) == 2
    assert {event.cause for event in await auth.events(SessionEnded)} >= {"ended", "replaced"}
    assert await auth.count(RecoveryCode) == 10


async def test_a_new_app_needs_a_fresh_code(auth: Auth) -> None:
    _, browser = await auth.enrolled()
    await auth.time_passes(timedelta(minutes=11))
    await auth.signed_in(browser)

    answer = await browser.post("/auth/second-factor/enrolment", json={})

    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")


async def test_tokens_are_kept_as_hashes(auth: Auth) -> None:
    person, secret = await auth.invited()

    assert await auth.count(Link, Link.token_hash == token_hash(secret), Link.user_id == person.user_id) == 1
    assert await auth.count(Link, Link.token_hash == secret) == 0
