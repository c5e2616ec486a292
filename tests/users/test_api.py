"""Customers and their people over HTTP, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from chassis.idempotency import KeptAnswer
from chassis.identity import Identity
from chassis.outbox import OutboxRow
from chassis.testing import calling, person
from events.base import decode
from services.users.main import create_with
from services.users.models import Membership
from services.users.settings import Settings

STAFF = {"role": "operator", "modules": ()}


@pytest.fixture
async def app(new_database: Any) -> AsyncIterator[FastAPI]:
    app = create_with(Settings(database_url=await new_database("users")))
    yield app
    await app.state.database.close()


def now_stepped_up() -> int:
    return int(datetime.now(UTC).timestamp())


def operator(**claims: Any) -> Identity:
    return person(**({"role": "operator", "modules": (), "cust": None, "step_up_at": now_stepped_up()} | claims))


def admin_of(customer_id: str, **claims: Any) -> Identity:
    return person(**({"cust": customer_id, "role": "admin", "step_up_at": now_stepped_up()} | claims))


def a_user(email: str, role: str = "member", **more: Any) -> dict[str, Any]:
    names = {"given_name": "Jan", "family_name": "Muster"}
    return {"email": email, "role": role, "modules": ["invoices"]} | names | more


async def a_customer(app: FastAPI, number: str = "KD-10042", **more: Any) -> str:
    async with calling(app, operator()) as client:
        made = await client.post("/customers", json={"number": number, "name": "Beispiel Logistik AG"} | more)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def emitted(app: FastAPI, subject: str) -> list[dict[str, Any]]:
    async with app.state.database.reading() as session:
        rows = await session.scalars(select(OutboxRow).where(OutboxRow.subject == subject).order_by(OutboxRow.position))
        return [decode(row.headers, row.payload).data for row in rows]


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
        ]

    assert [(answer.status_code, answer.json()["code"]) for answer in tries] == [(409, "last_admin")] * 4


async def test_two_admins_removing_each_other_leave_one(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, admin_of(customer)) as client:
        rows = [(await client.post("/users", json=a_user(f"{n}@firma.example", "admin"))).json() for n in "ab"]
        removals = [client.delete(f"/users/{row['id']}", headers={"If-Match": '"1"'}) for row in rows]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*removals))
        left = [row for row in (await client.get("/users")).json()["items"] if row["state"] != "deactivated"]

    assert statuses == [204, 409]
    assert len(left) == 1


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

    assert (blind.status_code, good.status_code, stale.status_code) == (428, 200, 412)
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


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
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
    ],
)
async def test_bad_input_has_a_pointer(app: FastAPI, wrong: dict[str, Any], pointer: str) -> None:
    customer = await a_customer(app)
    async with calling(app, admin_of(customer)) as client:
        answer = await client.post("/users", json=a_user("a@firma.example") | wrong)

    assert answer.status_code == 422
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


async def authorisation(app: FastAPI, user_id: str, customer_id: str | None) -> dict[str, Any]:
    async with calling(app, Identity(sub="gateway")) as client:
        answer = await client.post("/inner/authorisation", json={"user_id": user_id, "customer_id": customer_id})
    assert answer.status_code == 200
    return dict(answer.json())


async def test_what_the_gateway_hears_is_what_counts_now(app: FastAPI) -> None:
    mine, other = await a_customer(app), await a_customer(app, "KD-2")
    async with calling(app, admin_of(mine)) as client:
        row = (await client.post("/users", json=a_user("a@firma.example"))).json()
    user_id = (await emitted(app, "users.user.changed.v1"))[-1]["user_id"]

    alone = await authorisation(app, user_id, None)
    assert (alone["active"], alone["customer_id"], alone["role"], alone["modules"]) == (
        True,
        mine,
        "member",
        ["invoices"],
    )
    assert (await authorisation(app, user_id, other))["customer_id"] == mine
    assert (await authorisation(app, str(uuid4()), None))["active"] is False

    async with app.state.database.transaction() as session:
        membership = await session.get(Membership, UUID(row["id"]))
        membership.expires_on = datetime.now(UTC).date() - timedelta(days=2)
    assert (await authorisation(app, user_id, mine))["active"] is False


async def test_only_the_gateway_may_ask_what_a_person_may(app: FastAPI) -> None:
    for who in (operator(), admin_of(str(uuid4()))):
        async with calling(app, who) as client:
            answer = await client.post("/inner/authorisation", json={"user_id": str(uuid4()), "customer_id": None})
            assert answer.status_code == 401


async def test_a_deactivated_company_lets_nobody_in(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, admin_of(customer)) as client:
        await client.post("/users", json=a_user("a@firma.example"))
    user_id = (await emitted(app, "users.user.changed.v1"))[-1]["user_id"]
    async with calling(app, operator()) as client:
        tag = (await client.get(f"/customers/{customer}")).headers["etag"]
        await client.patch(f"/customers/{customer}", json={"active": False}, headers={"If-Match": tag})

    assert (await authorisation(app, user_id, customer))["active"] is False
