"""Somebody's app is taken away on request: everything ends, and only password and mailed link open the enrolment."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from chassis.db import utc_now
from events.auth import SecondFactorReset
from events.users import SecondFactorResetRequested
from services.auth.models import Device, RecoveryCode, TotpFactor
from services.auth.totp import code_at, step_of
from tests.auth.conftest import PASSWORD, Auth, Person, a_user, secret_of, text_of


def a_request(person: Person, **changes: Any) -> SecondFactorResetRequested:
    return SecondFactorResetRequested(
        **{
            "user_id": person.user_id,
            "customer_id": person.customer_id,
            "reason": "Telefon verloren",
            "requested_by": "Petra Wellmann",
            "actor_id": uuid4(),
            "by_operator": False,
            "occurred_at": utc_now(),
            **changes,
        }
    )


async def reset(auth: Auth, person: Person) -> str:
    await auth.handle(a_request(person))
    await auth.deliver()
    return secret_of(auth.mailbox.mails[-1])


async def test_everything_that_lets_the_person_in_ends_and_the_link_comes_by_mail(auth: Auth) -> None:
    person, browser = await auth.enrolled()

    await reset(auth, person)

    assert await auth.principal(session=browser.cookies["session"]) is None
    assert [await auth.count(table) for table in (TotpFactor, RecoveryCode, Device)] == [0, 0, 0]
    assert [event.cause for event in await auth.events(SecondFactorReset)] == ["reset"]
    mail = auth.mailbox.mails[-1]
    assert (mail["To"], mail["Subject"]) == (person.email, "Ihre neue Authenticator-App")
    for words in ("Petra Wellmann", "Telefon verloren", "/second-factor#", "Alle Sitzungen sind beendet"):
        assert words in text_of(mail)


async def test_the_password_alone_does_not_open_the_enrolment(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    await reset(auth, person)
    browser = auth.client()
    assert await auth.log_in(browser, person) == "enrol_second_factor"

    answer = await browser.post("/auth/second-factor/enrolment", json={})

    assert (answer.status_code, answer.json()["code"]) == (403, "enrolment_link_required")


async def test_password_and_link_do_once(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    secret = await reset(auth, person)
    browser = auth.client()
    await auth.log_in(browser, person)

    seed = (await browser.post("/auth/second-factor/enrolment", json={"token": secret})).json()["secret"]
    code = code_at(seed, step_of(utc_now()))
    confirmed = await browser.post("/auth/second-factor/enrolment/confirm", json={"code": code})

    assert (confirmed.status_code, len(confirmed.json()["recovery_codes"])) == (200, 10)
    assert await auth.principal(session=browser.cookies["session"]) is not None
    old = await auth.at_second_step(person)
    refused = await old.post("/auth/login/second-factor", json={"code": await auth.fresh_code(person)})
    assert refused.status_code == 401


@pytest.mark.parametrize(
    ("whose", "after", "expected"),
    [
        ("own", timedelta(days=1, seconds=1), (410, "second_factor_link_expired")),
        ("somebody else's", timedelta(0), (404, "link_unknown")),
    ],
)
async def test_no_other_link_does(auth: Auth, whose: str, after: timedelta, expected: tuple[int, str]) -> None:
    person, _ = await auth.enrolled()
    other, _ = await auth.enrolled(email_address="berta@kunde.example")
    secrets = {"somebody else's": await reset(auth, other), "own": await reset(auth, person)}
    await auth.time_passes(after)
    browser = auth.client()
    await auth.log_in(browser, person)

    answer = await browser.post("/auth/second-factor/enrolment", json={"token": secrets[whose]})

    assert (answer.status_code, answer.json()["code"]) == expected


async def test_a_second_reset_kills_the_first_link(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    first = await reset(auth, person)
    second = await reset(auth, person)
    browser = auth.client()
    await auth.log_in(browser, person)

    codes = [
        (await browser.post("/auth/second-factor/enrolment", json={"token": token})).status_code
        for token in (first, second)
    ]

    assert codes == [410, 200]


async def test_a_locked_app_is_freed_by_the_reset(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    for _ in range(2):
        browser = await auth.at_second_step(person)
        for _ in range(5):
            await browser.post("/auth/login/second-factor", json={"code": "000000"})
        await auth.time_passes(timedelta(hours=1))
    secret = await reset(auth, person)
    browser = auth.client()
    await auth.log_in(browser, person)

    seed = (await browser.post("/auth/second-factor/enrolment", json={"token": secret})).json()["secret"]
    confirmed = await browser.post(
        "/auth/second-factor/enrolment/confirm", json={"code": code_at(seed, step_of(utc_now()))}
    )

    assert confirmed.status_code == 200, confirmed.text


async def test_who_is_deactivated_gets_no_link(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    await auth.handle(a_user(person, version=2, active=False))
    await auth.deliver()
    before = len(auth.mailbox.mails)

    await auth.handle(a_request(person))
    await auth.deliver()

    assert len(auth.mailbox.mails) == before


async def test_an_account_that_is_not_known_yet_is_waited_for(auth: Auth) -> None:
    with pytest.raises(LookupError):
        await auth.handle(a_request(Person(uuid4(), uuid4(), uuid4(), "niemand@kunde.example")))


async def test_a_reset_by_password_link_keeps_the_enrolment_closed(auth: Auth) -> None:
    """The mail of a forgotten password is no way around the link of the reset."""
    person, _ = await auth.enrolled()
    await reset(auth, person)
    await auth.client().post("/auth/password-reset", json={"username": person.email})
    await auth.deliver()
    forgotten = secret_of(auth.mailbox.mails[-1])
    done = await auth.client().post("/auth/password-reset/complete", json={"token": forgotten, "password": PASSWORD})
    assert done.status_code == 204
    browser = auth.client()
    await auth.log_in(browser, person)

    answer = await browser.post("/auth/second-factor/enrolment", json={"token": forgotten})

    assert (answer.status_code, answer.json()["code"]) == (404, "link_unknown")
