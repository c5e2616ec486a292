"""What the operator's staff sees of mails that failed, and decides about them."""

from datetime import timedelta
from uuid import uuid4

import pytest

from chassis.testing import calling, person
from events.contacts import ContactsAuditRecorded
from services.users.models import MailRow
from tests.users.company import emitted, operator
from tests.users.mailing import Office

PATH = "/users/operator/mails"


async def a_refused_mail(office: Office) -> str:
    office.mailbox.answers = ["550 5.1.1 no such mailbox here"]
    await office.person()
    await office.hear(office.invoice())
    await office.mails()
    (row,) = await office.rows()
    return str(row.id)


async def test_what_failed_is_listed_with_the_servers_words_and_is_a_look(office: Office) -> None:
    mail_id = await a_refused_mail(office)

    async with calling(office.app, operator()) as client:
        (one,) = (await client.get(PATH)).json()["items"]
        waiting = (await client.get(PATH, params={"state": "queued"})).json()["items"]

    assert (one["id"], one["state"], one["recipient"]) == (mail_id, "refused", "anna@kunde.example")
    assert (one["error"], one["customer_id"]) == ("550 5.1.1 no such mailbox here", str(office.customer_id))
    assert waiting == []
    (look,) = await emitted(office.app, "users.audit.recorded.v1")
    assert (look["what"], look["result"]) == ("mails_listed", "looked")
    assert look["customer_id"] == str(office.customer_id)


async def test_health_counts_by_customer(office: Office) -> None:
    await a_refused_mail(office)
    await office.company("Zweite GmbH", "KD-2")

    async with calling(office.app, operator()) as client:
        health = (await client.get("/users/operator/health")).json()

    (customer,) = health.pop("customers")
    assert customer.pop("last_failed_at")
    assert customer == {
        "customer_id": str(office.customer_id),
        "customer_number": "KD-10042",
        "customer_name": "Beispiel AG",
        "failed_mails": 1,
    }
    assert health == {"failed_mails": 1, "waiting_mails": 0, "oldest_waiting_at": None, "dead_letters": 0}


async def test_health_says_how_long_the_oldest_waits(office: Office) -> None:
    office.mailbox.answers = ["451 4.3.0 later please"]
    await office.person()
    await office.hear(office.invoice())
    await office.mails()

    async with calling(office.app, operator()) as client:
        health = (await client.get("/users/operator/health")).json()

    assert (health["waiting_mails"], health["oldest_waiting_at"] is not None) == (1, True)


async def test_a_mail_is_sent_again_as_if_it_were_new(office: Office) -> None:
    mail_id = await a_refused_mail(office)
    await office.change(MailRow, (await office.rows())[0].id, state="dead", attempts=40)
    async with calling(office.app, operator()) as client:
        again = await client.post(f"{PATH}/{mail_id}/retry")
        twice = await client.post(f"{PATH}/{mail_id}/retry")

    assert (again.status_code, twice.status_code, twice.json()["code"]) == (202, 409, "record_settled")
    assert [mail["To"] for mail in await office.deliver()] == ["anna@kunde.example"]
    (row,) = await office.rows()
    assert (row.state, row.attempts, row.error) == ("sent", 1, None)
    (line,) = [one for one in await emitted(office.app, "users.audit.recorded.v1") if one["what"] == "mail_retried"]
    assert (line["customer_id"], line["on"]) == (str(office.customer_id), f"mail/{mail_id}")


async def test_a_mail_that_nobody_needs_is_dropped(office: Office) -> None:
    mail_id = await a_refused_mail(office)
    async with calling(office.app, operator()) as client:
        dropped = await client.post(f"{PATH}/{mail_id}/drop")
        listed = (await client.get(PATH)).json()["items"]
        again = await client.post(f"{PATH}/{mail_id}/retry")

    assert (dropped.status_code, listed, again.status_code) == (204, [], 409)
    await office.time_passes(timedelta(days=1))
    assert await office.deliver() == []


async def test_pages_neither_repeat_nor_skip(office: Office) -> None:
    office.mailbox.answers = ["550 no"] * 5
    for n in range(5):
        await office.person(f"person{n}@kunde.example")
    await office.hear(office.invoice())
    await office.mails()

    seen, cursor = [], None
    async with calling(office.app, operator()) as client:
        while True:
            page = (await client.get(PATH, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
            seen += [one["recipient"] for one in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break

    assert sorted(seen) == [f"person{n}@kunde.example" for n in range(5)]


@pytest.mark.parametrize("what", ["retry", "drop"])
async def test_an_unknown_mail_is_404_and_customers_see_none_of_it(office: Office, what: str) -> None:
    mail_id = await a_refused_mail(office)
    async with calling(office.app, operator()) as client:
        unknown = await client.post(f"{PATH}/{uuid4()}/{what}")
    async with calling(office.app, person(cust=str(office.customer_id))) as client:
        forbidden = [await client.post(f"{PATH}/{mail_id}/{what}"), await client.get(PATH)]
        forbidden += [await client.get(f"/users/operator/{page}") for page in ("health", "dead-letters")]

    assert unknown.status_code == 404
    assert [answer.status_code for answer in forbidden] == [403] * 4


async def test_dead_letters_of_users_are_counted(office: Office) -> None:
    assert ContactsAuditRecorded.listeners == {"users"}
    async with calling(office.app, operator()) as client:
        assert (await client.get("/users/operator/dead-letters")).json() == {"items": [], "next_cursor": None}
