"""The second step: half a session opens nothing, codes work once, ten failures lock, a recovery code unlocks."""

from datetime import timedelta

import pytest
from httpx2 import AsyncClient, Response

from chassis.db import utc_now
from events.auth import AuthAuditRecorded, LoginFailed, LoginLocked, LoginSucceeded, SecondFactorReset
from services.auth.models import RecoveryCode, TotpFactor, UserSession
from services.auth.storage.second_factor import accept
from services.auth.totp import code_at, step_of
from tests.auth.conftest import Auth, a_user, text_of


async def prove(browser: AsyncClient, code: str) -> Response:
    return await browser.post("/auth/login/second-factor", json={"code": code})


async def wrong_tries(auth: Auth, person: object, how_many: int) -> list[int]:
    """Wrong codes, with time enough between them that no throttle answers."""
    answers = []
    for _ in range(how_many):
        await auth.time_passes(timedelta(minutes=6))
        browser = await auth.at_second_step(person)  # type: ignore[arg-type]
        answers.append((await prove(browser, "000000")).status_code)
    return answers


async def test_a_code_completes_the_sign_in(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browser = await auth.at_second_step(person)

    answer = await prove(browser, await auth.fresh_code(person))

    assert answer.status_code == 200
    assert answer.json()["user"]["username"] == person.email
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ticket" not in browser.cookies
    principal = await auth.principal(session=browser.cookies["session"])
    assert principal is not None
    assert principal["amr"] == ["pwd", "otp"]
    last = (await auth.events(LoginSucceeded))[-1]
    assert (last.factor, last.address, last.device) == ("totp", "192.0.2.7", "Testbrowser 1.0")
    assert str(last.session_id) == principal["session_id"]


async def test_half_a_session_opens_nothing_but_the_next_step(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browser = await auth.at_second_step(person)
    ticket = browser.cookies["ticket"]

    principal = await auth.principal(ticket=ticket)
    assert principal is not None
    assert (principal["kind"], principal["amr"], principal["session_id"]) == ("ticket", ["pwd"], None)
    assert await auth.principal(session=ticket) is None
    assert await auth.principal(api_token=ticket) is None
    half = auth.half(principal)
    for method, path, body in (
        ("GET", "/auth/session", None),
        ("DELETE", "/auth/session", None),
        ("POST", "/auth/session/customer", {"customer_id": str(person.customer_id)}),
        ("POST", "/auth/step-up", {"code": "123456"}),
    ):
        answer = await half.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_required"), path


async def test_the_password_alone_does_not_open_the_enrolment_of_who_has_an_app(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browser = await auth.at_second_step(person)

    start = await browser.post("/auth/second-factor/enrolment", json={})
    confirm = await browser.post("/auth/second-factor/enrolment/confirm", json={"code": "123456"})

    assert (start.status_code, start.json()["code"]) == (409, "already_enrolled")
    assert (confirm.status_code, confirm.json()["code"]) == (409, "already_enrolled")


async def test_without_a_ticket_there_is_no_second_step(auth: Auth) -> None:
    none = await prove(auth.client(), "123456")
    made_up = auth.client()
    made_up.cookies.set("ticket", "x" * 43)

    assert (none.status_code, none.json()["code"]) == (401, "not_signed_in")
    assert (await prove(made_up, "123456")).json()["code"] == "sign_in_expired"


async def test_a_code_is_not_taken_twice(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    code = await auth.fresh_code(person)
    first, second = await auth.at_second_step(person), await auth.at_second_step(person)

    assert (await prove(first, code)).status_code == 200
    replay = await prove(second, code)

    assert (replay.status_code, replay.json()["code"]) == (401, "wrong_code")


async def test_an_older_code_is_not_taken_after_a_newer_one(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    await auth.time_passes(timedelta(minutes=3))
    step = step_of(utc_now())
    browser = await auth.at_second_step(person)
    assert (await prove(browser, code_at(person.seed, step + 1))).status_code == 200

    for older in (step, step - 1):
        answer = await prove(await auth.at_second_step(person), code_at(person.seed, older))
        assert answer.status_code == 401


async def test_a_ticket_makes_one_session(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browser = await auth.at_second_step(person)
    ticket = browser.cookies["ticket"]
    assert (await prove(browser, await auth.fresh_code(person))).status_code == 200

    again = auth.client()
    again.cookies.set("ticket", ticket)
    answer = await prove(again, await auth.fresh_code(person))

    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_expired")
    assert await auth.principal(ticket=ticket) is None


async def test_a_ticket_is_over_after_five_minutes(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browser = await auth.at_second_step(person)
    await auth.time_passes(timedelta(minutes=5))

    answer = await prove(browser, await auth.fresh_code(person))

    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_expired")


async def test_a_ticket_has_five_tries(make_auth_with: object) -> None:
    auth = await make_auth_with(second_factor_tries_per_5_minutes=50)  # type: ignore[operator]
    person, _ = await auth.enrolled()
    browser = await auth.at_second_step(person)

    wrong = [(await prove(browser, "000000")).json()["code"] for _ in range(5)]
    right = await prove(browser, await auth.fresh_code(person))

    assert wrong == ["wrong_code"] * 5
    assert right.json()["code"] == "sign_in_expired"


async def test_codes_are_counted_over_all_tickets(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browsers = [await auth.at_second_step(person) for _ in range(6)]

    answers = [await prove(browser, "000000") for browser in browsers]
    right = await prove(await auth.at_second_step(person), code_at(person.seed, step_of(utc_now()) + 1))

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert right.status_code == 429
    assert int(right.headers["Retry-After"]) > 0


async def test_ten_failures_in_a_row_lock_the_app_and_the_person_gets_a_mail(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    mails = len(auth.mailbox.mails)

    assert await wrong_tries(auth, person, 10) == [401] * 10
    await auth.deliver()

    mail = auth.mailbox.mails[mails]
    assert mail["To"] == person.email
    assert mail["Subject"] == "Ihre Authenticator-App ist gesperrt"
    assert "192.0.2.7" in text_of(mail)
    assert [(event.step, event.user_id) for event in await auth.events(LoginLocked)] == [
        ("second_factor", person.user_id)
    ]
    assert [event.cause for event in await auth.events(SecondFactorReset)] == ["locked"]
    assert len(await auth.events(LoginFailed)) == 10
    assert [line.what for line in await auth.events(AuthAuditRecorded)][-1] == "second_factor_locked"


async def test_a_locked_app_opens_nothing_until_a_recovery_code_unlocks_it(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    await wrong_tries(auth, person, 10)
    await auth.time_passes(timedelta(days=1))

    locked = await prove(await auth.at_second_step(person), await auth.fresh_code(person))
    recovered = await prove(await auth.at_second_step(person), person.recovery_codes[0])
    after = await prove(await auth.at_second_step(person), await auth.fresh_code(person))

    assert (locked.status_code, locked.json()["code"]) == (403, "second_factor_locked")
    assert recovered.status_code == 200
    assert after.status_code == 200


async def test_a_code_that_was_on_its_way_when_the_app_was_locked_is_refused(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    code = await auth.fresh_code(person)
    async with auth.database.transaction() as session:
        (await session.get_one(TotpFactor, (person.user_id, "active"))).locked_at = utc_now()

    async with auth.database.transaction() as session:
        assert await accept(session, auth.app.state.box, person.user_id, code, utc_now()) is None


async def test_a_success_begins_the_row_anew(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    await wrong_tries(auth, person, 9)
    await auth.time_passes(timedelta(minutes=6))
    assert (await prove(await auth.at_second_step(person), await auth.fresh_code(person))).status_code == 200

    await wrong_tries(auth, person, 9)

    assert await auth.events(SecondFactorReset) == []


@pytest.mark.parametrize("spelling", [str, str.lower, lambda code: code.replace("-", " "), lambda code: f" {code} "])
async def test_a_recovery_code_gets_in_once_however_it_is_typed(auth: Auth, spelling: object) -> None:
    person, _ = await auth.enrolled()
    code = spelling(person.recovery_codes[3])  # type: ignore[operator]

    first = await prove(await auth.at_second_step(person), code)
    second = await prove(await auth.at_second_step(person), code)

    assert first.status_code == 200
    assert (second.status_code, second.json()["code"]) == (401, "wrong_code")
    assert (await auth.events(LoginSucceeded))[-1].factor == "recovery_code"
    assert await auth.count(RecoveryCode, RecoveryCode.used_at.is_(None)) == 9


async def test_a_recovery_code_is_good_for_its_owner_only(auth: Auth) -> None:
    anna, _ = await auth.enrolled()
    bernd, _ = await auth.enrolled(email_address="bernd@kunde.example", email="bernd@kunde.example")

    answer = await prove(await auth.at_second_step(bernd), anna.recovery_codes[0])

    assert answer.status_code == 401


async def test_who_is_deactivated_between_the_steps_does_not_get_in(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browser = await auth.at_second_step(person)
    code = await auth.fresh_code(person)
    await auth.handle(a_user(person, version=2, active=False))

    answer = await prove(browser, code)

    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_expired")
    assert await auth.count(UserSession, UserSession.ended_at.is_(None)) == 0


async def test_the_seed_is_stored_encrypted_and_bound_to_its_owner(auth: Auth) -> None:
    anna, _ = await auth.enrolled()
    bernd, _ = await auth.enrolled(email_address="bernd@kunde.example", email="bernd@kunde.example")
    async with auth.database.transaction() as session:
        of_anna = await session.get_one(TotpFactor, (anna.user_id, "active"))
        of_bernd = await session.get_one(TotpFactor, (bernd.user_id, "active"))
        assert anna.seed.encode() not in of_anna.seed
        of_bernd.seed = of_anna.seed

    answer = await prove(await auth.at_second_step(bernd), await auth.fresh_code(anna))

    assert answer.status_code == 500
