"""The operator's lists: what waits, what was refused, and what can be done about it."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from chassis.inbox import FailedEvent
from chassis.testing import calling, person
from services.contracts.models import Contract, FeedRecord
from services.contracts.republish import republish
from tests.contracts.conftest import OPERATOR, UPSERTED, Portal, a_contract, a_position

PILES = ("parked", "refused", "dead-letters")


@pytest.fixture
async def operator(portal: Portal) -> AsyncIterator[AsyncClient]:
    async with calling(portal.app, person(**OPERATOR | {"cust": None})) as client:
        yield client


async def items(operator: AsyncClient, pile: str, **params: Any) -> list[dict[str, Any]]:
    answer = await operator.get(f"/contracts/operator/{pile}", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_each_pile_shows_its_records_with_reasons(portal: Portal, operator: AsyncClient) -> None:
    await portal.customer()
    await portal.contract("V-1")
    await portal.contract("V-1", name="Anders")
    await portal.contract("V-2", customer_number="KD-unknown")
    await portal.contract("V-3", ends_on="2000-01-01")

    shown = {pile: await items(operator, pile) for pile in PILES}

    reasons = {pile: [(row.get("number"), row["reason"]) for row in rows] for pile, rows in shown.items()}
    assert reasons == {
        "parked": [("V-2", "unknown_customer")],
        "refused": [("V-3", "end_before_start"), ("V-1", "version_conflict")],
        "dead-letters": [(None, "end_before_start")],
    }
    assert shown["refused"][0]["reasons"][0]["pointer"] == "/data/ends_on"


async def test_piles_come_in_pages_newest_first(portal: Portal, operator: AsyncClient) -> None:
    for number in range(5):
        await portal.contract(f"V-{number}", customer_number="KD-unknown")
        await portal.contract(f"V-{number}", min_term_months=0)
    for pile in PILES:
        seen: list[Any] = []
        cursor = None
        while True:
            params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await operator.get(f"/contracts/operator/{pile}", params=params)).json()
            seen += [row["id"] for row in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 5
        assert seen == [row["id"] for row in await items(operator, pile)]


async def test_a_parked_record_can_be_tried_again_and_dropped(portal: Portal, operator: AsyncClient) -> None:
    await portal.contract("V-1")
    await portal.contract("V-2")
    second, first = await items(operator, "parked")

    assert (await operator.post(f"/contracts/operator/parked/{first['id']}/retry")).status_code == 202
    assert len(await items(operator, "parked")) == 2
    assert (await operator.post(f"/contracts/operator/parked/{second['id']}/drop")).status_code == 204
    await portal.customer()

    assert [contract.number for contract in await portal.rows(Contract)] == ["V-1"]
    settled = await operator.post(f"/contracts/operator/parked/{first['id']}/retry")
    assert (settled.status_code, settled.json()["code"]) == (409, "record_settled")
    lines = [line["what"] for line in await portal.emitted("contracts.audit.recorded.v1")]
    assert lines == ["feed_record_retried", "feed_record_dropped"]


async def test_what_is_still_wrong_is_buried_again(portal: Portal, operator: AsyncClient) -> None:
    await portal.customer()
    await portal.contract(positions=[a_position("1"), a_position("1")])
    (refused,) = await items(operator, "refused")
    (letter,) = await items(operator, "dead-letters")

    assert (await operator.post(f"/contracts/operator/refused/{refused['id']}/retry")).status_code == 202
    assert await items(operator, "dead-letters") == []
    assert await portal.consumer.retry_next()

    assert [row["id"] for row in await items(operator, "dead-letters")] == [letter["id"]]
    assert [row["reason"] for row in await items(operator, "refused")] == ["duplicate_position"]


async def test_a_version_conflict_stays_one_until_it_is_dropped(portal: Portal, operator: AsyncClient) -> None:
    await portal.customer()
    await portal.contract()
    await portal.contract(name="Anders")
    (refused,) = await items(operator, "refused")

    assert (await operator.post(f"/contracts/operator/refused/{refused['id']}/retry")).status_code == 202
    assert [row["reason"] for row in await items(operator, "refused")] == ["version_conflict"]
    assert (await operator.post(f"/contracts/operator/refused/{refused['id']}/drop")).status_code == 204

    assert await items(operator, "refused") == []
    assert [record.state for record in await portal.rows(FeedRecord)] == ["filed", "dropped"]


async def test_dropping_a_refused_record_drops_its_letter(portal: Portal, operator: AsyncClient) -> None:
    await portal.publish(UPSERTED, a_contract(version="x"))
    (refused,) = await items(operator, "refused")

    assert (await operator.post(f"/contracts/operator/refused/{refused['id']}/drop")).status_code == 204

    assert await items(operator, "dead-letters") == []
    (failed,) = await portal.rows(FailedEvent)
    assert failed.state == "dropped"


async def test_a_dead_letter_can_be_dropped_once(portal: Portal, operator: AsyncClient) -> None:
    await portal.deliver(UPSERTED, b"no json")
    (letter,) = await items(operator, "dead-letters")
    url = f"/contracts/operator/dead-letters/{letter['id']}/drop"

    assert [(await operator.post(url)).status_code for _ in range(2)] == [204, 409]


@pytest.mark.parametrize("method", ["retry", "drop"])
async def test_unknown_records_are_404(operator: AsyncClient, method: str) -> None:
    for url in (*(f"{pile}/{uuid4()}" for pile in ("parked", "refused")), "dead-letters/4711"):
        answer = await operator.post(f"/contracts/operator/{url}/{method}")
        assert (answer.status_code, answer.json()["code"]) == (404, "record_not_found")
    for url in ("parked/x", "dead-letters/x", f"dead-letters/{2**70}"):
        assert (await operator.post(f"/contracts/operator/{url}/{method}")).status_code == 422


async def test_health_tells_per_source_and_customer(portal: Portal, operator: AsyncClient) -> None:
    customer_id = await portal.customer()
    await portal.contract("V-1")
    await portal.contract("V-2", customer_number="KD-unknown")
    await portal.contract("V-3", min_term_months=0)

    health = (await operator.get("/contracts/operator/health")).json()

    feeds = {feed["customer_number"]: feed for feed in health["feeds"]}
    assert {name: health[name] for name in ("parked", "refused", "dead_letters")} == {
        "parked": 1,
        "refused": 1,
        "dead_letters": 1,
    }
    known = feeds["KD-10001"]
    assert (known["customer_id"], known["filed"], known["last_number"]) == (str(customer_id), 1, "V-1")
    assert (known["refused"], known["parked"]) == (1, 0)
    assert known["last_contract_at"]
    assert (feeds["KD-unknown"]["parked"], feeds["KD-unknown"]["last_contract_at"]) == (1, None)


async def test_customers_see_none_of_it(portal: Portal) -> None:
    async with portal.as_user(uuid4()) as admin:
        for path in (*PILES, "health"):
            assert (await admin.get(f"/contracts/operator/{path}")).status_code == 403
        assert (await admin.post(f"/contracts/operator/parked/{uuid4()}/retry")).status_code == 403


async def test_the_state_of_all_contracts_can_be_told_again(portal: Portal) -> None:
    await portal.customer()
    await portal.contract("V-1")
    await portal.contract("V-2")
    before = await portal.emitted("contracts.contract.changed.v1")

    async with portal.database.transaction() as session:
        assert await republish(session) == 2

    again = (await portal.emitted("contracts.contract.changed.v1"))[2:]
    assert sorted(again, key=lambda told: told["number"]) == before
