"""Second factors that are reset: by whom, of whom, with which reason; told to auth and to the log."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from chassis.db import utc_now
from chassis.testing import calling
from services.users.models import Membership, User
from tests.users.company import a_customer, a_row, admin_of, emitted, operator

REASON = {"reason": "Telefon verloren, am Empfang erkannt"}
REQUESTED = "users.second_factor_reset.requested.v1"


async def entered(app: FastAPI, row: dict[str, Any]) -> UUID:
    """The person has been in, with an app."""
    at = utc_now() + timedelta(seconds=1)
    async with app.state.database.transaction() as session:
        membership = await session.get_one(Membership, UUID(row["id"]))
        membership.invitation = "used"
        steps = {"password_set_at": at, "second_factor_at": at, "last_login_at": at}
        await session.execute(update(User).where(User.id == membership.user_id).values(**steps))
        return UUID(str(membership.user_id))


async def test_an_admin_resets_somebody_of_the_own_company(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "a@firma.example")
    user_id = await entered(app, row)
    who = admin_of(customer, name="Anna Beispiel")
    async with calling(app, who) as client:
        done = await client.post(f"/users/{row['id']}/second-factor-reset", json=REASON)

    assert done.status_code == 202
    (event,) = await emitted(app, REQUESTED)
    assert (event["user_id"], event["customer_id"], event["reason"]) == (str(user_id), customer, REASON["reason"])
    assert (event["requested_by"], event["actor_id"], event["by_operator"]) == ("Anna Beispiel", who.sub, False)
    lines = await emitted(app, "users.audit.recorded.v1")
    assert (lines[-1]["what"], lines[-1]["result"]) == ("second_factor_reset_requested", "done")


async def test_nobody_resets_the_own_app_and_the_refusal_is_in_the_log(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "a@firma.example", role="admin")
    user_id = await entered(app, row)
    async with calling(app, admin_of(customer, sub=str(user_id))) as client:
        refused = await client.post(f"/users/{row['id']}/second-factor-reset", json=REASON)

    assert (refused.status_code, refused.json()["code"]) == (403, "own_second_factor")
    assert await emitted(app, REQUESTED) == []
    lines = await emitted(app, "users.audit.recorded.v1")
    assert (lines[-1]["what"], lines[-1]["result"]) == ("second_factor_reset_requested", "refused")


async def test_a_person_of_several_companies_is_reset_by_the_operator_only(app: FastAPI) -> None:
    customer, other = await a_customer(app), await a_customer(app, "KD-2")
    row = await a_row(app, customer, "a@firma.example")
    await a_row(app, other, "a@firma.example")
    await entered(app, row)
    path = f"/users/{row['id']}/second-factor-reset"
    async with calling(app, admin_of(customer)) as client:
        refused = await client.post(path, json=REASON)
    async with calling(app, operator(cust=customer)) as client:
        done = await client.post(path, json=REASON)
    async with calling(app, operator()) as client:
        nowhere = await client.post(path, json=REASON)

    assert (refused.status_code, refused.json()["code"]) == (403, "operator_needed")
    assert (done.status_code, nowhere.status_code) == (202, 409)
    assert [event["by_operator"] for event in await emitted(app, REQUESTED)] == [True]


async def test_without_an_app_there_is_nothing_to_reset(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "a@firma.example")
    async with calling(app, admin_of(customer)) as client:
        refused = await client.post(f"/users/{row['id']}/second-factor-reset", json=REASON)

    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_reset")


async def test_it_needs_a_fresh_code_and_somebody_of_the_own_company(app: FastAPI) -> None:
    customer, other = await a_customer(app), await a_customer(app, "KD-2")
    row = await a_row(app, customer, "a@firma.example")
    await entered(app, row)
    path = f"/users/{row['id']}/second-factor-reset"
    async with calling(app, admin_of(customer, step_up_at=None)) as client:
        stale = await client.post(path, json=REASON)
    async with calling(app, admin_of(other)) as client:
        foreign = await client.post(path, json=REASON)

    assert (stale.status_code, stale.json()["code"]) == (403, "step_up_required")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "user_unknown")
    assert await emitted(app, REQUESTED) == []


@pytest.mark.parametrize("reason", ["", "ab", "  \t ", "x" * 501, "zwei\nZeilen", None, 7])
async def test_a_reason_is_a_sentence(app: FastAPI, reason: Any) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "a@firma.example")
    async with calling(app, admin_of(customer)) as client:
        refused = await client.post(f"/users/{row['id']}/second-factor-reset", json={"reason": reason})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/reason")
