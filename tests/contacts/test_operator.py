"""The operator's lists: what waits, what was refused, and what can be done about it."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient

from services.contacts.models import Contact, Customer
from tests.contacts.conftest import Portal, ago, only_contact


async def items(operator: AsyncClient, pile: str, **params: Any) -> list[dict[str, Any]]:
    answer = await operator.get(f"/contacts/operator/{pile}", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_each_pile_shows_its_records_with_reasons(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    await portal.contact("C-1", customer_number="KD-unknown")
    await portal.contact("C-2", email="x")
    await portal.contact("C-3", time=ago(days=2))
    row = await only_contact(tom)
    await tom.post(f"/contacts/{row['id']}/confirmation")
    await portal.contact("C-3", version=2, hours="nie", time=ago(days=1))

    shown = {pile: await items(operator, pile) for pile in ("parked", "conflicts", "refused", "dead-letters")}

    assert {pile: [(row.get("number"), row["reason"]) for row in rows] for pile, rows in shown.items()} == {
        "parked": [("C-1", "unknown_customer")],
        "conflicts": [("C-3", "newer_confirmation")],
        "refused": [("C-2", "invalid_email")],
        "dead-letters": [(None, "invalid_email")],
    }
    health = (await operator.get("/contacts/operator/health")).json()
    assert {name: health[name] for name in ("parked", "conflicts", "refused", "dead_letters", "approvals")} == {
        "parked": 1,
        "conflicts": 1,
        "refused": 1,
        "dead_letters": 1,
        "approvals": 0,
    }
    feeds = {feed["customer_number"]: feed for feed in health["feeds"]}
    assert (feeds["KD-10001"]["last_number"], feeds["KD-10001"]["filed"]) == ("C-3", 1)


async def test_everybodys_contacts_have_a_feed_without_a_customer(portal: Portal, operator: AsyncClient) -> None:
    await portal.contact("O-1", side="operator", customer_number=None, roles=["noc"])

    (feed,) = (await operator.get("/contacts/operator/health")).json()["feeds"]

    assert (feed["customer_id"], feed["last_number"]) == (None, "O-1")


async def test_pages_follow_each_other(portal: Portal, operator: AsyncClient) -> None:
    for number in range(5):
        await portal.contact(f"C-{number}", customer_number="KD-unknown")
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await operator.get("/contacts/operator/parked", params=params)).json()
        seen += [row["number"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == [f"C-{number}" for number in reversed(range(5))]


async def test_a_parked_record_is_taken_again_when_its_customer_is_there(portal: Portal, operator: AsyncClient) -> None:
    await portal.contact(customer_number="KD-later")
    (parked,) = await items(operator, "parked")
    url = f"/contacts/operator/parked/{parked['id']}/retry"

    still = await operator.post(url)
    assert (still.status_code, await portal.count(Contact)) == (202, 0)
    async with portal.database.transaction() as session:
        new = {"language": "de", "time_zone": "Europe/Berlin", "active": True, "version": 1}
        session.add(Customer(id=uuid4(), number="KD-later", name="Später", **new))
    await operator.post(url)

    assert await portal.count(Contact) == 1
    settled = await operator.post(url)
    assert (settled.status_code, settled.json()["code"]) == (409, "record_settled")


async def test_a_refused_record_is_handled_anew_or_dropped(portal: Portal, operator: AsyncClient) -> None:
    await portal.contact(email="x")
    (refused,) = await items(operator, "refused")
    url = f"/contacts/operator/refused/{refused['id']}"

    assert (await operator.post(f"{url}/retry")).status_code == 202
    assert await portal.consumer.retry_next()
    assert [row["reason"] for row in await items(operator, "refused")] == ["invalid_email"]
    assert (await operator.post(f"{url}/drop")).status_code == 204

    assert await items(operator, "refused") == []
    assert await items(operator, "dead-letters") == []
    assert ("feed_record_dropped", "done") in await portal.audited()


async def test_a_dead_letter_can_be_dropped_once(portal: Portal, operator: AsyncClient) -> None:
    await portal.deliver("crm.contact.upserted.v1", b"no json")
    (letter,) = await items(operator, "dead-letters")
    url = f"/contacts/operator/dead-letters/{letter['id']}/drop"

    assert [(await operator.post(url)).status_code for _ in range(2)] == [204, 409]


@pytest.mark.parametrize("verb", ["retry", "drop"])
async def test_unknown_records_are_404_and_customers_see_none_of_it(
    portal: Portal, tom: AsyncClient, operator: AsyncClient, customer_id: UUID, verb: str
) -> None:
    for pile in ("parked", "conflicts", "refused"):
        answer = await operator.post(f"/contacts/operator/{pile}/{uuid4()}/{verb}")
        assert (answer.status_code, answer.json()["code"]) == (404, "record_not_found")
        assert (await tom.get(f"/contacts/operator/{pile}")).status_code == 403
        assert (await tom.post(f"/contacts/operator/{pile}/{uuid4()}/{verb}")).status_code == 403
    assert (await operator.post(f"/contacts/operator/dead-letters/4711/{verb}")).status_code == 404
    assert (await tom.get("/contacts/operator/health")).status_code == 403
