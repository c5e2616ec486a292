"""The CRM never overwrites a newer word of the portal in silence."""

from typing import Any

import pytest
from httpx2 import AsyncClient

from services.contacts.models import FeedRecord
from tests.contacts.conftest import Portal, ago, contacts_of, only_contact, patch


async def conflicts(operator: AsyncClient) -> list[dict[str, Any]]:
    answer = await operator.get("/contacts/operator/conflicts")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def settle(operator: AsyncClient, verb: str) -> int:
    (row,) = await conflicts(operator)
    answer = await operator.post(f"/contacts/operator/conflicts/{row['id']}/{verb}")
    return int(answer.status_code)


@pytest.fixture
async def confirmed(portal: Portal, tom: AsyncClient) -> dict[str, Any]:
    """A contact of the CRM that Tom has just confirmed."""
    await portal.contact(time=ago(days=427))
    row = await only_contact(tom)
    answer = (await tom.post(f"/contacts/{row['id']}/confirmation")).json()
    return dict(answer)


async def test_an_older_word_against_a_confirmation_is_a_conflict(
    portal: Portal, tom: AsyncClient, operator: AsyncClient, confirmed: dict[str, Any]
) -> None:
    assert await portal.contact(version=2, phone="030 23125-999", hours="nie", time=ago(hours=1)) == "handled"

    assert await only_contact(tom) == confirmed
    (conflict,) = await conflicts(operator)
    assert conflict["reason"] == "newer_confirmation"
    assert {one["field"]: (one["ours"], one["theirs"]) for one in conflict["differences"]} == {
        "phone": ("+49 (0)30 23125-110", "030 23125-999"),
        "hours": (None, "nie"),
    }
    assert (conflict["contact_name"], conflict["ours_by"]) == ("Tom Technik", "Tom Technik")
    health = (await operator.get("/contacts/operator/health")).json()
    assert health["conflicts"] == 1


async def test_a_newer_word_is_taken_and_makes_the_confirmation_void(
    portal: Portal, tom: AsyncClient, operator: AsyncClient, confirmed: dict[str, Any]
) -> None:
    await portal.contact(version=2, phone="030 23125-999")

    row = await only_contact(tom)
    assert (row["phone"], row["confirmed_by"], row["changed_by"]) == ("030 23125-999", None, None)
    assert await conflicts(operator) == []


async def test_taking_the_crms_word(
    portal: Portal, tom: AsyncClient, operator: AsyncClient, confirmed: dict[str, Any]
) -> None:
    await portal.contact(version=2, phone="030 23125-999", time=ago(hours=1))

    assert await settle(operator, "retry") == 202

    row = await only_contact(tom)
    assert (row["phone"], row["confirmed_by"]) == ("030 23125-999", None)
    assert await conflicts(operator) == []
    assert (await portal.emitted("contacts.contact.changed.v1"))[-1]["phone"] == "+493023125999"
    assert ("contact_conflict_taken", "done") in await portal.audited()


async def test_keeping_ours_is_for_good(
    portal: Portal, tom: AsyncClient, operator: AsyncClient, confirmed: dict[str, Any]
) -> None:
    await portal.contact(version=2, phone="030 23125-999", time=ago(hours=1))

    assert await settle(operator, "drop") == 204
    await portal.contact(version=3, phone="030 23125-999", hours="werktags")

    row = await only_contact(tom)
    assert (row["phone"], row["hours"]) == ("+49 (0)30 23125-110", "werktags")
    assert await conflicts(operator) == []
    assert ("contact_conflict_kept", "done") in await portal.audited()


async def test_what_was_edited_here_and_not_there_stays(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    await portal.contact(time=ago(days=10))
    await patch(tom, await only_contact(tom), phone="030 23125-777")

    await portal.contact(version=2, hours="Mo–Fr")

    row = await only_contact(tom)
    assert (row["phone"], row["hours"]) == ("030 23125-777", "Mo–Fr")
    assert await conflicts(operator) == []


async def test_the_same_said_on_both_sides_is_no_conflict(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    await portal.contact(time=ago(days=10))
    await patch(tom, await only_contact(tom), phone="030 23125-777")

    await portal.contact(version=2, phone="030 23125-777", time=ago(days=1))

    assert await conflicts(operator) == []
    assert (await only_contact(tom))["confirmed_by"] == "Tom Technik"


async def test_who_was_removed_here_does_not_come_back_by_itself(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    await portal.contact(time=ago(days=10))
    row = await only_contact(tom)
    await tom.delete(f"/contacts/{row['id']}", headers={"If-Match": '"1"'})

    await portal.contact(version=2, phone="030 23125-777")

    assert await contacts_of(tom) == []
    assert (await conflicts(operator))[0]["reason"] == "removed_here"
    assert await settle(operator, "retry") == 202
    assert (await only_contact(tom))["phone"] == "030 23125-777"


async def test_the_crm_does_not_remove_who_was_confirmed_later(
    portal: Portal, tom: AsyncClient, operator: AsyncClient, confirmed: dict[str, Any]
) -> None:
    await portal.contact(version=2, removed=True, time=ago(hours=1))

    assert [row["id"] for row in await contacts_of(tom)] == [confirmed["id"]]
    assert [one["field"] for one in (await conflicts(operator))[0]["differences"]] == ["removed"]
    assert await settle(operator, "retry") == 202
    assert await contacts_of(tom) == []


async def test_a_newer_version_makes_an_older_conflict_pointless(
    portal: Portal, tom: AsyncClient, operator: AsyncClient, confirmed: dict[str, Any]
) -> None:
    await portal.contact(version=2, phone="030 23125-999", time=ago(hours=2))
    await portal.contact(version=3, phone="030 23125-998", time=ago(hours=1))

    (conflict,) = await conflicts(operator)
    assert conflict["differences"][0]["theirs"] == "030 23125-998"
    await portal.contact(version=4, phone="030 23125-997")
    assert await conflicts(operator) == []
    assert (await only_contact(tom))["phone"] == "030 23125-997"
    dropped = await portal.rows(FeedRecord, FeedRecord.state == "dropped")
    assert [record.reasons[-1]["reason"] for record in dropped] == ["superseded", "superseded"]


async def test_looking_at_conflicts_is_in_the_customers_audit_log(
    portal: Portal, operator: AsyncClient, confirmed: dict[str, Any]
) -> None:
    await portal.contact(version=2, phone="030 23125-999", time=ago(hours=1))

    await conflicts(operator)

    assert ("contact_conflicts_listed", "looked") in await portal.audited()
