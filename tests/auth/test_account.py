"""One's own password, address, recovery codes and app, from a session that has just given a code."""

from datetime import timedelta

import pytest
from httpx2 import AsyncClient

from chassis.db import utc_now
from events.auth import EmailConfirmed, PasswordSet, SessionEnded
from services.auth.models import Device, Link, RecoveryCode
from services.auth.totp import code_at, step_of
from tests.auth.conftest import PASSWORD, Auth, Person, a_user, secret_of, text_of

NEW = "Ganz-8-neue-Tasse"


async def change(browser: AsyncClient, current: str = PASSWORD, new: str = NEW) -> tuple[int, str]:
    answer = await browser.put("/auth/password", json={"current_password": current, "password": new})
    return answer.status_code, answer.json()["code"] if answer.content else ""


async def second_browser(auth: Auth, person: Person) -> AsyncClient:
    browser = await auth.at_second_step(person)
    answer = await browser.post("/auth/login/second-factor", json={"code": await auth.fresh_code(person)})
    assert answer.status_code == 200, answer.text
    return browser


async def test_a_new_password_ends_the_other_sessions_and_is_told_by_mail(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    other = await second_browser(auth, person)
    browser = await auth.signed_in(await second_browser(auth, person))

    assert await change(browser) == (204, "")

    assert await auth.principal(session=browser.cookies["session"]) is not None
    assert await auth.principal(session=other.cookies["session"]) is None
    assert [event.cause for event in await auth.events(PasswordSet)] == ["invitation", "change"]
    assert {event.cause for event in await auth.events(SessionEnded)} >= {"ended"}
    assert await auth.count(Device) == 1
    await auth.deliver()
    said = text_of(auth.mailbox.mails[-1])
    assert auth.mailbox.mails[-1]["Subject"] == "Ihr Passwort wurde geändert"
    assert person.email in said
    assert "Alle anderen Sitzungen sind beendet" in said
    old = await auth.client().post("/auth/login", json={"username": person.email, "password": PASSWORD})
    new = await auth.client().post("/auth/login", json={"username": person.email, "password": NEW})
    assert (old.status_code, new.status_code) == (401, 200)


@pytest.mark.parametrize(
    ("current", "new", "expected"),
    [
        ("Falsch-9-Tasse", NEW, (403, "wrong_password")),
        (PASSWORD, "kurz1!", (422, "password_refused")),
        (PASSWORD, "anna.beispiel@kunde.example1!", (422, "password_refused")),
    ],
)
async def test_what_is_not_right_changes_nothing(auth: Auth, current: str, new: str, expected: tuple[int, str]) -> None:
    person, browser = await auth.enrolled()

    assert await change(browser, current, new) == expected

    assert (
        await auth.client().post("/auth/login", json={"username": person.email, "password": PASSWORD})
    ).status_code == 200


async def test_guessing_the_present_password_is_throttled_and_keeps_nobody_from_signing_in(auth: Auth) -> None:
    person, browser = await auth.enrolled()

    codes = [(await change(browser, f"Falsch-{n}-Tasse"))[1] for n in range(11)]

    assert codes == ["wrong_password"] * 10 + ["too_many"]
    answer = await auth.client().post("/auth/login", json={"username": person.email, "password": PASSWORD})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/auth/password", {"current_password": PASSWORD, "password": NEW}),
        ("POST", "/auth/email", {"email": "neu@kunde.example"}),
        ("POST", "/auth/recovery-codes", {}),
        ("POST", "/auth/api-tokens", {"name": "x", "scopes": ["invoices:read"], "expires_at": "2030-01-01T00:00:00Z"}),
        ("POST", "/auth/second-factor/enrolment", {}),
    ],
)
async def test_ten_minutes_after_the_last_code_each_of_these_asks_for_another(
    auth: Auth, method: str, path: str, body: dict[str, object]
) -> None:
    _, browser = await auth.enrolled()
    await auth.time_passes(timedelta(minutes=10, seconds=1))
    await auth.signed_in(browser)

    answer = await browser.request(method, path, json=body)

    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")


async def test_a_new_address_counts_once_it_is_confirmed_and_the_old_one_is_told(auth: Auth) -> None:
    person, browser = await auth.enrolled()

    asked = await browser.post("/auth/email", json={"email": "Anna.Neu@Kunde.example"})
    await auth.deliver()

    assert asked.status_code == 202
    mail = auth.mailbox.mails[-1]
    assert mail["To"] == "anna.neu@kunde.example"
    assert "/email-change#" in text_of(mail)
    confirmed = await auth.client().post("/auth/email/confirm", json={"token": secret_of(mail)})
    assert confirmed.status_code == 204
    (event,) = await auth.events(EmailConfirmed)
    assert (event.user_id, event.email) == (person.user_id, "anna.neu@kunde.example")
    await auth.deliver()
    told = auth.mailbox.mails[-1]
    assert (told["To"], told["Subject"]) == (person.email, "Ihr Benutzername wurde geändert")
    assert "anna.neu@kunde.example" in text_of(told)
    again = await auth.client().post("/auth/email/confirm", json={"token": secret_of(mail)})
    assert (again.status_code, again.json()["code"]) == (410, "email_link_expired")

    await auth.handle(a_user(person, version=2, email=event.email))
    for name, status in ((person.email, 401), ("anna.neu@kunde.example", 200)):
        answer = await auth.client().post("/auth/login", json={"username": name, "password": PASSWORD})
        assert answer.status_code == status
    assert await auth.principal(session=browser.cookies["session"]) is not None


