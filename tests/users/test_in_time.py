"""Invitations one after the other, last days that are over: each told once, whatever is killed and whoever runs."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import utc_now
from chassis.testing import calling
from services.users import in_time
from services.users.in_time import end_due, invite_later, send_due
from services.users.models import Membership, WaitingInvitation
from tests.users.company import a_customer, a_row, admin_of, emitted, operator


async def queued(app: FastAPI, rows: list[dict[str, Any]], *, per_minute: int = 30) -> list[datetime]:
    async with app.state.database.transaction() as session:
        found = await session.scalars(select(Membership).order_by(Membership.created_at, Membership.id))
        wanted = {row["id"] for row in rows}
        these = [one for one in found if str(one.id) in wanted]
        await invite_later(session, these, operator(name="Ole Probe"), per_minute=per_minute)
    async with app.state.database.reading() as session:
        return sorted(await session.scalars(select(WaitingInvitation.due_at)))


async def invited(app: FastAPI) -> list[str]:
    return [event["email"] for event in await emitted(app, "users.user.invited.v1")]


async def test_they_go_out_as_many_a_minute_as_is_set_behind_those_that_wait(app: FastAPI) -> None:
    customer = await a_customer(app)
    rows = [await a_row(app, customer, f"a{n}@firma.example") for n in range(6)]
    first = await queued(app, rows[:3], per_minute=30)
    times = await queued(app, rows, per_minute=30)

    assert times[:3] == first
    assert [later - earlier for earlier, later in itertools.pairwise(times)] == [timedelta(seconds=2)] * 5
    assert await send_due(app.state.database, times[3]) == 4
    assert len(await invited(app)) == 4
    assert await send_due(app.state.database, times[3]) == 0
    assert await send_due(app.state.database, times[5]) == 2
    assert sorted(await invited(app)) == [f"a{n}@firma.example" for n in range(6)]


async def test_whoever_runs_beside_another_sends_none_twice(app: FastAPI) -> None:
    customer = await a_customer(app)
    rows = [await a_row(app, customer, f"a{n}@firma.example") for n in range(8)]
    times = await queued(app, rows)

    await asyncio.gather(*(send_due(app.state.database, times[-1]) for _ in range(6)))

    assert sorted(await invited(app)) == [f"a{n}@firma.example" for n in range(8)]


async def test_who_was_invited_removed_or_deactivated_meanwhile_is_left_out(app: FastAPI) -> None:
    customer = await a_customer(app)
    rows = [await a_row(app, customer, f"a{n}@firma.example") for n in range(4)]
    times = await queued(app, rows)
    async with calling(app, admin_of(customer)) as client:
        tag = {"If-Match": "*"}
        await client.post(f"/users/{rows[0]['id']}/invitation")
        await client.delete(f"/users/{rows[1]['id']}", headers=tag)
        await client.patch(f"/users/{rows[2]['id']}", json={"active": False}, headers=tag)

    assert await send_due(app.state.database, times[-1]) == 4
    assert await invited(app) == ["a0@firma.example", "a3@firma.example"]


async def test_one_that_fails_holds_up_no_other_and_is_tried_again(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = await a_customer(app)
    rows = [await a_row(app, customer, f"a{n}@firma.example") for n in range(3)]
    times = await queued(app, rows)
    tried: list[Any] = []
    real = in_time._held

    async def dies_once(session: AsyncSession, membership_id: Any) -> Membership | None:
        tried.append(membership_id)
        found = await real(session, membership_id)
        if len(tried) == 2:
            raise RuntimeError("killed")
        return found

    monkeypatch.setattr(in_time, "_held", dies_once)

    assert await send_due(app.state.database, times[-1]) == 2
    assert await send_due(app.state.database, times[-1]) == 1
    assert sorted(await invited(app)) == [f"a{n}@firma.example" for n in range(3)]


async def test_a_last_day_that_is_over_where_the_customer_is_is_told_once(app: FastAPI) -> None:
    there = await a_customer(app, "KD-1", time_zone="Pacific/Auckland")
    here = await a_customer(app, "KD-2")
    await a_row(app, there, "frueh@firma.example", expires_on="2099-06-30")
    await a_row(app, here, "spaet@firma.example", expires_on="2099-06-30")
    before = len(await emitted(app, "users.membership.changed.v1"))
    evening = datetime(2099, 6, 30, 12, 30, tzinfo=UTC)

    assert await end_due(app.state.database, evening - timedelta(hours=1)) == 0
    assert await end_due(app.state.database, evening) == 1
    assert await end_due(app.state.database, evening) == 0
    assert await end_due(app.state.database, evening + timedelta(hours=10)) == 1

    told = (await emitted(app, "users.membership.changed.v1"))[before:]
    assert [(event["customer_id"], event["active"]) for event in told] == [(there, False), (here, False)]


async def test_a_new_end_date_counts_anew(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "a@firma.example", expires_on="2020-01-31")
    assert await end_due(app.state.database) == 1
    async with calling(app, admin_of(customer)) as client:
        tag = {"If-Match": "*"}
        longer = (await client.patch(f"/users/{row['id']}", json={"expires_on": "2099-01-31"}, headers=tag)).json()
        assert await end_due(app.state.database) == 0
        await client.patch(f"/users/{row['id']}", json={"expires_on": "2020-02-01"}, headers=tag)

    assert longer["state"] == "created"
    assert await end_due(app.state.database) == 1
    told = [event["active"] for event in await emitted(app, "users.membership.changed.v1")]
    assert told == [True, False, True, True, False]


async def test_many_at_once_tell_an_end_once(app: FastAPI) -> None:
    customer = await a_customer(app)
    for n in range(5):
        await a_row(app, customer, f"a{n}@firma.example", expires_on="2020-01-31")

    done = await asyncio.gather(*(end_due(app.state.database, utc_now()) for _ in range(6)))

    assert sum(done) == 5
    told = [event["active"] for event in await emitted(app, "users.membership.changed.v1")]
    assert told.count(False) == 5
