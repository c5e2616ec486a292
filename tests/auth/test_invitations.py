"""The link of the welcome mail: looked at, used once, ended by time and by newer ones, renewed."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from httpx2 import Response

from events.auth import InvitationFailed, InvitationOpened, InvitationSent, PasswordSet
from services.auth.models import Account, Link
from tests.auth.conftest import (
    PASSWORD,
    STRANGER,
    Auth,
    a_customer,
    a_membership,
    a_user,
    an_invitation,
    secret_of,
    text_of,
)


async def post(auth: Auth, what: str, token: str, **more: str) -> Response:
    return await auth.client().post(f"/auth/invitations/{what}", json={"token": token, **more})


async def test_looking_burns_nothing_and_is_told_once(auth: Auth) -> None:
    person, secret = await auth.invited()

    for _ in range(3):
        answer = await post(auth, "check", secret)
        assert answer.status_code == 200
        assert set(answer.json()) == {"username", "expires_at"}

    assert [event.membership_id for event in await auth.events(InvitationOpened)] == [person.membership_id]
    assert (await post(auth, "accept", secret, password=PASSWORD)).status_code == 204


async def test_a_used_link_says_so(auth: Auth) -> None:
    person, secret = await auth.invited()
    await post(auth, "accept", secret, password=PASSWORD)

    for answer in (
        await post(auth, "check", secret),
        await post(auth, "accept", secret, password="Andere-8-Tasse"),
        await post(auth, "renew", secret),
    ):
        assert (answer.status_code, answer.json()["code"]) == (410, "invitation_used")
    told = await auth.events(PasswordSet)
    assert [(event.membership_id, event.cause) for event in told] == [(person.membership_id, "invitation")]


@pytest.mark.parametrize("what", ["check", "accept"])
async def test_an_expired_link_is_gone(auth: Auth, what: str) -> None:
    person, secret = await auth.invited()
    more = {"password": PASSWORD} if what == "accept" else {}
    await auth.time_passes(timedelta(days=7))

    answer = await post(auth, what, secret, **more)

    assert (answer.status_code, answer.json()["code"]) == (410, "invitation_expired")
    async with auth.database.reading() as session:
        assert (await session.get_one(Account, person.user_id)).password_hash is None


@pytest.mark.parametrize("what", ["check", "accept", "renew"])
async def test_an_unknown_link_is_not_found(auth: Auth, what: str) -> None:
    more = {"password": PASSWORD} if what == "accept" else {}

    answer = await post(auth, what, "x" * 43, **more)

    assert (answer.status_code, answer.json()["code"]) == (404, "link_unknown")


async def test_a_reset_link_is_no_invitation(auth: Auth) -> None:
    person = await auth.with_password()
    await auth.client().post("/auth/password-reset", json={"username": person.email})
    await auth.deliver()
    secret = secret_of(auth.mailbox.mails[-1])

    answer = await post(auth, "accept", secret, password=PASSWORD)

    assert answer.status_code == 404


async def test_a_refused_password_burns_nothing_and_names_the_rules(auth: Auth) -> None:
    _, secret = await auth.invited()

    answer = await post(auth, "accept", secret, password="anna.beispiel")

    assert (answer.status_code, answer.json()["code"]) == (422, "password_refused")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/password"] * 2
    assert (await post(auth, "accept", secret, password=PASSWORD)).status_code == 204


async def test_inviting_again_kills_the_older_link(auth: Auth) -> None:
    person, first = await auth.invited()
    await auth.handle(an_invitation(person))
    assert (await post(auth, "check", first)).json()["code"] == "invitation_expired"
    await auth.deliver()
    second = secret_of(auth.mailbox.mails[-1])

    assert second != first
    assert (await post(auth, "accept", first, password=PASSWORD)).status_code == 410
    assert (await post(auth, "accept", second, password=PASSWORD)).status_code == 204
    assert len(await auth.events(InvitationSent)) == 2


async def test_an_expired_link_can_be_renewed_by_its_holder(auth: Auth) -> None:
    person, old = await auth.invited()
    await auth.time_passes(timedelta(days=8))

    answer = await post(auth, "renew", old)
    await auth.deliver()

    mail = auth.mailbox.mails[-1]
    assert answer.status_code == 202
    assert mail["To"] == person.email
    assert "Petra Wellmann" in text_of(mail)
    assert (await post(auth, "accept", secret_of(mail), password=PASSWORD)).status_code == 204


async def test_a_link_that_still_works_is_not_renewed(auth: Auth) -> None:
    _, secret = await auth.invited()
    before = len(auth.mailbox.mails)

    answer = await post(auth, "renew", secret)
    await auth.deliver()

    assert answer.status_code == 202
    assert len(auth.mailbox.mails) == before
    assert (await post(auth, "check", secret)).status_code == 200


async def test_renewing_fills_nobodys_mailbox(auth: Auth) -> None:
    _, secret = await auth.invited()
    await auth.time_passes(timedelta(days=8))
    before = len(auth.mailbox.mails)

    for _ in range(6):
        assert (await post(auth, "renew", secret)).status_code == 202
        await auth.deliver()

    assert len(auth.mailbox.mails) == before + 3


async def test_who_has_a_password_already_gets_no_link(auth: Auth) -> None:
    person = await auth.with_password()
    second = replace(person, membership_id=uuid4(), customer_id=uuid4())
    await auth.handle(a_customer(second, number="KD-10099", name="Zweite GmbH"))
    await auth.handle(a_membership(second))
    links = await auth.count(Link)

    await auth.handle(an_invitation(second, customer_name="Zweite GmbH"))
    await auth.deliver()

    mail = auth.mailbox.mails[-1]
    assert mail["Subject"] == "Weiterer Zugang im Nordwelle Kundenportal"
    assert "Zweite GmbH" in text_of(mail)
    assert "#" not in text_of(mail)
    assert await auth.count(Link) == links
    assert (await auth.events(InvitationSent))[-1].membership_id == second.membership_id


async def test_another_address_ends_the_link_in_the_old_mailbox(auth: Auth) -> None:
    person, secret = await auth.invited()

    await auth.handle(a_user(person, version=2, email="anna.neu@kunde.example"))

    assert (await post(auth, "accept", secret, password=PASSWORD)).status_code == 410
    await post(auth, "renew", secret)
    await auth.deliver()
    assert auth.mailbox.mails[-1]["To"] == "anna.neu@kunde.example"


async def test_a_changed_name_leaves_the_link_alone(auth: Auth) -> None:
    person, secret = await auth.invited()

    await auth.handle(a_user(person, version=2, family_name="Neumann"))

    assert (await post(auth, "check", secret)).status_code == 200


async def test_an_ended_membership_ends_its_link(auth: Auth) -> None:
    person, secret = await auth.invited()

    await auth.handle(a_membership(person, version=2, active=False))

    assert (await post(auth, "accept", secret, password=PASSWORD)).status_code == 410


async def test_a_deactivated_person_cannot_use_the_link(auth: Auth) -> None:
    person, secret = await auth.invited()

    await auth.handle(a_user(person, version=2, active=False))

    assert (await post(auth, "accept", secret, password=PASSWORD)).status_code == 404
    assert (await post(auth, "renew", secret)).status_code == 404


@pytest.mark.parametrize("ended", ["account", "membership"])
async def test_inviting_who_is_gone_sends_nothing_and_says_why(auth: Auth, ended: str) -> None:
    person = await auth.person()
    change = a_user if ended == "account" else a_membership
    await auth.handle(change(person, version=2, active=False))

    await auth.handle(an_invitation(person))
    await auth.deliver()

    assert auth.mailbox.mails == []
    reasons = {"account": "the account is deactivated", "membership": "the membership has ended"}
    assert [event.reason for event in await auth.events(InvitationFailed)] == [reasons[ended]]


async def test_an_invitation_that_comes_before_its_person(auth: Auth) -> None:
    person = await auth.person("anna@kunde.example")
    stranger = replace(person, user_id=uuid4(), membership_id=uuid4(), email="neu@kunde.example")

    await auth.handle(an_invitation(stranger))
    await auth.handle(a_user(stranger, given_name="Nora"))
    await auth.deliver()

    assert auth.mailbox.mails[-1]["To"] == "neu@kunde.example"
    assert (await post(auth, "check", secret_of(auth.mailbox.mails[-1]))).status_code == 200


async def test_the_rules_come_in_both_languages(auth: Auth) -> None:
    german = (await auth.client().get("/auth/password-rules")).json()
    english = (await auth.client(replace(STRANGER, lang="en")).get("/auth/password-rules")).json()

    assert [rule["id"] for rule in german] == ["length", "digit", "special", "username", "common"]
    assert german[0]["text"] == "8 bis 256 Zeichen"
    assert english[0]["text"] == "8 to 256 characters"