async def test_an_address_that_somebody_has_looks_like_any_other(auth: Auth) -> None:
    await auth.person(email_address="berta@kunde.example")
    _, browser = await auth.enrolled()
    await auth.deliver()
    before = len(auth.mailbox.mails)

    taken = await browser.post("/auth/email", json={"email": "berta@kunde.example"})
    own = await browser.post("/auth/email", json={"email": "anna.beispiel@kunde.example"})
    free = await browser.post("/auth/email", json={"email": "niemand@kunde.example"})
    await auth.deliver()

    assert (taken.status_code, taken.content) == (own.status_code, own.content) == (free.status_code, free.content)
    assert [mail["To"] for mail in auth.mailbox.mails[before:]] == ["niemand@kunde.example"]


async def test_an_address_taken_meanwhile_is_refused_and_the_link_is_not_used_up(auth: Auth) -> None:
    _, browser = await auth.enrolled()
    await browser.post("/auth/email", json={"email": "beide@kunde.example"})
    await auth.deliver()
    secret = secret_of(auth.mailbox.mails[-1])
    await auth.person(email_address="beide@kunde.example")

    answer = await auth.client().post("/auth/email/confirm", json={"token": secret})

    assert (answer.status_code, answer.json()["code"]) == (409, "address_taken")
    assert await auth.events(EmailConfirmed) == []


async def test_one_second_after_its_end_the_link_to_a_new_address_is_over(auth: Auth) -> None:
    _, browser = await auth.enrolled()
    await browser.post("/auth/email", json={"email": "neu@kunde.example"})
    await auth.deliver()
    secret = secret_of(auth.mailbox.mails[-1])
    await auth.time_passes(auth.settings.email_link_lifetime + timedelta(seconds=1))

    answer = await auth.client().post("/auth/email/confirm", json={"token": secret})

    assert (answer.status_code, answer.json()["code"]) == (410, "email_link_expired")


async def test_a_second_request_kills_the_first_link(auth: Auth) -> None:
    _, browser = await auth.enrolled()
    await browser.post("/auth/email", json={"email": "eins@kunde.example"})
    await auth.deliver()
    first = secret_of(auth.mailbox.mails[-1])
    await browser.post("/auth/email", json={"email": "zwei@kunde.example"})
    await auth.deliver()

    answer = await auth.client().post("/auth/email/confirm", json={"token": first})

    assert answer.status_code == 410
    assert await auth.count(Link, Link.kind == "email_change", Link.killed_at.is_(None)) == 1


@pytest.mark.parametrize(
    "email", ["", "keine", "a@b", "zwei@at@kunde.example", "a b@kunde.example", f"{'x' * 65}@kunde.example"]
)
async def test_what_is_no_address_is_said_so(auth: Auth, email: str) -> None:
    _, browser = await auth.enrolled()

    answer = await browser.post("/auth/email", json={"email": email})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/email")


async def test_new_recovery_codes_replace_the_old_ones(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    old = person.recovery_codes[0]

    answer = await browser.post("/auth/recovery-codes", json={})

    assert answer.headers["Cache-Control"] == "no-store"
    fresh = answer.json()["recovery_codes"]
    assert len(set(fresh)) == 10
    assert not set(fresh) & set(person.recovery_codes)
    assert await auth.count(RecoveryCode) == 10
    for code, status in ((old, 401), (fresh[0], 200)):
        other = await auth.at_second_step(person)
        assert (await other.post("/auth/login/second-factor", json={"code": code})).status_code == status
    await auth.deliver()
    subjects = [mail["Subject"] for mail in auth.mailbox.mails]
    assert "Ihre Wiederherstellungscodes wurden erneuert" in subjects
    used = next(mail for mail in auth.mailbox.mails if mail["Subject"] == "Anmeldung mit einem Wiederherstellungscode")
    assert "Noch gültig: 9." in text_of(used)


async def test_the_old_app_works_until_the_new_one_is_confirmed(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    other = await second_browser(auth, person)
    seed = (await browser.post("/auth/second-factor/enrolment", json={})).json()["secret"]
    assert seed != person.seed

    still = await auth.at_second_step(person)
    assert (
        await still.post("/auth/login/second-factor", json={"code": await auth.fresh_code(person)})
    ).status_code == 200
    await auth.signed_in(browser)
    confirmed = await browser.post(
        "/auth/second-factor/enrolment/confirm", json={"code": code_at(seed, step_of(utc_now()))}
    )

    assert confirmed.status_code == 200, confirmed.text
    assert await auth.principal(session=browser.cookies["session"]) is not None
    assert await auth.principal(session=other.cookies["session"]) is None
    late = await auth.at_second_step(person)
    assert (
        await late.post("/auth/login/second-factor", json={"code": await auth.fresh_code(person)})
    ).status_code == 401
    await auth.deliver()
    assert "Ihre Authenticator-App wurde gewechselt" in [mail["Subject"] for mail in auth.mailbox.mails]


async def test_a_new_device_is_told_by_mail_the_first_one_and_known_ones_are_not(auth: Auth) -> None:
    person, browser = await auth.enrolled(language="en")
    await auth.handle(a_user(person, version=2, language="en"))
    await auth.deliver()
    before = len(auth.mailbox.mails)

    await second_browser(auth, person)
    await browser.post("/auth/login", json={"username": person.email, "password": PASSWORD})
    await browser.post("/auth/login/second-factor", json={"code": await auth.fresh_code(person)})
    await auth.deliver()

    (mail,) = auth.mailbox.mails[before:]
    assert mail["Subject"] == "Sign-in on a new device"
    assert "Testbrowser 1.0" in text_of(mail)
    assert "192.0.2.7" in text_of(mail)
