"""List, one contact, create, edit, remove, confirm."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from httpx2 import AsyncClient

from tests.contacts.conftest import OPERATOR, Portal, a_contact, ago, contacts_of, only_contact, patch

ANNA = {"given_name": "Anna", "family_name": "Beispiel", "email": "Anna@Kunde.example", "roles": ["commercial"]}


async def test_what_the_crm_says_is_shown_with_its_age(portal: Portal, tom: AsyncClient) -> None:
    assert await portal.contact(time=ago(days=427), hours="Mo–Fr 8–17 Uhr", languages=["de", "en"]) == "handled"

    row = await only_contact(tom)

    assert (row["name"], row["side"], row["state"], row["roles"]) == (
        "Tom Technik",
        "customer",
        "active",
        ["technical"],
    )
    assert (row["phone"], row["phone_e164"]) == ("+49 (0)30 23125-110", "+493023125110")
    assert (row["confirmed_at"], row["review_due"], row["editable"]) == (None, True, True)
    assert row["hours"] == "Mo–Fr 8–17 Uhr"


async def test_operator_contacts_are_for_everybody_or_for_one_customer(
    portal: Portal, tom: AsyncClient, customer_id: UUID
) -> None:
    other = await portal.customer("KD-10002")
    noc = {"side": "operator", "roles": ["noc"], "given_name": "", "family_name": "NOC", "hours": "24/7"}
    await portal.contact("O-1", **noc, customer_number=None)
    await portal.contact("O-2", **noc | {"family_name": "Kundenbetreuung", "roles": ["account_manager"]})
    await portal.contact("O-3", **noc | {"family_name": "Vertretung"}, customer_number=None, deputy_of="O-1")

    mine = await contacts_of(tom, side="operator")
    async with portal.as_user(other) as stranger:
        theirs = await contacts_of(stranger)

    assert [row["name"] for row in mine] == ["Kundenbetreuung", "NOC", "Vertretung"]
    assert [row["name"] for row in theirs] == ["NOC", "Vertretung"]
    assert [row["name"] for row in await contacts_of(tom, side="operator", role="account_manager")] == [
        "Kundenbetreuung"
    ]
    assert mine[2]["deputy_of"] == {"id": mine[1]["id"], "name": "NOC"}
    assert [deputy["name"] for deputy in mine[1]["deputies"]] == ["Vertretung"]
    assert not any(row["editable"] or row["review_due"] for row in mine)


async def test_a_member_adds_edits_and_removes(portal: Portal, tom: AsyncClient) -> None:
    made = await tom.post("/contacts", json=ANNA | {"phone": "030 23125-120", "mobile": ""})
    assert (made.status_code, made.headers["etag"]) == (201, '"1"'), made.text
    row = made.json()
    assert (row["email"], row["mobile"], row["confirmed_by"]) == ("anna@kunde.example", None, "Tom Technik")

    edited = await patch(tom, row, family_name="Neu", roles=["commercial", "planned_works"], phone=None)
    assert (edited.status_code, edited.json()["version"]) == (200, 2), edited.text
    stale = await patch(tom, row, family_name="Alt")
    shown = await tom.get(f"/contacts/{row['id']}")
    assert (stale.status_code, shown.json()["name"], shown.headers["etag"]) == (412, "Anna Neu", '"2"')
    missing = await tom.patch(f"/contacts/{row['id']}", json={})
    assert missing.status_code == 428

    gone = await tom.delete(f"/contacts/{row['id']}", headers={"If-Match": '"2"'})
    assert gone.status_code == 204
    assert (await tom.get(f"/contacts/{row['id']}")).status_code == 404
    changes = await portal.emitted("contacts.contact.changed.v1")
    assert [(change["version"], change["active"]) for change in changes] == [(1, True), (2, True), (3, False)]
    assert changes[1]["roles"] == ["commercial", "planned_works"]
    assert [what for what, _ in await portal.audited()] == ["contact_created", "contact_changed", "contact_removed"]


async def test_creating_twice_with_one_key_creates_once(tom: AsyncClient) -> None:
    key = {"Idempotency-Key": "anna-1"}

    first = await tom.post("/contacts", json=ANNA, headers=key)
    second = await tom.post("/contacts", json=ANNA, headers=key)
    other = await tom.post("/contacts", json=ANNA | {"family_name": "Andere"}, headers=key)

    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert other.status_code == 422
    assert len(await contacts_of(tom)) == 1


async def test_a_confirmation_has_name_and_date(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact(time=ago(days=427))
    row = await only_contact(tom)
    before = datetime.now(UTC)

    answer = await tom.post(f"/contacts/{row['id']}/confirmation", headers={"If-Match": f'"{row["version"]}"'})

    confirmed = answer.json()
    assert (answer.status_code, confirmed["confirmed_by"], confirmed["review_due"]) == (200, "Tom Technik", False)
    assert datetime.fromisoformat(confirmed["confirmed_at"]) >= before
    (told,) = await portal.emitted("contacts.contact.confirmed.v1")
    assert (told["confirmed_by"], told["version"]) == ("Tom Technik", confirmed["version"])
    again = await tom.post(f"/contacts/{row['id']}/confirmation", headers={"If-Match": f'"{row["version"]}"'})
    assert again.status_code == 412


async def test_an_operators_edit_is_no_confirmation_by_the_customer(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    await portal.contact(time=ago(days=427))
    row = await only_contact(tom)
    row = (await tom.post(f"/contacts/{row['id']}/confirmation")).json()

    edited = (await patch(operator, row, hours="nachmittags")).json()

    assert (edited["confirmed_by"], edited["changed_by"], edited["hours"]) == (None, "Oskar Leitner", "nachmittags")


async def test_customers_do_not_touch_the_operators_contacts(portal: Portal, tom: AsyncClient) -> None:
    await portal.contact("O-1", side="operator", customer_number=None, roles=["noc"])
    row = await only_contact(tom)

    answers = [
        await patch(tom, row, hours="nie"),
        await tom.delete(f"/contacts/{row['id']}", headers={"If-Match": '"1"'}),
        await tom.post(f"/contacts/{row['id']}/confirmation"),
        await tom.post("/contacts", json=ANNA | {"side": "operator", "roles": ["noc"]}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "operator_contact")] * 4


async def test_the_operator_keeps_its_own_contacts_here_too(
    portal: Portal, tom: AsyncClient, operator: AsyncClient
) -> None:
    chief = {"side": "operator", "everybody": True, "family_name": "Leitstand", "phone": "+49 30 23125-100"}
    noc = (await operator.post("/contacts", json=chief | {"roles": ["noc"]})).json()
    deputy = await operator.post("/contacts", json=chief | {"family_name": "Zweite", "deputy_of": noc["id"]})

    assert deputy.status_code == 201, deputy.text
    assert [row["name"] for row in await contacts_of(tom, side="operator")] == ["Leitstand", "Zweite"]
    wrong = await operator.post("/contacts", json=chief | {"deputy_of": str(uuid4())})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "unknown_deputised")
    for own_customers in ({"everybody": True}, {"deputy_of": noc["id"]}):
        assert (await operator.post("/contacts", json=ANNA | own_customers)).status_code == 422


async def test_pages_follow_each_other_by_name_without_gap_or_double(tom: AsyncClient) -> None:
    for name in ("Zeta", "äpfel", "Arnold", "Öl", "Beta"):
        await tom.post("/contacts", json=ANNA | {"given_name": "", "family_name": name})
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await tom.get("/contacts", params=params)).json()
        seen += [row["name"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == ["äpfel", "Arnold", "Beta", "Öl", "Zeta"]
    assert (await tom.get("/contacts", params={"cursor": "x"})).status_code == 422
    assert [row["name"] for row in await contacts_of(tom, q="APF")] == ["äpfel"]
    assert await contacts_of(tom, q="100%") == []


async def test_other_customers_contacts_do_not_exist(portal: Portal, tom: AsyncClient) -> None:
    other = await portal.customer("KD-10002")
    row: dict[str, Any] = (await tom.post("/contacts", json=ANNA)).json()
    headers = {"If-Match": "*"}

    async with portal.as_user(other) as stranger:
        for contact_id in (row["id"], str(uuid4())):
            url = f"/contacts/{contact_id}"
            answers = [
                await stranger.get(url),
                await stranger.get(f"{url}.vcf"),
                await stranger.patch(url, json={"hours": "x"}, headers=headers),
                await stranger.delete(url, headers=headers),
                await stranger.post(f"{url}/confirmation"),
            ]
            assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
                (404, "contact_not_found")
            ] * 5
        assert await contacts_of(stranger) == []


async def test_only_the_module_opens_it_and_tokens_only_read(portal: Portal, customer_id: UUID) -> None:
    await portal.contact()
    async with portal.as_user(customer_id, modules=("invoices",)) as member:
        assert (await member.get("/contacts")).status_code == 403
    token = {"amr": ("api_token",), "scopes": ("contacts:read",), "sid": None}
    async with portal.as_user(customer_id, **token) as program:
        row = await only_contact(program)
        assert (row["editable"], (await patch(program, row, hours="x")).status_code) == (False, 403)
    async with portal.as_user(None, **OPERATOR) as undecided:
        answer = await undecided.get("/contacts")
        assert (answer.status_code, answer.json()["code"]) == (409, "no_customer_chosen")


async def test_every_look_of_the_operator_is_in_the_audit_log(
    portal: Portal, operator: AsyncClient, tom: AsyncClient, customer_id: UUID
) -> None:
    await portal.contact()
    row = await only_contact(operator)
    for path in (f"/contacts/{row['id']}", "/contacts/review", "/contacts.csv", f"/contacts/{row['id']}.vcf"):
        assert (await operator.get(path)).status_code == 200
        assert (await tom.get(path)).status_code == 200

    lines = await portal.emitted("contacts.audit.recorded.v1")

    assert {line["customer_id"] for line in lines} == {str(customer_id)}
    looks = [line["what"] for line in lines if line["result"] == "looked"]
    assert looks == ["contacts_listed", "contact_read", "contacts_listed", "contacts_exported", "contacts_exported"]
    assert [line["what"] for line in lines if line["result"] == "done"] == ["contacts_exported"] * 2


async def test_the_crm_may_send_a_role_that_nobody_knows(portal: Portal, tom: AsyncClient) -> None:
    await portal.publish("crm.contact.upserted.v1", a_contact(roles=["Technical", "Fuhrpark", "Site-Access"]))
    row = await only_contact(tom)

    assert row["roles"] == ["technical", "fuhrpark", "site_access"]
    kept = await patch(tom, row, roles=["fuhrpark", "site_access"])
    given = await tom.post("/contacts", json=ANNA | {"roles": ["commercial", "fuhrpark"]})
    assert kept.status_code == 200, kept.text
    assert (given.status_code, given.json()["code"]) == (422, "unknown_role")
    assert given.json()["errors"][0]["pointer"] == "/roles/1"
