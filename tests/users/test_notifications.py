"""What a person wants to be told of by mail, and that it counts."""

from typing import Any

import pytest

from chassis.identity import Identity
from chassis.testing import calling, person
from services.users.models import AuditLine, Membership
from tests.users.company import emitted
from tests.users.mailing import Office

PATH = "/users/me/notifications"
OF_A_CUSTOMER = [
    "invoice_filed",
    "document_filed",
    "file_shared",
    "file_quarantined",
    "contract_notice",
    "contact_review",
    "contact_decided",
    "traffic_commit",
    "traffic_threshold",
    "security",
]
OF_STAFF = ["file_shared", "file_quarantined", "contact_waiting", "security"]


def as_(membership: Membership, **claims: Any) -> Identity:
    return person(sub=str(membership.user_id), cust=str(membership.customer_id), **claims)


def chosen(event: str, mail: bool) -> dict[str, Any]:
    return {"event": event, "channels": {"mail": mail}}


async def shown(office: Office, who: Identity) -> dict[str, bool]:
    async with calling(office.app, who) as client:
        answer = await client.get(PATH)
    assert answer.status_code == 200, answer.text
    return {one["event"]: one["channels"]["mail"]["wanted"] for one in answer.json()["events"]}


async def test_an_admin_hears_everything_unless_told_otherwise(office: Office) -> None:
    anna = await office.person()

    assert await shown(office, as_(anna)) == dict.fromkeys(OF_A_CUSTOMER, True)


@pytest.mark.parametrize(
    ("modules", "wanted"),
    [
        (("invoices",), {"invoice_filed": True, "document_filed": True}),
        (("call_records",), {"document_filed": True}),
        (("graphs",), {"traffic_commit": False, "traffic_threshold": False}),
        (("exchange", "contracts"), {"file_shared": True, "file_quarantined": True, "contract_notice": True}),
    ],
)
async def test_a_member_is_asked_only_about_what_the_modules_allow(
    office: Office, modules: tuple[str, ...], wanted: dict[str, bool]
) -> None:
    member = await office.person(role="member", modules=modules)

    assert await shown(office, as_(member)) == wanted | {"security": True}


async def test_the_operators_people_are_asked_about_what_customers_bring(office: Office) -> None:
    ole = await office.person("ole@nordwelle.example", customer=None)

    who = person(sub=str(ole.user_id), cust=None, role="operator")

    assert await shown(office, who) == dict.fromkeys(OF_STAFF, True)


@pytest.mark.parametrize(("lang", "text"), [("de", "Neue Rechnungen"), ("en", "New invoices")])
async def test_the_names_are_in_the_readers_language(office: Office, lang: str, text: str) -> None:
    anna = await office.person()

    async with calling(office.app, as_(anna, lang=lang)) as client:
        answer = await client.get(PATH)

    assert answer.json()["events"][0] == {
        "event": "invoice_filed",
        "text": text,
        "channels": {"mail": {"wanted": True, "fixed": False}},
    }
    assert answer.json()["events"][-1]["channels"]["mail"] == {"wanted": True, "fixed": True}


async def test_what_is_switched_off_is_not_mailed_and_comes_back_when_switched_on(office: Office) -> None:
    anna = await office.person("anna@kunde.example")
    await office.person("bert@kunde.example")
    async with calling(office.app, as_(anna)) as client:
        off = await client.put(PATH, json={"events": [chosen("invoice_filed", False)]})
    assert off.status_code == 200
    assert await shown(office, as_(anna)) == dict.fromkeys(OF_A_CUSTOMER, True) | {"invoice_filed": False}
    await office.hear(office.invoice("RE-1"), office.document())
    texts = {mail["To"]: str(mail) for mail in await office.mails()}
    assert "RE-1" not in texts["anna@kunde.example"]
    assert "RE-1" in texts["bert@kunde.example"]
    office.mailbox.mails.clear()

    async with calling(office.app, as_(anna)) as client:
        await client.put(PATH, json={"events": [chosen("invoice_filed", True)]})
    await office.hear(office.invoice("RE-2"))

    assert await office.told() == ["anna@kunde.example", "bert@kunde.example"]


async def test_a_member_who_wants_warnings_of_traffic_gets_them(office: Office) -> None:
    member = await office.person(role="member", modules=("graphs",))
    async with calling(office.app, as_(member)) as client:
        await client.put(PATH, json={"events": [chosen("traffic_commit", True)]})
    await office.hear(office.commit(), office.threshold())

    (mail,) = await office.mails()

    assert mail["Subject"] == "Nordwelle: Uplink Berlin A: Zusage bald überschritten"


async def test_a_word_counts_for_what_is_being_collected_already(office: Office) -> None:
    anna = await office.person()
    await office.hear(office.invoice())
    async with calling(office.app, as_(anna)) as client:
        await client.put(PATH, json={"events": [chosen("invoice_filed", False)]})

    assert await office.told() == []


async def test_security_cannot_be_switched_off_and_nothing_else_of_the_request_counts(office: Office) -> None:
    anna = await office.person()
    async with calling(office.app, as_(anna)) as client:
        answer = await client.put(PATH, json={"events": [chosen("invoice_filed", False), chosen("security", False)]})

    assert (answer.status_code, answer.json()["code"]) == (409, "cannot_switch_off")
    assert await shown(office, as_(anna)) == dict.fromkeys(OF_A_CUSTOMER, True)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"events": "invoice_filed"},
        {"events": [{"event": "invoice_filed"}]},
        {"events": [{"event": "unknown", "channels": {"mail": True}}]},
        {"events": [{"event": "invoice_filed", "channels": {"mail": "yes"}}]},
        {"events": [{"event": "invoice_filed", "channels": {"mail": True, "fax": True}}]},
        {"events": [chosen("invoice_filed", True)] * 100},
    ],
)
async def test_what_makes_no_sense_is_refused(office: Office, body: Any) -> None:
    anna = await office.person()
    async with calling(office.app, as_(anna)) as client:
        answer = await client.put(PATH, json=body)

    assert answer.status_code == 422, answer.text


async def test_somebody_without_any_place_has_nothing_to_choose(office: Office) -> None:
    await office.company()
    async with calling(office.app, person()) as client:
        answers = [await client.get(PATH), await client.put(PATH, json={"events": []})]

    assert [answer.status_code for answer in answers] == [404, 404]


async def test_a_change_is_in_the_audit_log_without_what_was_chosen(office: Office) -> None:
    anna = await office.person()
    async with calling(office.app, as_(anna)) as client:
        await client.put(PATH, json={"events": [chosen("invoice_filed", False)]})

    (line,) = await emitted(office.app, "users.audit.recorded.v1")
    assert (line["what"], line["result"], line["actor_id"]) == ("notifications_changed", "done", str(anna.user_id))
    assert await office.count(AuditLine) == 0
