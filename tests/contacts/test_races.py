"""Many at once: one decision, one change, one event."""

import asyncio

from httpx2 import AsyncClient

from services.contacts.filing.reminders import tell_what_is_due
from services.contacts.models import Approval, Contact
from tests.contacts.conftest import NOW, UPSERT, Portal, a_contact, ago, only_contact, patch

AT_ONCE = 8


async def test_of_many_decisions_one_counts(portal: Portal, tom: AsyncClient, operator: AsyncClient) -> None:
    await portal.contact(roles=["invoices"])
    await patch(tom, await only_contact(tom), email="neu@kunde.example")
    (approval,) = (await operator.get("/contacts/approvals")).json()["items"]
    url = f"/contacts/approvals/{approval['id']}"

    answers = await asyncio.gather(
        *(operator.post(url, json={"approve": bool(number % 2)}) for number in range(AT_ONCE))
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (AT_ONCE - 1)


async def test_of_many_edits_of_one_version_one_counts(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact()
    row = await only_contact(tom)

    answers = await asyncio.gather(*(patch(tom, row, hours=f"ab {number} Uhr") for number in range(AT_ONCE)))

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * (AT_ONCE - 1)
    assert (await only_contact(tom))["version"] == row["version"] + 1


async def test_at_most_one_change_waits_for_a_contact(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact(roles=["invoices"])
    row = await only_contact(tom)

    answers = await asyncio.gather(
        *(
            tom.patch(f"/contacts/{row['id']}", json={"phone": f"030 23125-1{n}"}, headers={"If-Match": "*"})
            for n in range(AT_ONCE)
        )
    )

    assert {answer.status_code for answer in answers} == {202}
    assert await portal.count(Approval, Approval.state == "pending") == 1


async def test_one_contact_sent_many_times_at_once_is_one(portal: Portal, tom: AsyncClient) -> None:
    said = await asyncio.gather(
        *(
            portal.publish(UPSERT, a_contact(version=version, family_name=f"Nummer {version}"))
            for version in range(1, AT_ONCE + 1)
        )
    )

    assert set(said) == {"handled"}
    assert await portal.count(Contact) == 1
    assert (await only_contact(tom))["family_name"] == f"Nummer {AT_ONCE}"


async def test_of_many_processes_one_tells(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact(time=ago(days=400))

    async def tell() -> int:
        async with portal.database.transaction() as session:
            return await tell_what_is_due(session, NOW, review_months=12)

    assert sum(await asyncio.gather(*(tell() for _ in range(AT_ONCE)))) == 1
    assert len(await portal.emitted("contacts.review.due.v1")) == 1
