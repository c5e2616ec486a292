"""The operator's own people: invited, changed, and one administrator stays; nothing of it in a customer's log."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from chassis.testing import calling
from tests.users.company import a_customer, a_row, admin_of, emitted, operator

OLE = {"email": "ole@nordwelle.example", "given_name": "Ole", "family_name": "Probe", "staff_role": "agent"}


def administrator(**claims: Any) -> Any:
    return operator(**({"staff_role": "administrator"} | claims))


async def test_a_colleague_is_invited_changed_and_put_out(app: FastAPI) -> None:
    async with calling(app, administrator()) as client:
        made = (await client.post("/staff", json=OLE)).json()
        again = await client.post("/staff", json=OLE | {"email": "OLE@nordwelle.example"})
        tag = {"If-Match": f'"{made["version"]}"'}
        changed = await client.patch(f"/staff/{made['id']}", json={"family_name": "Muster"}, headers=tag)
        late = await client.patch(f"/staff/{made['id']}", json={"family_name": "Zu spät"}, headers=tag)
        none = await client.patch(f"/staff/{made['id']}", json={"family_name": "Ohne"})
        out = await client.patch(
            f"/staff/{made['id']}", json={"active": False}, headers={"If-Match": changed.headers["ETag"]}
        )
        refused = await client.post("/staff", json=OLE)
        listed = (await client.get("/staff")).json()["items"]

    assert (made["state"], made["invitation"]["state"], made["staff_role"]) == ("invited", "sent", "agent")
    assert (again.status_code, again.json()["id"]) == (201, made["id"])
    assert (changed.json()["family_name"], late.status_code, none.status_code) == ("Muster", 412, 428)
    assert (out.json()["state"], refused.json()["code"]) == ("deactivated", "deactivated")
    assert [row["id"] for row in listed] == [made["id"]]
    asked = await emitted(app, "users.user.invited.v1")
    assert [(event["customer_id"], event["invited_by"]) for event in asked] == [(None, operator().name)] * 2
    told = await emitted(app, "users.membership.changed.v1")
    assert [(event["role"], event["active"]) for event in told][-1] == ("operator", False)


async def test_only_administrators_who_have_just_shown_their_app_change_anything(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, administrator()) as client:
        made = (await client.post("/staff", json=OLE)).json()
    expected = {
        "agent": (operator(staff_role="agent"), 200, "administrator_needed"),
        "late": (administrator(step_up_at=None), 200, "step_up_required"),
        "admin": (admin_of(customer), 403, "forbidden"),
    }
    for name, (who, look, code) in expected.items():
        async with calling(app, who) as client:
            answers = [
                await client.post("/staff", json=OLE),
                await client.patch(f"/staff/{made['id']}", json={"active": False}, headers={"If-Match": "*"}),
            ]
            assert (await client.get("/staff")).status_code == look, name
        assert [answer.json()["code"] for answer in answers] == [code] * 2, name


async def test_a_customers_row_is_none_of_the_staff(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "jan@firma.example")
    async with calling(app, administrator(cust=customer)) as client:
        theirs = await client.patch(f"/staff/{row['id']}", json={"active": False}, headers={"If-Match": "*"})
        nobody = await client.patch(f"/staff/{uuid4()}", json={"active": False}, headers={"If-Match": "*"})

    assert (theirs.status_code, theirs.json()["code"]) == (404, "user_unknown")
    assert theirs.json() | {"request_id": ""} == nobody.json() | {"request_id": ""}


async def test_the_open_customers_log_has_nothing_of_it(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, administrator(cust=customer)) as client:
        made = (await client.post("/staff", json=OLE | {"staff_role": "administrator"})).json()
        last = await client.patch(f"/staff/{made['id']}", json={"staff_role": "agent"}, headers={"If-Match": "*"})

    assert last.json()["code"] == "last_admin"
    lines = await emitted(app, "users.audit.recorded.v1")
    ours = [(line["what"], line["result"], line["customer_id"]) for line in lines if line["what"].startswith("staff")]
    assert ours == [("staff_invited", "done", None), ("staff_changed", "refused", None)]


@pytest.mark.parametrize(
    "wrong", [{"email": "kein-at"}, {"staff_role": "chef"}, {"given_name": " "}, {"password": "x"}, {"language": "fr"}]
)
async def test_bad_input_is_said_with_a_pointer(app: FastAPI, wrong: dict[str, Any]) -> None:
    async with calling(app, administrator()) as client:
        answer = await client.post("/staff", json=OLE | wrong)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{next(iter(wrong))}"]
