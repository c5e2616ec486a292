"""The list and one contract: states, search, pages, the day of the view, and what belongs to somebody else."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient

from services.contracts.models import Contract
from services.contracts.terms import state_on
from tests.contracts.conftest import OPERATOR, Portal, a_position, only_contract


async def numbers(client: AsyncClient, **params: Any) -> list[str]:
    answer = await client.get("/contracts", params=params)
    assert answer.status_code == 200, answer.text
    return [row["number"] for row in answer.json()["items"]]


async def test_pages_by_number_show_everything_once(portal: Portal) -> None:
    customer_id = await portal.customer()
    for number in ("V-03", "V-01", "V-02", "Ä-1", "V-05", "V-04"):
        await portal.contract(number)
    await portal.contract("V-03", source="/crm/other")

    seen: list[str] = []
    cursor = None
    async with portal.as_user(customer_id) as client:
        while True:
            params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await client.get("/contracts", params=params)).json()
            seen += [row["id"] for row in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        everything = (await client.get("/contracts")).json()["items"]
    assert len(set(seen)) == len(seen) == 7
    assert seen == [row["id"] for row in everything]
    assert [row["number"] for row in everything] == sorted(row["number"] for row in everything)


async def test_states_are_the_engines_on_every_day(portal: Portal) -> None:
    customer_id = await portal.customer()
    await portal.contract("V-1", cancelled_on="2026-10-01", ends_on="2027-03-31")
    await portal.contract("V-2", cancelled_on="2026-10-01")
    await portal.contract("V-3", ends_on="2027-03-31")
    await portal.contract("V-4", starts_on="2026-10-01")
    await portal.contract("V-5")
    contracts = await portal.rows(Contract)

    async with portal.as_user(customer_id) as client:
        for day in ("2022-01-01", "2023-04-01", "2026-09-30", "2026-10-01", "2027-03-31", "2027-04-01"):
            for state in ("upcoming", "active", "cancelled", "ended"):
                right = {c.number for c in contracts if state_on(c.agreement, date.fromisoformat(day)) == state}
                assert set(await numbers(client, state=state, as_of=day)) == right, (day, state)


async def test_a_search_needs_all_words(portal: Portal) -> None:
    customer_id = await portal.customer()
    await portal.contract("V-1", cost_centre="KST 4711", positions=[a_position(product="Internet Connect Burst")])
    await portal.contract("V-2", name="Übertragungsweg Hamburg", site=None)

    async with portal.as_user(customer_id) as client:
        found = {
            q: await numbers(client, q=q)
            for q in ("v-1", "BERLIN colocation", "4711", "connect burst", "über", "%", "x")
        }
    assert found == {
        "v-1": ["V-1"],
        "BERLIN colocation": ["V-1"],
        "4711": ["V-1"],
        "connect burst": ["V-1"],
        "über": ["V-2"],
        "%": [],
        "x": [],
    }


async def test_dates_are_those_of_the_day_asked_for(portal: Portal) -> None:
    customer_id = await portal.customer()
    await portal.contract()

    async with portal.as_user(customer_id, lang="en") as client:
        today = await only_contract(client)
        before = await only_contract(client, as_of="2026-12-31")
        after = await only_contract(client, as_of="2027-01-01")
    assert today["state"] == "active"
    assert (before["earliest_end_on"], before["last_notice_day"]) == ("2027-03-31", "2026-12-31")
    assert (after["earliest_end_on"], after["last_notice_day"]) == ("2028-03-31", "2027-12-31")
    assert before["basis"].startswith("The minimum term of 36 months from 1 April 2023 ended on 31 March 2026")


async def test_the_law_is_beside_the_contract_for_end_users(portal: Portal) -> None:
    telecom = {"telecom_service": True, "positions": [a_position("1", telecom_service=True)]}
    end_user = await portal.customer()
    reseller = await portal.customer("KD-10002", end_user=False)
    await portal.contract("V-1", **telecom)
    await portal.contract("V-2", customer_number="KD-10002", **telecom)

    async with portal.as_user(end_user) as client:
        row = await only_contract(client, as_of="2026-11-22")
    async with portal.as_user(reseller) as client:
        other = await only_contract(client, as_of="2026-11-22")
    assert row["earliest_end_on"] == "2027-03-31"
    assert row["statutory"]["earliest_end_on"] == "2026-12-22"
    assert "TKG § 56 Abs. 3" in row["statutory"]["basis"]
    assert row["positions"][0]["statutory"]["earliest_end_on"] == "2026-12-22"
    assert (other["statutory"], other["positions"][0]["statutory"]) == (None, None)


@pytest.mark.parametrize("contracts_settings", [{"statutory_rules": ()}])
async def test_a_rule_of_law_can_be_switched_off(portal: Portal) -> None:
    customer_id = await portal.customer()
    await portal.contract(telecom_service=True, positions=[])

    async with portal.as_user(customer_id) as client:
        assert (await only_contract(client, as_of="2026-11-22"))["statutory"] is None


async def test_of_others_nothing_exists(portal: Portal) -> None:
    mine, other = await portal.customer(), await portal.customer("KD-10002")
    await portal.contract("V-2", customer_number="KD-10002")
    (theirs,) = await portal.rows(Contract)

    async with portal.as_user(mine) as client:
        assert await numbers(client) == []
        assert await numbers(client, q="V-2") == []
        foreign = await client.get(f"/contracts/{theirs.id}")
        unknown = await client.get(f"/contracts/{uuid4()}")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    async with portal.as_user(other) as client:
        assert (await client.get(f"/contracts/{theirs.id}")).status_code == 200


async def test_only_readers_of_contracts_come_in(portal: Portal) -> None:
    customer_id = await portal.customer()
    paths = ("/contracts", f"/contracts/{uuid4()}", "/contracts/calendar", "/contracts/calendar/token")

    async with portal.as_user(customer_id, role="member", modules=("invoices",)) as client:
        assert {(await client.get(path)).status_code for path in paths} == {403}
    async with portal.as_user(customer_id, **OPERATOR | {"cust": None}) as client:
        assert {(await client.get(path)).json()["code"] for path in paths} == {"no_customer_chosen"}
    token = {"amr": ("api_token",), "sid": None}
    async with portal.as_user(customer_id, **token, scopes=("contracts:read",)) as client:
        assert (await client.get("/contracts")).status_code == 200
    async with portal.as_user(customer_id, **token, scopes=("invoices:read",)) as client:
        assert (await client.get("/contracts")).status_code == 403


@pytest.mark.parametrize(
    "params",
    [
        {"state": "open"},
        {"as_of": "heute"},
        {"as_of": "9999-12-31"},
        {"as_of": "2026-02-30"},
        {"limit": 0},
        {"cursor": "x"},
        {"q": "a\x00b"},
    ],
)
async def test_what_cannot_be_asked_is_refused(portal: Portal, params: dict[str, Any]) -> None:
    async with portal.as_user(await portal.customer()) as client:
        answer = await client.get("/contracts", params=params)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/query/{next(iter(params))}"


async def test_every_look_of_the_operator_is_told(portal: Portal) -> None:
    customer_id = await portal.customer()
    await portal.contract()
    (contract,) = await portal.rows(Contract)

    async with portal.as_user(customer_id) as client:
        await client.get("/contracts")
    assert await portal.emitted("contracts.audit.recorded.v1") == []
    async with portal.as_user(customer_id, **OPERATOR) as client:
        await client.get("/contracts")
        await client.get(f"/contracts/{contract.id}")
        await client.get("/contracts/calendar")

    told = await portal.emitted("contracts.audit.recorded.v1")
    assert [(line["what"], line["result"], line["on"]) for line in told] == [
        ("contracts_listed", "looked", None),
        ("contract_read", "looked", f"contract/{contract.id}"),
        ("deadlines_listed", "looked", None),
    ]
    assert {UUID(line["customer_id"]) for line in told} == {customer_id}


async def test_a_contract_without_positions_and_term_is_shown(portal: Portal) -> None:
    customer_id = await portal.customer()
    notice = {"value": 1, "unit": "months", "to": "any_time"}
    await portal.contract(positions=[], min_term_months=None, renewal_months=None, notice=notice)

    async with portal.as_user(customer_id) as client:
        row = await only_contract(client, as_of="2026-11-30")
    assert (row["min_term_months"], row["min_term_ends_on"], row["current_term_ends_on"]) == (None, None, None)
    assert (row["earliest_end_on"], row["last_notice_day"], row["positions"]) == ("2026-12-30", None, [])
