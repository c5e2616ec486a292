"""From the invitation to being in, through HTTP and a real mail server, on both databases."""

from chassis.db import utc_now
from events.auth import (
    AuthAuditRecorded,
    InvitationOpened,
    InvitationSent,
    LoginSucceeded,
    PasswordSet,
    SecondFactorEnrolled,
)
from services.auth.totp import code_at, step_of
from tests.auth.conftest import PASSWORD, Auth, an_invitation, secret_of


async def test_the_whole_first_access(auth: Auth) -> None:
    person = await auth.person()
    await auth.handle(an_invitation(person))
    await auth.deliver()
    secret = secret_of(auth.mailbox.mails[-1])
    browser = auth.client()

    check = await browser.post("/auth/invitations/check", json={"token": secret})
    assert check.json()["username"] == person.email
    accepted = await browser.post("/auth/invitations/accept", json={"token": secret, "password": PASSWORD})
    assert accepted.status_code == 204
    login = await browser.post("/auth/login", json={"username": person.email.upper(), "password": PASSWORD})
    assert login.json() == {"next": "enrol_second_factor"}
    assert set(browser.cookies) == {"ticket"}
    start = (await browser.post("/auth/second-factor/enrolment", json={})).json()
    assert start["issuer"] == "Nordwelle Kundenportal"
    assert start["account"] == person.email
    assert start["qr_svg"].startswith("<svg")
    code = code_at(start["secret"], step_of(utc_now()))
    confirmed = await browser.post("/auth/second-factor/enrolment/confirm", json={"code": code})
    assert len(set(confirmed.json()["recovery_codes"])) == 10
    assert set(browser.cookies) == {"session", "device"}
    session = (await (await auth.signed_in(browser)).get("/auth/session")).json()

    assert session["user"]["username"] == person.email
    assert session["customer"] == {"id": str(person.customer_id), "number": "KD-10042", "name": "Beispiel AG"}
    assert session["role"] == "admin"
    assert session["modules"] == ["invoices"]
    assert [place["customer"]["number"] for place in session["memberships"]] == ["KD-10042"]
    for kind in (InvitationSent, InvitationOpened, PasswordSet, SecondFactorEnrolled, LoginSucceeded):
        told = await auth.events(kind)
        assert [event.user_id for event in told] == [person.user_id], kind
    whats = [event.what for event in await auth.events(AuthAuditRecorded)]
    assert whats == ["invitation_accepted", "second_factor_enrolled", "login"]
