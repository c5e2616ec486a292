"""The way back: the same answer for all, one link, sessions end, the second factor stays."""

from datetime import timedelta

import pytest

from events.auth import AuthAuditRecorded, PasswordSet, SessionEnded
from services.auth.models import Device, MailRow, TotpFactor
from tests.auth.conftest import PASSWORD, Auth, a_user, secret_of, text_of

NEW = "Ganz-8-neue-Tasse"


async def ask(auth: Auth, username: str) -> int:
    answer = await auth.client().post("/auth/password-reset", json={"username": username})
    assert answer.text in ("", "null")
    return answer.status_code


async def reset_secret(auth: Auth, username: str) -> str:
    await auth.deliver()
    before = len(auth.mailbox.mails)
    assert await ask(auth, username) == 202
    await auth.deliver()
    assert len(auth.mailbox.mails) == before + 1
    return secret_of(auth.mailbox.mails[-1])


async def complete(auth: Auth, secret: str, password: str = NEW) -> tuple[int, str]:
    answer = await auth.client().post("/auth/password-reset/complete", json={"token": secret, "password": password})
    return answer.status_code, answer.json()["code"] if answer.content else ""


async def test_a_reset_ends_all_sessions_and_keeps_the_second_factor(auth: Auth) -> None:
    person, browser = await auth.enrolled()
    half = await auth.at_second_step(person)
    secret = await reset_secret(auth, person.email)

    assert await complete(auth, secret) == (204, "")

    assert await auth.principal(session=browser.cookies["session"]) is None
    assert await auth.principal(ticket=half.cookies["ticket"]) is None
    assert [(event.cause, event.session_id) for event in await auth.events(SessionEnded)] == [("reset", None)]
    assert [event.cause for event in await auth.events(PasswordSet)] == ["invitation", "reset"]
    assert await auth.count(TotpFactor, TotpFactor.state == "active") == 1
    assert await auth.count(Device) == 0
    old = await auth.client().post("/auth/login", json={"username": person.email, "password": PASSWORD})
    new = await auth.client().post("/auth/login", json={"username": person.email, "password": NEW})
    assert old.status_code == 401
    assert new.json() == {"next": "second_factor"}


async def test_the_answer_is_the_same_for_every_name(auth: Auth) -> None:
    known = await auth.with_password()
    invited = await auth.person("eingeladen@kunde.example")
    gone = await auth.with_password(email_address="weg@kunde.example", email="weg@kunde.example")
    await auth.handle(a_user(gone, version=2, active=False))
    before = len(auth.mailbox.mails)

    codes = [
        await ask(auth, name) for name in (known.email, "niemand@kunde.example", invited.email, gone.email, "kein Name")
    ]
    assert await auth.count(MailRow, MailRow.kind == "reset_request") == 5
    await auth.deliver()

    assert codes == [202] * 5
    assert [mail["To"] for mail in auth.mailbox.mails[before:]] == [known.email]
    assert await auth.count(MailRow, MailRow.recipient == "niemand@kunde.example") == 0


async def test_the_mail_is_in_the_persons_language_and_says_what_happens(auth: Auth) -> None:
    person = await auth.with_password(language="en")
    await reset_secret(auth, person.email)

    text = text_of(auth.mailbox.mails[-1])

    assert auth.mailbox.mails[-1]["Subject"] == "New password for Nordwelle Kundenportal"
    for part in (person.email, "http://localhost:8080/password-reset#", "Petra Wellmann", "works once"):
        assert part in text


async def test_looking_burns_nothing(auth: Auth) -> None:
    person = await auth.with_password()
    secret = await reset_secret(auth, person.email)

    for _ in range(2):
        answer = await auth.client().post("/auth/password-reset/check", json={"token": secret})
        assert answer.json()["username"] == person.email
    assert await complete(auth, secret) == (204, "")


async def test_a_link_works_once(auth: Auth) -> None:
    person = await auth.with_password()
    secret = await reset_secret(auth, person.email)
    await complete(auth, secret)

    assert await complete(auth, secret, "Noch-9-andere-Tasse") == (410, "reset_link_expired")


async def test_a_link_is_over_after_thirty_minutes(auth: Auth) -> None:
    person = await auth.with_password()
    secret = await reset_secret(auth, person.email)
    await auth.time_passes(timedelta(minutes=30))

    assert await complete(auth, secret) == (410, "reset_link_expired")
    check = await auth.client().post("/auth/password-reset/check", json={"token": secret})
    assert (check.status_code, check.json()["code"]) == (410, "reset_link_expired")


async def test_a_newer_request_kills_the_older_link(auth: Auth) -> None:
    person = await auth.with_password()
    first = await reset_secret(auth, person.email)
    second = await reset_secret(auth, person.email)

    assert await complete(auth, first) == (410, "reset_link_expired")
    assert await complete(auth, second) == (204, "")


async def test_an_unknown_link_is_not_found(auth: Auth) -> None:
    assert await complete(auth, "x" * 43) == (404, "link_unknown")


async def test_a_weak_password_is_refused_and_burns_nothing(auth: Auth) -> None:
    person = await auth.with_password()
    secret = await reset_secret(auth, person.email)

    assert await complete(auth, secret, "Passwort1!") == (422, "password_refused")
    assert await complete(auth, secret) == (204, "")


@pytest.mark.parametrize(("same_name", "most"), [(True, 3), (False, 0)])
async def test_asking_fills_nobodys_mailbox(auth: Auth, same_name: bool, most: int) -> None:
    person = await auth.with_password()
    before = len(auth.mailbox.mails)

    for n in range(6):
        assert await ask(auth, person.email if same_name else f"name{n}@kunde.example") == 202
        await auth.deliver()

    assert len(auth.mailbox.mails) == before + most


async def test_the_request_is_in_the_audit_log_with_its_address(auth: Auth) -> None:
    person = await auth.with_password()
    await reset_secret(auth, person.email)

    line = (await auth.events(AuthAuditRecorded))[-1]

    assert (line.what, line.actor_id, line.address, line.request_id) == (
        "password_reset_requested",
        person.user_id,
        "192.0.2.7",
        "rid-1",
    )


async def test_the_code_used_before_the_reset_is_still_used_after_it(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browser = await auth.at_second_step(person)
    code = await auth.fresh_code(person)
    await browser.post("/auth/login/second-factor", json={"code": code})
    await complete(auth, await reset_secret(auth, person.email))
    again = auth.client()
    await again.post("/auth/login", json={"username": person.email, "password": NEW})

    answer = await again.post("/auth/login/second-factor", json={"code": code})

    assert answer.status_code == 401
