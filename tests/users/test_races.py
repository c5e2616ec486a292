"""The same thing at the same moment: exactly one wins, nobody gets a 5xx, no version is used twice."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from httpx2 import Response
from sqlalchemy import func, select

from chassis.testing import calling
from events.auth import AuthAuditRecorded
from events.crm import CustomerUpserted
from services.users.chain import broken_at
from services.users.models import AuditLine, Customer, User
from tests.users.company import a_customer, a_row, a_user, admin_of, emitted, operator
from tests.users.ears import Ears

AT_ONCE = 8


def codes(answers: list[Response]) -> Counter[Any]:
    return Counter(answer.json()["code"] if answer.status_code >= 400 else answer.status_code for answer in answers)


async def count(app: FastAPI, table: Any) -> int:
    async with app.state.database.reading() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def test_two_admins_who_take_each_other_away_leave_one(app: FastAPI) -> None:
    changes: tuple[dict[str, Any] | None, ...] = (
        None,
        {"role": "member"},
        {"active": False},
        {"expires_on": "2026-01-01"},
    )
    for n, change in enumerate(changes):
        customer = await a_customer(app, f"KD-{n}")
        rows = [await a_row(app, customer, f"{side}{n}@firma.example", "admin") for side in "ab"]
        async with calling(app, admin_of(customer)) as client:
            how = {"headers": {"If-Match": '"1"'}} | ({"json": change} if change else {})
            method = "PATCH" if change else "DELETE"
            tries = (client.request(method, f"/users/{row['id']}", **how) for row in rows)
            outcome = codes(await asyncio.gather(*tries))
            left = [row for row in (await client.get("/users")).json()["items"] if row["state"] != "deactivated"]

        assert outcome == {200 if change else 204: 1, "last_admin": 1}, change
        assert [row["role"] for row in left].count("admin") == 1, change


async def test_of_fifty_admins_who_are_all_removed_at_once_one_stays(app: FastAPI) -> None:
    customer = await a_customer(app)
    rows = [await a_row(app, customer, f"a{n}@firma.example", "admin") for n in range(50)]
    async with calling(app, admin_of(customer)) as client:
        tag = {"If-Match": '"1"'}
        outcome = codes(await asyncio.gather(*(client.delete(f"/users/{row['id']}", headers=tag) for row in rows)))
        left = (await client.get("/users?limit=200")).json()["items"]

    assert outcome == {204: 49, "last_admin": 1}
    assert [row["role"] for row in left] == ["admin"]


async def test_two_administrators_of_the_operator_who_take_each_other_away_leave_one(app: FastAPI) -> None:
    changes: tuple[dict[str, Any], ...] = ({"active": False}, {"staff_role": "agent"}, {"expires_on": "2026-01-01"})
    async with calling(app, operator(staff_role="administrator")) as client:
        for n, change in enumerate(changes):
            rows = []
            for side in "ab":
                names = {"given_name": "Ole", "family_name": "Probe", "staff_role": "administrator"}
                made = await client.post("/staff", json={"email": f"{side}{n}@nordwelle.example"} | names)
                rows.append(made.json())
            for old in (await client.get("/staff?limit=200")).json()["items"]:
                if old["staff_role"] == "administrator" and old["id"] not in {row["id"] for row in rows}:
                    tag = {"If-Match": f'"{old["version"]}"'}
                    await client.patch(f"/staff/{old['id']}", json={"staff_role": "agent"}, headers=tag)

            tries = (client.patch(f"/staff/{row['id']}", json=change, headers={"If-Match": "*"}) for row in rows)
            assert codes(await asyncio.gather(*tries)) == {200: 1, "last_admin": 1}, change


async def test_the_same_new_person_from_many_companies_is_one_person(app: FastAPI) -> None:
    customers = [await a_customer(app, f"KD-{n}") for n in range(AT_ONCE)]

    await asyncio.gather(*(a_row(app, customer, "a@firma.example") for customer in customers))

    assert await count(app, User) == 1
    changed = await emitted(app, "users.user.changed.v1")
    assert sorted(event["version"] for event in changed) == list(range(1, AT_ONCE + 1))


async def test_the_same_new_row_many_times_is_made_once(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, admin_of(customer)) as client:
        tries = (client.post("/users", json=a_user("a@firma.example")) for _ in range(AT_ONCE))
        outcome = codes(await asyncio.gather(*tries))

    assert outcome == {201: 1, "already_member": AT_ONCE - 1}


async def test_the_same_customer_from_crm_and_operator_is_one(app: FastAPI) -> None:
    ears = Ears(app.state.database)
    body = {"number": "KD-1", "name": "Eins"}
    async with calling(app, operator()) as client:
        by_hand = [client.post("/customers", json=body) for _ in range(AT_ONCE // 2)]
        by_crm = [
            ears.hear(CustomerUpserted(customer_number="KD-1", name=f"Name {v}", version=v))
            for v in range(AT_ONCE // 2)
        ]
        answers = await asyncio.gather(*by_hand, *by_crm)

    assert {answer.status_code for answer in answers[: AT_ONCE // 2]} <= {201, 409}
    assert set(answers[AT_ONCE // 2 :]) == {"handled"}
    assert await count(app, Customer) == 1
    async with app.state.database.reading() as session:
        assert (await session.scalars(select(Customer))).one().name == f"Name {AT_ONCE // 2 - 1}"


async def test_of_many_changes_to_one_version_one_wins(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "a@firma.example")
    async with calling(app, operator(cust=customer)) as client:
        tag = {"If-Match": '"1"'}
        users = [
            client.patch(f"/users/{row['id']}", json={"family_name": f"N{n}"}, headers=tag) for n in range(AT_ONCE)
        ]
        companies = [
            client.patch(f"/customers/{customer}", json={"name": f"N{n}"}, headers=tag) for n in range(AT_ONCE)
        ]
        answers = await asyncio.gather(*users, *companies)

    wanted = {200: 1, "precondition_failed": AT_ONCE - 1}
    assert [codes(answers[:AT_ONCE]), codes(answers[AT_ONCE:])] == [wanted, wanted]


async def test_states_of_one_person_changed_at_two_companies_never_share_a_version(app: FastAPI) -> None:
    customers = [await a_customer(app, f"KD-{n}") for n in range(AT_ONCE)]
    rows = [await a_row(app, customer, "a@firma.example") for customer in customers]

    async def deactivate(customer: str, row: dict[str, Any]) -> None:
        async with calling(app, admin_of(customer)) as client:
            tag = {"If-Match": '"1"'}
            answer = await client.patch(f"/users/{row['id']}", json={"active": False}, headers=tag)
            assert answer.status_code == 200, answer.text

    await asyncio.gather(*(deactivate(customer, row) for customer, row in zip(customers, rows, strict=True)))

    changed = sorted(await emitted(app, "users.user.changed.v1"), key=lambda event: event["version"])
    assert [event["version"] for event in changed] == list(range(1, 2 * AT_ONCE + 1))
    assert [event["active"] for event in changed[-2:]] == [True, False]


async def test_the_same_key_at_once_makes_one_row(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, admin_of(customer)) as client:
        again = {"json": a_user("a@firma.example"), "headers": {"Idempotency-Key": "k"}}
        answers = await asyncio.gather(*(client.post("/users", **again) for _ in range(AT_ONCE)))
        listed = (await client.get("/users")).json()["items"]

    assert set(codes(answers)) <= {201, "request_in_flight", "already_member"}
    assert {answer.json()["id"] for answer in answers if answer.status_code == 201} == {row["id"] for row in listed}
    assert len(listed) == 1


async def test_lines_written_at_once_make_one_chain(app: FastAPI) -> None:
    ears, now = Ears(app.state.database), datetime.now(UTC)
    lines = [AuthAuditRecorded(what=f"w{n}", result="done", customer_id=uuid4(), occurred_at=now) for n in range(24)]

    await asyncio.gather(*map(ears.hear, lines))

    assert await count(app, AuditLine) == len(lines)
    async with app.state.database.reading() as session:
        assert await broken_at(session) is None
