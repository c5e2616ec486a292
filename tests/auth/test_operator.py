"""What the operator's staff sees of auth's mails that failed and of its dead letters, and decides about them."""

from datetime import timedelta
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from chassis.identity import Identity
from chassis.testing import person as identity_of
from events.auth import AuthAuditRecorded, InvitationFailed, InvitationSent
from services.auth.models import Link, MailRow
from tests.auth.conftest import PASSWORD, Auth, Person, an_invitation, secret_of

PATH = "/auth/operator/mails"


def staff(auth: Auth) -> AsyncClient:
    return auth.client(identity_of(role="operator", staff_role="agent"))


async def a_refused_invitation(auth: Auth) -> tuple[Person, str]:
    auth.mailbox.answers = ["550 5.1.1 no such mailbox here"]
    person = await auth.person()
    await auth.handle(an_invitation(person))
    await auth.deliver()
    (row,) = await auth.rows(MailRow)
    return person, str(row.id)


async def test_a_failed_mail_is_listed_with_the_servers_words_and_without_its_link(auth: Auth) -> None:
    person, mail_id = await a_refused_invitation(auth)

    async with staff(auth) as client:
        listed = await client.get(PATH)
        waiting = (await client.get(PATH, params={"state": "queued"})).json()["items"]

    (one,) = listed.json()["items"]
    assert (one["id"], one["kind"], one["state"], one["recipient"]) == (mail_id, "invitation", "refused", person.email)
    assert (one["error"], one["customer_id"]) == ("550 5.1.1 no such mailbox here", str(person.customer_id))
    assert waiting == []
    (link,) = await auth.rows(Link)
    assert "words" not in one
    assert "secret" not in one
    assert link.token_hash not in listed.text
    (look,) = [line for line in await auth.events(AuthAuditRecorded) if line.what == "mails_listed"]
    assert (look.result, look.customer_id) == ("looked", person.customer_id)


async def test_sent_again_an_invitation_has_a_new_link_that_works(auth: Auth) -> None:
    _, mail_id = await a_refused_invitation(auth)
    await auth.time_passes(timedelta(days=8))

    async with staff(auth) as client:
        again = await client.post(f"{PATH}/{mail_id}/retry")
        twice = await client.post(f"{PATH}/{mail_id}/retry")
    await auth.deliver()

    assert (again.status_code, twice.status_code, twice.json()["code"]) == (202, 409, "record_settled")
    (mail,) = auth.mailbox.mails
    wanted = {"token": secret_of(mail), "password": PASSWORD}
    assert (await auth.client().post("/auth/invitations/accept", json=wanted)).status_code == 204
    assert (len(await auth.events(InvitationFailed)), len(await auth.events(InvitationSent))) == (1, 1)
    (row,) = await auth.rows(MailRow)
    assert (row.state, row.attempts, row.secret, row.error) == ("sent", 1, None, None)


async def test_a_reset_mail_that_nobody_took_can_be_sent_again(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    auth.mailbox.answers = ["550 5.7.1 greylisted for ever"]
    await auth.client().post("/auth/password-reset", json={"username": person.email})
    await auth.deliver()
    (row,) = [row for row in await auth.rows(MailRow) if row.state == "refused"]

    async with staff(auth) as client:
        assert (await client.post(f"{PATH}/{row.id}/retry")).status_code == 202
    await auth.deliver()

    check = {"token": secret_of(auth.mailbox.mails[-1])}
    assert (await auth.client().post("/auth/password-reset/check", json=check)).status_code == 200


async def test_what_nobody_needs_is_dropped_and_never_sent(auth: Auth) -> None:
    _, mail_id = await a_refused_invitation(auth)
    async with staff(auth) as client:
        dropped = await client.post(f"{PATH}/{mail_id}/drop")
        listed = (await client.get(PATH)).json()["items"]
        again = await client.post(f"{PATH}/{mail_id}/retry")
    await auth.time_passes(timedelta(days=1))
    await auth.deliver()

    assert (dropped.status_code, listed, again.status_code) == (204, [], 409)
    assert auth.mailbox.mails == []


async def test_made_up_names_fill_no_pile(auth: Auth) -> None:
    await auth.client().post("/auth/password-reset", json={"username": "niemand@kunde.example"})
    await auth.deliver()

    async with staff(auth) as client:
        listed = (await client.get(PATH)).json()["items"]
        health = (await client.get("/auth/operator/health")).json()

    assert await auth.count(MailRow, MailRow.state == "dropped") == 1
    assert (listed, health["failed_mails"]) == ([], 0)


async def test_health_counts_by_customer_and_says_how_long_the_oldest_waits(auth: Auth) -> None:
    person, _ = await a_refused_invitation(auth)
    other = await auth.person("berta@kunde.example")
    await auth.handle(an_invitation(other, customer_id=None, customer_name="Nordwelle"))
    auth.mailbox.answers = ["451 4.3.0 later please"]
    await auth.deliver()

    async with staff(auth) as client:
        health = (await client.get("/auth/operator/health")).json()

    (customer,) = health.pop("customers")
    assert customer.pop("last_failed_at")
    assert customer == {
        "customer_id": str(person.customer_id),
        "customer_number": "KD-10042",
        "customer_name": "Beispiel AG",
        "failed_mails": 1,
    }
    assert health.pop("oldest_waiting_at")
    assert health == {"failed_mails": 1, "waiting_mails": 1, "dead_letters": 0}


@pytest.mark.parametrize("what", ["retry", "drop"])
async def test_an_unknown_mail_is_404_and_customers_see_none_of_it(auth: Auth, what: str) -> None:
    _, mail_id = await a_refused_invitation(auth)
    async with staff(auth) as client:
        unknown = await client.post(f"{PATH}/{uuid4()}/{what}")
        letter = await client.post(f"/auth/operator/dead-letters/4711/{what}")
    async with auth.client(identity_of(role="admin")) as client:
        forbidden = [await client.post(f"{PATH}/{mail_id}/{what}"), await client.get(PATH)]
        forbidden += [await client.get(f"/auth/operator/{page}") for page in ("health", "dead-letters")]
    async with auth.client(Identity(sub="machine:abrechnung", scopes=("billing:publish",))) as client:
        forbidden.append(await client.get(PATH))

    assert (unknown.status_code, letter.status_code) == (404, 404)
    assert [answer.status_code for answer in forbidden] == [403, 403, 403, 403, 401]
    (row,) = await auth.rows(MailRow)
    assert row.state == "refused"
