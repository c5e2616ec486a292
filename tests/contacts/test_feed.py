"""What the CRM sends: taken once, in any order, parked, refused."""

import json
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from chassis.inbox import FailedEvent
from services.contacts.models import Contact, FeedRecord
from tests.contacts.conftest import SOURCE, UPSERT, Portal, a_contact, ago, contacts_of, only_contact


async def reasons(portal: Portal) -> list[tuple[str, str]]:
    records = sorted(await portal.rows(FeedRecord), key=lambda record: record.received_at)
    return [(record.state, record.reasons[0]["reason"] if record.reasons else "") for record in records]


async def test_the_same_again_changes_nothing(portal: Portal, tom: AsyncClient) -> None:
    assert await portal.publish(UPSERT, a_contact(), event_id="1") == "handled"
    assert await portal.publish(UPSERT, a_contact(), event_id="1") == "repeated"
    assert await portal.publish(UPSERT, a_contact(), event_id="2") == "handled"

    assert (await only_contact(tom))["version"] == 1
    assert len(await portal.emitted("contacts.contact.changed.v1")) == 1


async def test_the_higher_version_counts_in_whatever_order(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact(version=3, family_name="Drei", time=ago(days=1))
    await portal.contact(version=2, family_name="Zwei", time=ago(hours=1))

    assert (await only_contact(tom))["family_name"] == "Drei"
    assert await reasons(portal) == [("filed", ""), ("filed", "older_version")]


async def test_a_version_does_not_come_again_with_other_content(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact(version=2)
    assert await portal.contact(version=2, family_name="Anders") == "buried"

    assert (await only_contact(tom))["family_name"] == "Technik"
    assert await reasons(portal) == [("filed", ""), ("refused", "version_reused")]


async def test_an_unknown_customers_contact_waits_for_the_customer(portal: Portal) -> None:
    await portal.contact("C-1", customer_number="KD-20000", version=1)
    await portal.contact("C-1", customer_number="KD-20000", version=2, family_name="Neu")
    await portal.contact("C-2", customer_number="KD-20000", roles=["abuse"])
    assert await portal.count(Contact) == 0

    customer_id = await portal.customer("KD-20000")

    async with portal.as_user(customer_id) as member:
        assert sorted(row["family_name"] for row in await contacts_of(member)) == ["Neu", "Technik"]
    assert {state for state, _ in await reasons(portal)} == {"filed"}


async def test_nobody_moves_to_another_customer_or_side(portal: Portal, tom: AsyncClient) -> None:
    await portal.customer("KD-10002")
    await portal.contact()
    await portal.contact("O-1", side="operator", customer_number=None, roles=["noc"])

    assert await portal.contact(version=2, customer_number="KD-10002") == "buried"
    assert await portal.contact(version=2, side="operator") == "buried"
    assert await portal.contact("O-1", side="operator", roles=["noc"], version=2) == "handled"

    assert [reason for state, reason in await reasons(portal) if state == "refused"] == [
        "customer_mismatch",
        "side_mismatch",
    ]
    assert len(await contacts_of(tom)) == 2


async def test_removed_needs_no_more_than_the_key(portal: Portal, tom: AsyncClient) -> None:
    key = {"contact_id": "C-1", "side": "customer", "customer_number": "KD-10001"}
    await portal.contact(roles=["invoices"])
    row = await only_contact(tom)
    await tom.patch(f"/contacts/{row['id']}", json={"email": "neu@kunde.example"}, headers={"If-Match": "*"})

    assert await portal.publish(UPSERT, key | {"removed": True, "version": 2}) == "handled"
    assert await contacts_of(tom) == []
    assert await portal.contact(version=1) == "handled"
    assert await contacts_of(tom) == []
    assert await portal.contact(version=3, family_name="Wieder da") == "handled"
    assert (await only_contact(tom))["family_name"] == "Wieder da"
    states = [change["active"] for change in await portal.emitted("contacts.contact.changed.v1")]
    assert states == [True, False, True]


async def test_a_removal_of_nobody_is_remembered(portal: Portal, tom: AsyncClient) -> None:
    key = {"contact_id": "C-1", "side": "customer", "customer_number": "KD-10001"}
    await portal.publish(UPSERT, key | {"removed": True, "version": 2})
    await portal.contact(version=1)

    assert await contacts_of(tom) == []


async def test_deputies_find_each_other_whoever_comes_first(portal: Portal, tom: AsyncClient) -> None:
    noc = {"side": "operator", "customer_number": None, "roles": ["noc"]}
    await portal.contact("O-2", **noc, family_name="Zweite", deputy_of="O-1")
    await portal.contact("O-3", **noc, family_name="Selbst", deputy_of="O-3")
    await portal.contact("O-1", **noc, family_name="Erste")

    shown = {row["family_name"]: row for row in await contacts_of(tom)}

    assert shown["Zweite"]["deputy_of"]["id"] == shown["Erste"]["id"]
    assert shown["Selbst"]["deputy_of"] is None
    assert [one["name"] for one in shown["Erste"]["deputies"]] == ["Tom Zweite"]


async def test_a_deputy_at_another_customer_is_not_shown(portal: Portal, tom: AsyncClient) -> None:
    await portal.customer("KD-10002")
    mine = {"side": "operator", "roles": ["account_manager"]}
    await portal.contact("O-1", **mine, customer_number=None, family_name="Alle")
    await portal.contact("O-2", **mine, customer_number="KD-10002", family_name="Fremd", deputy_of="O-1")
    await portal.contact("O-3", **mine, family_name="Meine", deputy_of="O-2")

    assert "Fremd" not in json.dumps(await contacts_of(tom))


NOBODY: list[tuple[dict[str, Any], str, str]] = [
    ({"email": None, "phone": None}, "no_way_to_reach", "/data/email"),
    ({"email": "", "phone": " "}, "no_way_to_reach", "/data/email"),
    ({"phone": "ruf an"}, "invalid_phone_number", "/data/phone"),
    ({"mobile": "+49 12"}, "invalid_phone_number", "/data/mobile"),
    ({"email": "tom(at)kunde.example"}, "invalid_email", "/data/email"),
    ({"given_name": "", "family_name": ""}, "name_missing", "/data/family_name"),
    ({"family_name": "\u202eknirT"}, "invalid_data", "/data/family_name"),
    ({"family_name": "a\nb"}, "invalid_data", "/data/family_name"),
    ({"family_name": "x" * 101}, "invalid_data", "/data/family_name"),
    ({"side": "partner"}, "invalid_data", "/data/side"),
    ({"customer_number": None}, "invalid_data", "/data"),
    ({"version": -1}, "invalid_data", "/data/version"),
    ({"version": 2**63}, "invalid_data", "/data/version"),
    ({"version": "1"}, "invalid_data", "/data/version"),
    ({"roles": ["|technical|"]}, "invalid_data", "/data/roles/0"),
    ({"roles": ["technical"] * 21}, "invalid_data", "/data/roles"),
    ({"languages": ["Deutsch!"]}, "invalid_data", "/data/languages/0"),
]


@pytest.mark.parametrize(("wrong", "reason", "pointer"), NOBODY)
async def test_what_cannot_be_a_contact_is_buried_with_its_reason_and_those_behind_go_on(
    portal: Portal, tom: AsyncClient, wrong: dict[str, Any], reason: str, pointer: str
) -> None:
    assert await portal.contact("C-1", **wrong) == "buried"
    assert await portal.contact("C-2") == "handled"

    (failed,) = await portal.rows(FailedEvent)
    (record,) = await portal.rows(FeedRecord, FeedRecord.state == "refused")
    assert (failed.reason, record.reasons[0]["reason"]) == (reason, reason)
    assert record.reasons[0]["pointer"] == pointer
    assert len(await contacts_of(tom)) == 1


async def test_an_update_that_cannot_be_leaves_the_contact_whole(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact()
    before = await only_contact(tom)

    assert await portal.contact(version=2, family_name="Halb", email="kaputt", phone=None) == "buried"

    assert await only_contact(tom) == before


async def test_another_source_has_its_own_contacts(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact()
    await portal.publish(UPSERT, a_contact(family_name="Andere"), source="/crm/other")

    assert SOURCE != "/crm/other"
    assert len(await contacts_of(tom)) == 2


async def test_a_customers_newest_state_counts(portal: Portal) -> None:
    customer_id = await portal.customer("KD-1", customer_id=uuid4(), version=2, name="Neu")
    await portal.customer("KD-1", customer_id=customer_id, version=1, name="Alt")
    await portal.contact(customer_number="KD-1")

    async with portal.as_user(customer_id) as member:
        assert "ORG:Neu" in (await member.get("/contacts.vcf")).text
