"""Customers and their people over HTTP, on both databases."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from fastapi import FastAPI
from sqlalchemy import select

from chassis.idempotency import KeptAnswer
from chassis.testing import calling
from tests.users.company import a_customer, a_row, a_user, admin_of, emitted, operator


async def test_an_operator_creates_a_customer_and_its_first_admin(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, operator(cust=customer, name="Petra Wellmann")) as client:
        made = await client.post("/users", json=a_user("anna@beispiel.example", "admin"))
        invited = await client.post(f"/users/{made.json()['id']}/invitation")

    assert (made.status_code, made.json()["state"], made.json()["invitation"]["state"]) == (201, "created", "none")
    assert (invited.status_code, invited.json()["state"], invited.json()["invitation"]["state"]) == (
        202,
        "invited",
        "sent",
    )
    (invitation,) = await emitted(app, "users.user.invited.v1")
    assert invitation["invited_by"] == "Petra Wellmann"
    assert invitation["customer_name"] == "Beispiel Logistik AG"
    assert (await emitted(app, "users.customer.changed.v1"))[0]["number"] == "KD-10042"


async def test_an_operator_without_a_customer_must_choose_one(app: FastAPI) -> None:
    async with calling(app, operator()) as client:
        answers = [await client.get("/users"), await client.post("/users", json=a_user("a@b.example"))]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "no_customer_chosen")] * 2


async def test_people_of_another_company_do_not_exist(app: FastAPI) -> None:
    mine, other = await a_customer(app), await a_customer(app, "KD-2")
    async with calling(app, admin_of(other)) as client:
        row = (await client.post("/users", json=a_user("x@other.example", "admin"))).json()["id"]
    unknown = uuid4()

    async with calling(app, admin_of(mine)) as client:
        for method, path, body in (
            ("GET", "/users/{}", None),
            ("PATCH", "/users/{}", {"active": False}),
            ("DELETE", "/users/{}", None),
            ("POST", "/users/{}/invitation", None),
        ):
            foreign = await client.request(method, path.format(row), json=body, headers={"If-Match": '"1"'})
            missing = await client.request(method, path.format(unknown), json=body, headers={"If-Match": '"1"'})
            assert foreign.status_code == 404
            assert {**foreign.json(), "request_id": ""} == {**missing.json(), "request_id": ""}
        assert (await client.get("/users")).json()["items"] == []


async def test_a_person_of_another_company_gets_a_further_membership_without_a_hint(app: FastAPI) -> None:
    mine, other = await a_customer(app), await a_customer(app, "KD-2")
    async with calling(app, admin_of(other)) as client:
        first = (await client.post("/users", json=a_user("Both@firma.example"))).json()
    async with calling(app, admin_of(mine)) as client:
        second = await client.post("/users", json=a_user("both@FIRMA.example", given_name="Other"))
        again = await client.post("/users", json=a_user("BOTH@firma.example"))

    assert second.status_code == 201
    assert second.json()["id"] != first["id"]
    assert (again.status_code, again.json()["code"]) == (409, "already_member")
    users = {event["user_id"] for event in await emitted(app, "users.user.changed.v1")}
    assert len(users) == 1


async def test_the_last_admin_stays(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, admin_of(customer)) as client:
        row = (await client.post("/users", json=a_user("a@firma.example", "admin"))).json()
        tag = {"If-Match": f'"{row["version"]}"'}
        tries = [
            await client.delete(f"/users/{row['id']}", headers=tag),
            await client.patch(f"/users/{row['id']}", json={"role": "member"}, headers=tag),
            await client.patch(f"/users/{row['id']}", json={"active": False}, headers=tag),
            await client.patch(f"/users/{row['id']}", json={"expires_on": "2026-01-01"}, headers=tag),
            await client.patch(f"/users/{row['id']}", json={"expires_on": "2099-01-01"}, headers=tag),
        ]

    assert [(answer.status_code, answer.json()["code"]) for answer in tries] == [(409, "last_admin")] * 5


async def test_changing_needs_the_newest_version(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, admin_of(customer)) as client:
        row = (await client.post("/users", json=a_user("a@firma.example"))).json()
        shown = await client.get(f"/users/{row['id']}")
        blind = await client.patch(f"/users/{row['id']}", json={"modules": []})
        good = await client.patch(
            f"/users/{row['id']}",
            json={"modules": ["graphs"], "family_name": "Neu"},
            headers={"If-Match": shown.headers["etag"]},
        )
        stale = await client.patch(
            f"/users/{row['id']}", json={"modules": []}, headers={"If-Match": shown.headers["etag"]}
        )

        removals = [
            await client.delete(f"/users/{row['id']}"),
            await client.delete(f"/users/{row['id']}", headers={"If-Match": shown.headers["etag"]}),
            await client.delete(f"/users/{row['id']}", headers={"If-Match": f"W/{good.headers['etag']}"}),
            await client.delete(f"/users/{row['id']}", headers={"If-Match": good.headers["etag"]}),
        ]

    assert (blind.status_code, good.status_code, stale.status_code) == (428, 200, 412)
    assert [answer.status_code for answer in removals] == [428, 412, 412, 204]
    assert (good.json()["modules"], good.json()["family_name"]) == (["graphs"], "Neu")


async def test_administration_needs_a_fresh_second_factor(app: FastAPI) -> None:
    customer = await a_customer(app)
    for stale in (None, int((datetime.now(UTC) - timedelta(minutes=11)).timestamp())):
        async with calling(app, admin_of(customer, step_up_at=stale)) as client:
            answer = await client.post("/users", json=a_user("a@firma.example"))
            assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")


async def test_members_administrate_nobody(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, admin_of(customer, role="member")) as client:
        assert (await client.get("/users")).status_code == 403
        assert (await client.get("/customers")).status_code == 403


BAD_USERS = (
    ({"email": "nobody"}, "/email"),
    ({"email": "a b@firma.example"}, "/email"),
    ({"email": "jürgen@firma.example"}, "/email"),
    ({"email": "a@firma.example\r\nBcc: x@y.example"}, "/email"),
    ({"given_name": ""}, "/given_name"),
    ({"given_name": "A\x00"}, "/given_name"),
    ({"family_name": "x" * 101}, "/family_name"),
    ({"role": "operator"}, "/role"),
    ({"modules": ["root"]}, "/modules/0"),
    ({"modules": "invoices"}, "/modules"),
    ({"password": "secret"}, "/password"),
    ({"expires_on": "2026-02-30"}, "/expires_on"),
    ({"staff_role": "administrator"}, "/staff_role"),
    ({"id": "1"}, "/id"),
)


async def test_bad_input_has_a_pointer(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, admin_of(customer)) as client:
        for wrong, pointer in BAD_USERS:
            answer = await client.post("/users", json=a_user("a@firma.example") | wrong)
            assert answer.status_code == 422, wrong
            assert pointer in {item["pointer"] for item in answer.json()["errors"]}


async def test_the_same_number_twice_is_refused_and_the_same_key_is_not(app: FastAPI) -> None:
    body = {"number": "KD-1", "name": "Eins"}
    async with calling(app, operator()) as client:
        first = await client.post("/customers", json=body, headers={"Idempotency-Key": "k"})
        again = await client.post("/customers", json=body, headers={"Idempotency-Key": "k"})
        taken = await client.post("/customers", json=body)

    assert (first.status_code, again.status_code, taken.status_code) == (201, 201, 409)
    assert first.json() == again.json()
    async with app.state.database.reading() as session:
        assert len((await session.scalars(select(KeptAnswer))).all()) == 1


async def test_lists_go_on_where_they_stopped(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, admin_of(customer)) as client:
        for n in range(5):
            await client.post("/users", json=a_user(f"{n}@firma.example"))
        seen, cursor = [], None
        while True:
            page = (await client.get("/users", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
            seen += [row["email"] for row in page["items"]]
            if not (cursor := page["next_cursor"]):
                break
        broken = await client.get("/users", params={"cursor": "nonsense"})

    assert seen == [f"{n}@firma.example" for n in range(5)]
    assert broken.status_code == 422


async def test_a_removed_user_is_gone_and_may_come_back_as_new(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "a@firma.example", modules=["graphs"])
    tag = {"If-Match": f'"{row["version"]}"'}
    async with calling(app, admin_of(customer)) as client:
        removed = await client.delete(f"/users/{row['id']}", headers=tag)
        gone = [
            await client.get(f"/users/{row['id']}"),
            await client.patch(f"/users/{row['id']}", json={"active": True}, headers=tag),
            await client.delete(f"/users/{row['id']}", headers=tag),
            await client.post(f"/users/{row['id']}/invitation"),
        ]
        listed = (await client.get("/users")).json()["items"]
        again = await client.post("/users", json=a_user("a@firma.example", given_name="Neu"))

    assert (removed.status_code, listed) == (204, [])
    assert [(answer.status_code, answer.json()["code"]) for answer in gone] == [(404, "user_unknown")] * 4
    assert (again.status_code, again.json()["state"], again.json()["given_name"]) == (201, "created", "Neu")
    assert [event["active"] for event in await emitted(app, "users.membership.changed.v1")] == [True, False, True]
    assert [event["active"] for event in await emitted(app, "users.user.changed.v1")] == [True, False, True]


async def test_a_wrong_address_may_be_corrected_until_the_link_is_used(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "typo@firma.example")
    async with calling(app, admin_of(customer)) as client:
        await client.post(f"/users/{row['id']}/invitation")
        corrected = await client.patch(
            f"/users/{row['id']}", json={"email": "Right@firma.example"}, headers={"If-Match": '"1"'}
        )
        other = await client.post("/users", json=a_user("other@firma.example"))
        taken = await client.patch(
            f"/users/{other.json()['id']}", json={"email": "right@firma.example"}, headers={"If-Match": '"1"'}
        )

    assert (corrected.status_code, corrected.json()["username"]) == (200, "right@firma.example")
    assert (corrected.json()["state"], corrected.json()["invitation"]["state"]) == ("created", "none")
    assert (taken.status_code, taken.json()["code"]) == (409, "already_member")
    assert [event["email"] for event in await emitted(app, "users.user.changed.v1")][:2] == [
        "typo@firma.example",
        "right@firma.example",
    ]


async def test_nobody_invites_the_deactivated(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "a@firma.example")
    async with calling(app, admin_of(customer)) as client:
        await client.patch(f"/users/{row['id']}", json={"active": False}, headers={"If-Match": '"1"'})
        refused = await client.post(f"/users/{row['id']}/invitation")
        back = await client.patch(f"/users/{row['id']}", json={"active": True}, headers={"If-Match": '"2"'})
        sent = await client.post(f"/users/{row['id']}/invitation")

    assert (refused.status_code, refused.json()["code"]) == (409, "deactivated")
    assert (back.json()["state"], sent.status_code) == ("created", 202)


async def test_an_end_date_can_be_set_and_taken_away(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "a@firma.example", expires_on="2099-12-31")
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    async with calling(app, admin_of(customer)) as client:
        over = await client.patch(f"/users/{row['id']}", json={"expires_on": yesterday}, headers={"If-Match": '"1"'})
        endless = await client.patch(f"/users/{row['id']}", json={"expires_on": None}, headers={"If-Match": '"2"'})

    assert row["expires_on"] == "2099-12-31"
    assert (over.json()["state"], endless.json()["state"], endless.json()["expires_on"]) == (
        "deactivated",
        "created",
        None,
    )
    assert [event["active"] for event in await emitted(app, "users.user.changed.v1")] == [True, False, True]


async def test_my_own_name_and_language(app: FastAPI) -> None:
    customer = await a_customer(app)
    await a_row(app, customer, "a@firma.example")
    me = (await emitted(app, "users.user.changed.v1"))[-1]["user_id"]
    async with calling(app, admin_of(customer, sub=me)) as client:
        before = (await client.get("/users/me")).json()
        changed = await client.patch("/users/me", json={"given_name": "Anna", "language": "en"})
        nothing = await client.patch("/users/me", json={"given_name": "Anna"})
    async with calling(app, admin_of(customer)) as client:
        stranger = [await client.get("/users/me"), await client.patch("/users/me", json={"language": "en"})]

    assert (before["username"], before["given_name"], before["language"]) == ("a@firma.example", "Jan", "de")
    assert changed.json() == nothing.json() == before | {"given_name": "Anna", "language": "en"}
    assert [event["version"] for event in await emitted(app, "users.user.changed.v1")] == [1, 2]
    assert [answer.status_code for answer in stranger] == [404, 404]


async def test_customers_are_searched_and_paged_whatever_the_letters(app: FastAPI) -> None:
    names = ["Ägäis AG", "ärger GmbH", "Straße & Söhne", "Zeta", "alpha", "ÖBB Test"]
    ids = [await a_customer(app, f"KD-{n}", name=name) for n, name in enumerate(names)]
    async with calling(app, operator()) as client:
        found: list[str] = []
        cursor = None
        while True:
            params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await client.get("/customers", params=params)).json()
            found += [customer["id"] for customer in page["items"]]
            if not (cursor := page["next_cursor"]):
                break
        hits = {q: [c["name"] for c in (await client.get("/customers", params={"q": q})).json()["items"]] for q in HITS}

    assert sorted(found) == sorted(ids)
    assert hits == HITS


HITS = {"ÄRGER": ["ärger GmbH"], "strasse": ["Straße & Söhne"], "öbb": ["ÖBB Test"], "kd-3": ["Zeta"], "%": [], "_": []}


async def test_a_customer_is_changed_with_its_newest_version(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, operator()) as client:
        blind = await client.patch(f"/customers/{customer}", json={"name": "Neu"})
        stale = await client.patch(f"/customers/{customer}", json={"name": "Neu"}, headers={"If-Match": '"7"'})
        good = await client.patch(
            f"/customers/{customer}",
            json={"name": "Neu", "email_domains": ["A.example", "a.example"], "time_zone": "America/New_York"},
            headers={"If-Match": '"1"'},
        )
        unknown = [
            await client.get(f"/customers/{uuid4()}"),
            await client.patch(f"/customers/{uuid4()}", json={}, headers={"If-Match": '"1"'}),
        ]

    assert (blind.status_code, stale.status_code, good.status_code) == (428, 412, 200)
    assert (good.json()["name"], good.json()["email_domains"], good.headers["etag"]) == ("Neu", ["a.example"], '"2"')
    assert [answer.json()["code"] for answer in unknown] == ["customer_unknown"] * 2
    assert [event["version"] for event in await emitted(app, "users.customer.changed.v1")] == [1, 2]
