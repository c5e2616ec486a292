"""What the gateway hears is what counts now, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from fastapi import FastAPI

from chassis.identity import Identity
from chassis.testing import calling
from services.users.models import MODULES
from services.users.people import invite_operator
from tests.users.company import a_customer, a_row, admin_of, emitted, operator

NOBODY = {
    "active": False,
    "name": "",
    "username": "",
    "language": "de",
    "role": None,
    "staff_role": None,
    "customer_id": None,
    "modules": [],
    "time_zone": "",
}


async def authorisation(app: FastAPI, user_id: str, customer_id: str | None = None) -> dict[str, Any]:
    async with calling(app, Identity(sub="gateway")) as client:
        answer = await client.post("/inner/authorisation", json={"user_id": user_id, "customer_id": customer_id})
    assert answer.status_code == 200
    return dict(answer.json())


async def newest_user(app: FastAPI) -> str:
    return str((await emitted(app, "users.user.changed.v1"))[-1]["user_id"])


async def change(app: FastAPI, customer: str, row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    async with calling(app, admin_of(customer)) as client:
        tag = (await client.get(f"/users/{row['id']}")).headers["etag"]
        answer = await client.patch(f"/users/{row['id']}", json=changes, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_member_has_the_modules_given_and_an_admin_all(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "a@firma.example", language="en")
    user = await newest_user(app)
    await a_row(app, customer, "b@firma.example", "admin")

    member = await authorisation(app, user, customer)
    await change(app, customer, row, role="admin", modules=[])
    admin = await authorisation(app, user, customer)

    assert member == {
        "active": True,
        "name": "Jan Muster",
        "username": "a@firma.example",
        "language": "en",
        "role": "member",
        "staff_role": None,
        "customer_id": customer,
        "modules": ["invoices"],
        "time_zone": "Europe/Berlin",
    }
    assert (admin["role"], admin["modules"]) == ("admin", list(MODULES))


async def test_each_way_out_counts_at_once(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "a@firma.example")
    user = await newest_user(app)
    over = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()

    seen = []
    for changes in ({"active": False}, {"active": True}, {"expires_on": over}, {"expires_on": None}):
        await change(app, customer, row, **changes)
        seen.append((await authorisation(app, user, customer))["active"])
    async with calling(app, admin_of(customer)) as client:
        await client.delete(f"/users/{row['id']}", headers={"If-Match": "*"})
    removed = await authorisation(app, user, customer)

    assert seen == [False, True, False, True]
    assert removed == await authorisation(app, str(uuid4()), customer) == NOBODY


async def test_of_several_companies_the_wanted_else_the_oldest_that_is_active(app: FastAPI) -> None:
    old, new, foreign = [await a_customer(app, f"KD-{n}") for n in range(3)]
    await a_row(app, old, "a@firma.example", modules=["graphs"])
    await a_row(app, new, "a@firma.example", modules=["contracts"])
    user = await newest_user(app)

    opened = {wanted: (await authorisation(app, user, wanted)) for wanted in (None, old, new, foreign)}
    async with calling(app, operator()) as client:
        await client.patch(f"/customers/{old}", json={"active": False}, headers={"If-Match": "*"})
    afterwards = [(await authorisation(app, user, wanted))["customer_id"] for wanted in (None, old, new)]

    assert [one["customer_id"] for one in opened.values()] == [old, old, new, old]
    assert [one["modules"] for one in opened.values()] == [["graphs"], ["graphs"], ["contracts"], ["graphs"]]
    assert afterwards == [new, new, new]


async def test_staff_open_any_active_customer_or_none(app: FastAPI) -> None:
    customer, closed = await a_customer(app), await a_customer(app, "KD-2")
    async with app.state.database.transaction() as session:
        membership = await invite_operator(
            session,
            email="P.Wellmann@nordwelle.example",
            given_name="Petra",
            family_name="Wellmann",
            staff_role="agent",
            language="de",
            company="Nordwelle",
        )
    user = str(membership.user_id)
    await a_row(app, customer, "p.wellmann@nordwelle.example", "admin")
    async with calling(app, operator()) as client:
        await client.patch(f"/customers/{closed}", json={"active": False}, headers={"If-Match": "*"})

    for wanted, opened in ((None, None), (customer, customer), (closed, None), (str(uuid4()), None)):
        answer = await authorisation(app, user, wanted)
        assert (answer["role"], answer["staff_role"], answer["customer_id"]) == ("operator", "agent", opened)
        assert answer["time_zone"] == ("Europe/Berlin" if opened else "")
        assert (answer["modules"], answer["username"]) == ([], "p.wellmann@nordwelle.example")


async def test_only_the_gateway_may_ask(app: FastAPI) -> None:
    question = {"user_id": str(uuid4()), "customer_id": None}
    strangers = (operator(), admin_of(str(uuid4())), Identity(sub="machine:x"), Identity(sub="anonymous"))
    for who in strangers:
        async with calling(app, who) as client:
            assert (await client.post("/inner/authorisation", json=question)).status_code == 401
    async with calling(app, Identity(sub="gateway")) as client:
        for bad in ({}, {"user_id": "x"}, {"user_id": None}, [], None):
            assert (await client.post("/inner/authorisation", json=bad)).status_code == 422
