"""Sensitive roles wait for the operator; the old values stay in force."""

from typing import Any
from uuid import UUID, uuid4

from httpx2 import AsyncClient

from tests.contacts.conftest import Portal, contacts_of, only_contact, patch

ROSA = {"given_name": "Rosa", "family_name": "Rechnung", "email": "rosa@kunde.example", "roles": ["invoices"]}


async def waiting(operator: AsyncClient, **params: Any) -> list[dict[str, Any]]:
    answer = await operator.get("/contacts/approvals", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def decide(operator: AsyncClient, *, approve: bool, reason: str | None = None) -> Any:
    (approval,) = await waiting(operator)
    return await operator.post(f"/contacts/approvals/{approval['id']}", json={"approve": approve, "reason": reason})


async def in_force(portal: Portal) -> list[tuple[str | None, list[str], bool]]:
    changes = await portal.emitted("contacts.contact.changed.v1")
    return [(change["email"], change["roles"], change["active"]) for change in changes]


async def test_the_old_address_stays_in_force_until_the_operator_approves(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    await portal.contact(**ROSA)
    row = await only_contact(tom)

    answer = await patch(tom, row, email="mallory@kunde.example")

    waits = answer.json()
    assert (answer.status_code, waits["email"]) == (202, "rosa@kunde.example"), answer.text
    assert waits["pending"]["changes"] == {"email": "mallory@kunde.example"}
    assert waits["pending"]["requested_by"] == "Tom Technik"
    assert "mallory" not in (await tom.get("/contacts.csv")).text
    assert "mallory" not in (await tom.get(f"/contacts/{row['id']}.vcf")).text
    assert await in_force(portal) == [("rosa@kunde.example", ["invoices"], True)]

    (shown,) = await waiting(operator)
    assert (shown["current"]["email"], shown["changes"]["email"]) == ("rosa@kunde.example", "mallory@kunde.example")
    assert shown["customer_number"] == "KD-10001"
    assert (await decide(operator, approve=True)).status_code == 200

    row = await only_contact(tom)
    assert (row["email"], row["pending"], row["confirmed_by"]) == ("mallory@kunde.example", None, "Tom Technik")
    assert (row["decision"]["approved"], row["decision"]["decided_by"]) == (True, "Oskar Leitner")
    assert await in_force(portal) == [
        ("rosa@kunde.example", ["invoices"], True),
        ("mallory@kunde.example", ["invoices"], True),
    ]
    assert await waiting(operator) == []


async def test_a_rejected_change_leaves_everything_as_it_was(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    await portal.contact(**ROSA)
    await patch(tom, await only_contact(tom), email="mallory@kunde.example")

    answer = await decide(operator, approve=False, reason="Rückruf ergab: nicht bekannt.")

    assert (answer.status_code, answer.json()["state"]) == (200, "rejected")
    row = await only_contact(tom)
    assert (row["email"], row["pending"]) == ("rosa@kunde.example", None)
    assert row["decision"]["reason"] == "Rückruf ergab: nicht bekannt."
    assert len(await in_force(portal)) == 1
    lines = await portal.emitted("contacts.audit.recorded.v1")
    assert [line["what"] for line in lines][-1] == "contact_change_rejected"


async def test_what_is_no_sensitive_change_does_not_wait(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact(**ROSA)

    answer = await patch(
        tom, await only_contact(tom), hours="Mo–Do", languages=["en"], roles=["invoices", "commercial"]
    )

    assert (answer.status_code, answer.json()["roles"]) == (200, ["invoices", "commercial"])


async def test_a_new_contact_with_a_sensitive_role_is_not_in_force(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    made = await tom.post("/contacts", json=ROSA)
    row = made.json()

    assert (made.status_code, row["state"], row["pending"]["kind"]) == (202, "pending", "create")
    assert (await tom.get(f"/contacts/{row['id']}.vcf")).status_code == 404
    confirmation = await tom.post(f"/contacts/{row['id']}/confirmation")
    assert (confirmation.status_code, confirmation.json()["code"]) == (409, "not_in_force")
    assert await in_force(portal) == []
    review = (await tom.get("/contacts/review")).json()
    assert "invoices" in review["gaps"]
    assert [role["waiting"] for role in review["roles"] if role["role"] == "invoices"] == [1]

    assert (await waiting(operator))[0]["current"] is None
    await decide(operator, approve=False, reason="Bitte mit Vollmacht.")
    rejected = await only_contact(tom)
    assert (rejected["state"], rejected["decision"]["reason"]) == ("rejected", "Bitte mit Vollmacht.")

    again = await patch(tom, rejected, organisation="Mit Vollmacht")
    assert (again.status_code, again.json()["state"]) == (202, "pending")
    await decide(operator, approve=True)
    row = await only_contact(tom)
    assert (row["state"], row["organisation"], row["confirmed_by"]) == ("active", "Mit Vollmacht", "Tom Technik")
    assert await in_force(portal) == [("rosa@kunde.example", ["invoices"], True)]
    assert "invoices" not in (await tom.get("/contacts/review")).json()["gaps"]


async def test_a_waiting_new_contact_without_its_sensitive_role_is_in_force_at_once(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    row = (await tom.post("/contacts", json=ROSA | {"roles": ["invoices", "technical"]})).json()

    answer = await patch(tom, row, roles=["technical"])

    assert (answer.status_code, answer.json()["state"], answer.json()["pending"]) == (200, "active", None)
    assert await waiting(operator) == []
    assert await in_force(portal) == [("rosa@kunde.example", ["technical"], True)]


async def test_giving_taking_and_removing_wait_alike(portal: Portal, tom: AsyncClient, operator: AsyncClient) -> None:
    await portal.contact(roles=["technical"])
    given = await patch(tom, await only_contact(tom), roles=["technical", "site_access"])
    assert (given.status_code, given.json()["roles"]) == (202, ["technical"])
    await decide(operator, approve=True)

    taken = await patch(tom, await only_contact(tom), roles=["technical"])
    assert (taken.status_code, taken.json()["roles"]) == (202, ["technical", "site_access"])
    await decide(operator, approve=False)

    row = await only_contact(tom)
    removed = await tom.delete(f"/contacts/{row['id']}", headers={"If-Match": f'"{row["version"]}"'})
    assert (removed.status_code, removed.json()["pending"]["kind"]) == (202, "remove")
    assert [one["id"] for one in await contacts_of(tom)] == [row["id"]]
    await decide(operator, approve=True)
    assert await contacts_of(tom) == []
    assert (await in_force(portal))[-1][2] is False


async def test_what_is_edited_meanwhile_joins_what_waits_and_editing_back_withdraws(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    await portal.contact(**ROSA)
    await patch(tom, await only_contact(tom), email="neu@kunde.example")
    second = await patch(tom, await only_contact(tom), hours="vormittags", phone="030 23125-199")

    assert second.status_code == 202
    assert second.json()["pending"]["changes"] == {
        "email": "neu@kunde.example",
        "hours": "vormittags",
        "phone": "030 23125-199",
    }
    back = {"email": "rosa@kunde.example", "phone": "+49 (0)30 23125-110"}
    withdrawn = await patch(tom, await only_contact(tom), **back)
    assert (withdrawn.status_code, withdrawn.json()["pending"], withdrawn.json()["hours"]) == (200, None, "vormittags")
    assert await waiting(operator) == []
    assert len(await waiting(operator, state="withdrawn")) == 2


async def test_an_operators_edit_counts_at_once_and_approves_nothing(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    await portal.contact(**ROSA)
    await patch(tom, await only_contact(tom), email="neu@kunde.example")

    edited = await patch(operator, await only_contact(operator), mobile="0171 23125110")

    assert (edited.status_code, edited.json()["email"]) == (200, "rosa@kunde.example")
    assert edited.json()["pending"]["changes"] == {"email": "neu@kunde.example"}
    await decide(operator, approve=True)
    row = await only_contact(tom)
    assert (row["email"], row["mobile"]) == ("neu@kunde.example", "0171 23125110")


async def test_only_operators_decide_and_only_once(portal: Portal, tom: AsyncClient, operator: AsyncClient) -> None:
    await portal.contact(**ROSA)
    await patch(tom, await only_contact(tom), email="neu@kunde.example")
    (approval,) = await waiting(operator)
    url = f"/contacts/approvals/{approval['id']}"

    assert (await tom.get("/contacts/approvals")).status_code == 403
    assert (await tom.post(url, json={"approve": True})).status_code == 403
    answers = [await operator.post(url, json={"approve": approve}) for approve in (True, False)]
    assert [answer.status_code for answer in answers] == [200, 409]
    assert answers[1].json()["code"] == "already_decided"
    unknown = await operator.post(f"/contacts/approvals/{uuid4()}", json={"approve": True})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "approval_not_found")


async def test_an_approval_that_no_longer_fits_is_refused(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    await portal.contact(**ROSA, phone=None)
    await patch(tom, await only_contact(tom), email=None, mobile="0171 23125110")
    await portal.contact(**ROSA | {"roles": ["invoices"]}, phone=None, version=2, removed=True)

    assert await waiting(operator) == []
    assert len(await waiting(operator, state="withdrawn")) == 1


async def test_looking_at_what_waits_is_in_each_customers_audit_log(
    portal: Portal, tom: AsyncClient, operator: AsyncClient, customer_id: UUID
) -> None:
    other = await portal.customer("KD-10002")
    await tom.post("/contacts", json=ROSA)
    async with portal.as_user(other) as stranger:
        await stranger.post("/contacts", json=ROSA)

    assert len(await waiting(operator)) == 2

    lines = await portal.emitted("contacts.audit.recorded.v1")
    looks = {line["customer_id"] for line in lines if line["what"] == "approvals_listed"}
    assert looks == {str(customer_id), str(other)}
    first = (await operator.get("/contacts/approvals", params={"limit": 1})).json()
    rest = (await operator.get("/contacts/approvals", params={"cursor": first["next_cursor"]})).json()
    assert len({row["id"] for row in first["items"] + rest["items"]}) == 2


async def test_what_waits_and_what_is_decided_is_told_without_the_values(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    await portal.contact(**ROSA)
    row = await only_contact(tom)
    await patch(tom, row, email="mallory@kunde.example")
    (asked,) = await portal.emitted("contacts.approval.requested.v1")
    await decide(operator, approve=False, reason="Bitte mit Vollmacht.")
    (told,) = await portal.emitted("contacts.approval.decided.v1")

    assert (asked["contact_id"], asked["kind"], asked["requested_by"]) == (row["id"], "change", "Tom Technik")
    assert (told["approval_id"], told["approved"]) == (asked["approval_id"], False)
    assert (told["requested_by_id"], told["reason"]) == (asked["actor_id"], "Bitte mit Vollmacht.")
    assert "mallory" not in str(asked) + str(told)
