"""What is due, which roles nobody has, and the event that tells of it once a year."""

from datetime import UTC, datetime, timedelta
from typing import Any

from httpx2 import AsyncClient

from services.contacts.filing.reminders import tell_what_is_due
from services.contacts.roles import ROLES
from tests.contacts.conftest import NOW, Portal, ago, contacts_of

DUE = "contacts.review.due.v1"


async def review(client: AsyncClient) -> dict[str, Any]:
    answer = await client.get("/contacts/review")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def tell(portal: Portal, now: datetime = NOW, months: int = 12) -> int:
    async with portal.database.transaction() as session:
        return await tell_what_is_due(session, now, review_months=months)


async def test_roles_without_a_person_are_gaps(portal: Portal, tom: AsyncClient) -> None:
    assert (await review(tom))["gaps"] == list(ROLES)
    await portal.contact("C-1", roles=["technical", "planned_works"])
    await portal.contact("C-2", roles=["invoices"])
    await portal.contact("O-1", side="operator", roles=["data_protection"])

    found = await review(tom)

    assert not {"technical", "planned_works", "invoices"} & set(found["gaps"])
    assert "data_protection" in found["gaps"]
    assert [role["role"] for role in found["roles"] if role["sensitive"]] == ["invoices", "site_access"]


async def test_what_nobody_vouched_for_in_a_year_is_due_longest_first(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact("C-1", family_name="Alt", time=ago(days=400))
    await portal.contact("C-2", family_name="Uralt", time=ago(days=900))
    await portal.contact("C-3", family_name="Frisch", time=ago(days=300))
    await portal.contact("O-1", family_name="Betreiber", side="operator", time=ago(days=900))

    found = await review(tom)
    assert [row["family_name"] for row in found["due"]] == ["Uralt", "Alt"]
    assert found["due_count"] == 2

    await tom.post(f"/contacts/{found['due'][0]['id']}/confirmation")
    assert [row["family_name"] for row in (await review(tom))["due"]] == ["Alt"]


async def test_a_due_contact_is_told_of_once_a_year(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact("C-1", time=ago(days=400), roles=["technical"])
    await portal.contact("C-2", time=ago(days=300))
    await portal.contact("O-1", side="operator", time=ago(days=900))

    counts = [await tell(portal), await tell(portal), await tell(portal, NOW + timedelta(days=40))]

    assert counts == [1, 0, 0]
    (told,) = await portal.emitted(DUE)
    assert told["roles"] == ["technical"]
    assert await tell(portal, NOW + timedelta(days=100)) == 1, "the second one is due now"
    assert await tell(portal, NOW + timedelta(days=366)) == 1, "a year later, still not confirmed"


async def test_a_confirmed_contact_is_told_of_a_year_after(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact("C-1", time=ago(days=400))
    assert await tell(portal) == 1
    (row,) = await contacts_of(tom)
    await tom.post(f"/contacts/{row['id']}/confirmation")
    now = datetime.now(UTC)

    assert await tell(portal, now + timedelta(days=360)) == 0
    assert await tell(portal, now + timedelta(days=368)) == 1
    assert len(await portal.emitted(DUE)) == 2


async def test_nobody_is_told_of_removed_pending_or_left_customers(portal: Portal, tom: AsyncClient) -> None:
    body = {"family_name": "Neu", "email": "neu@kunde.example", "roles": ["invoices"]}
    await tom.post("/contacts", json=body)
    await portal.contact("C-1", time=ago(days=400))
    (row,) = await contacts_of(tom, q="Technik")
    await tom.delete(f"/contacts/{row['id']}", headers={"If-Match": "*"})
    left = await portal.customer("KD-10002")
    await portal.contact("C-2", customer_number="KD-10002", time=ago(days=400))
    await portal.customer("KD-10002", customer_id=left, version=2, active=False)

    assert await tell(portal, NOW + timedelta(days=500)) == 0
