"""What becomes of a record of the feed: filed, brought up to date, outdated, parked, refused, moved, removed."""

from typing import Any
from uuid import UUID

import pytest

from chassis.inbox import FailedEvent
from services.contracts.models import Contract, FeedRecord, Position
from tests.contracts.conftest import Portal, a_contract, a_position, only_contract

CHANGED = "contracts.contract.changed.v1"
CANCELLED = "contracts.contract.cancelled.v1"


async def test_a_contract_event_becomes_a_contract_that_its_customer_reads(portal: Portal) -> None:
    customer_id = await portal.customer()

    assert await portal.contract() == "handled"

    async with portal.as_user(customer_id) as client:
        row = await only_contract(client, as_of="2026-11-22")
        one = (await client.get(f"/contracts/{row['id']}", params={"as_of": "2026-11-22"})).json()
    assert one == row
    assert row["number"] == "V-1"
    assert (row["state"], row["min_term_ends_on"], row["current_term_ends_on"]) == (
        "active",
        "2026-03-31",
        "2027-03-31",
    )
    assert (row["earliest_end_on"], row["last_notice_day"], row["statutory"]) == ("2027-03-31", "2026-12-31", None)
    assert row["notice"] == {"value": 3, "unit": "months", "to": "term_end"}
    (position,) = row["positions"]
    assert position["quantity"] == 1
    assert position["characteristics"] == {"size": "800x1000x42 U"}
    assert position["starts_on"] == "2023-04-01"
    (changed,) = await portal.emitted(CHANGED)
    assert (changed["contract_id"], changed["customer_id"]) == (row["id"], str(customer_id))
    assert (changed["version"], changed["removed"]) == (1, False)


async def test_the_same_record_twice_is_one_contract(portal: Portal) -> None:
    await portal.customer()

    await portal.contract()
    await portal.contract()

    assert await portal.count(Contract) == 1
    assert len(await portal.emitted(CHANGED)) == 1
    assert [record.state for record in await portal.rows(FeedRecord)] == ["filed", "filed"]


async def test_the_higher_version_wins_whatever_the_order(portal: Portal) -> None:
    customer_id = await portal.customer()

    await portal.contract(version=3, name="Neu", positions=[a_position("10"), a_position("20", product="Strom")])
    await portal.contract(version=2, name="Alt")

    async with portal.as_user(customer_id) as client:
        row = await only_contract(client)
    assert row["name"] == "Neu"
    assert [position["product"] for position in row["positions"]] == ["Rack", "Strom"]
    states = {record.state: record.reasons for record in await portal.rows(FeedRecord)}
    assert states["outdated"][0]["reason"] == "version_outdated"

    await portal.contract(version=4, name="Neuer")
    assert await portal.count(Position) == 1
    assert [event["version"] for event in await portal.emitted(CHANGED)] == [1, 2]


async def test_one_version_with_two_contents_is_shown_to_the_operator(portal: Portal) -> None:
    await portal.customer()
    await portal.contract()

    await portal.contract(name="Anders")

    (contract,) = await portal.rows(Contract)
    assert contract.name == "Colocation RZ Berlin"
    (refused,) = await portal.rows(FeedRecord, FeedRecord.state == "refused")
    assert refused.reasons[0]["reason"] == "version_conflict"


async def test_two_sources_may_use_one_number(portal: Portal) -> None:
    await portal.customer()

    await portal.contract()
    await portal.contract(source="/crm/other", name="Anders")

    assert await portal.count(Contract) == 2


async def test_a_contract_of_an_unknown_customer_waits_for_it(portal: Portal) -> None:
    assert await portal.contract(version=2) == "handled"
    assert await portal.contract(version=1, name="Alt") == "handled"
    assert await portal.count(Contract) == 0
    assert [record.state for record in await portal.rows(FeedRecord)] == ["parked", "parked"]

    customer_id = await portal.customer()

    async with portal.as_user(customer_id) as client:
        assert (await only_contract(client))["name"] == "Colocation RZ Berlin"
    assert {record.state for record in await portal.rows(FeedRecord)} == {"filed", "outdated"}
    assert all(record.payload is None for record in await portal.rows(FeedRecord))


async def test_what_is_removed_is_gone_and_comes_back_with_a_higher_version_only(portal: Portal) -> None:
    customer_id = await portal.customer()
    await portal.contract()
    (contract,) = await portal.rows(Contract)

    await portal.contract(version=3, removed=True)
    await portal.contract(version=2)

    async with portal.as_user(customer_id) as client:
        assert (await client.get("/contracts")).json()["items"] == []
        assert (await client.get(f"/contracts/{contract.id}")).status_code == 404
        assert (await client.get("/contracts/calendar")).json()["items"] == []
    assert [event["removed"] for event in await portal.emitted(CHANGED)] == [False, True]
    await portal.contract(version=4)
    async with portal.as_user(customer_id) as client:
        assert (await only_contract(client))["id"] == str(contract.id)


async def test_a_contract_that_goes_to_another_customer_is_gone_for_the_first(portal: Portal) -> None:
    first = await portal.customer()
    second = await portal.customer("KD-10002")
    await portal.contract()

    await portal.contract(version=2, customer_number="KD-10002")

    async with portal.as_user(first) as client:
        assert (await client.get("/contracts")).json()["items"] == []
        assert (await client.get("/contracts/calendar")).json()["items"] == []
    async with portal.as_user(second) as client:
        assert (await only_contract(client))["number"] == "V-1"
    told = [(UUID(event["customer_id"]), event["removed"], event["version"]) for event in await portal.emitted(CHANGED)]
    assert told == [(first, False, 1), (first, True, 2), (second, False, 3)]


async def test_notice_given_is_told_once(portal: Portal) -> None:
    customer_id = await portal.customer()
    await portal.contract()

    for version in (2, 3):
        await portal.contract(version=version, cancelled_on="2026-10-01", ends_on="2027-03-31")

    (told,) = await portal.emitted(CANCELLED)
    assert (told["cancelled_on"], told["ends_on"]) == ("2026-10-01", "2027-03-31")
    async with portal.as_user(customer_id) as client:
        row = await only_contract(client, as_of="2026-11-22")
    assert (row["state"], row["cancelled_on"], row["ends_on"]) == ("cancelled", "2026-10-01", "2027-03-31")
    assert (row["earliest_end_on"], row["last_notice_day"]) == (None, None)
    assert row["basis"] == "Der Vertrag wurde am 1. Oktober 2026 gekündigt und endet am 31. März 2027."


async def test_history_that_was_cancelled_long_ago_tells_nothing(portal: Portal) -> None:
    await portal.customer()

    await portal.contract(cancelled_on="2024-10-01", ends_on="2026-03-31")

    assert await portal.emitted(CANCELLED) == []


@pytest.mark.parametrize(
    ("fields", "reason", "pointer"),
    [
        ({"ends_on": "2023-03-31"}, "end_before_start", "/data/ends_on"),
        ({"min_term_months": 0}, "invalid_data", "/data/min_term_months"),
        ({"min_term_months": 1200}, "invalid_data", "/data/min_term_months"),
        ({"renewal_months": 1200}, "invalid_data", "/data/renewal_months"),
        ({"renewal_months": -1}, "invalid_data", "/data/renewal_months"),
        ({"min_term_months": None}, "renewal_without_term", "/data/renewal_months"),
        (
            {"min_term_months": 12, "notice": {"value": 13, "unit": "months", "to": "term_end"}},
            "notice_longer_than_term",
            "/data/notice/value",
        ),
        ({"notice": {"value": 0, "unit": "months", "to": "term_end"}}, "invalid_data", "/data/notice/value"),
        ({"notice": {"value": 200, "unit": "months", "to": "any_time"}}, "invalid_data", "/data/notice"),
        ({"notice": {"value": 3, "unit": "moons", "to": "term_end"}}, "invalid_data", "/data/notice/unit"),
        ({"notice": {"value": 3, "unit": "months", "to": "sometime"}}, "invalid_data", "/data/notice/to"),
        ({"positions": [a_position("1"), a_position("1")]}, "duplicate_position", "/data/positions/1/number"),
        ({"positions": [a_position("1"), a_position(1)]}, "duplicate_position", "/data/positions/1/number"),  # type: ignore[arg-type]
        ({"positions": [a_position(ends_on="2023-03-31")]}, "end_before_start", "/data/positions/0/ends_on"),
        (
            {"ends_on": "2026-03-31", "positions": [a_position(starts_on="2026-04-01")]},
            "end_before_start",
            "/data/positions/0/starts_on",
        ),
        ({"positions": [a_position(quantity=-1)]}, "invalid_data", "/data/positions/0/quantity"),
        ({"positions": [a_position(quantity=float("nan"))]}, "invalid_data", "/data/positions/0/quantity"),
        ({"starts_on": "2023-02-30"}, "invalid_data", "/data/starts_on"),
        ({"starts_on": "0001-01-01"}, "invalid_data", "/data/starts_on"),
        ({"starts_on": "9999-12-31"}, "invalid_data", "/data/starts_on"),
        ({"version": -1}, "invalid_data", "/data/version"),
        ({"name": ""}, "invalid_data", "/data/name"),
        ({"name": "a\nb"}, "invalid_data", "/data/name"),
    ],
)
async def test_what_no_date_can_be_reckoned_from_is_buried_with_the_reason(
    portal: Portal, fields: dict[str, Any], reason: str, pointer: str
) -> None:
    await portal.customer()

    assert await portal.publish("crm.contract.upserted.v1", a_contract() | fields) == "buried"

    assert await portal.count(Contract) == 0
    (letter,) = await portal.rows(FailedEvent)
    assert letter.reason == reason
    (record,) = await portal.rows(FeedRecord)
    assert (record.state, record.reasons[0]["reason"]) == ("refused", reason)
    assert pointer in [entry["pointer"] for entry in record.reasons]
    assert (record.customer_number, record.number) == ("KD-10001", "V-1")
    assert await portal.contract("V-2") == "handled"


async def test_what_is_removed_needs_no_dates_that_fit(portal: Portal) -> None:
    await portal.customer()
    await portal.contract()

    assert await portal.contract(version=2, removed=True, ends_on="2000-01-01") == "handled"

    (contract,) = await portal.rows(Contract)
    assert contract.removed


async def test_units_that_nobody_knows_are_shown_as_they_are(portal: Portal) -> None:
    customer_id = await portal.customer()
    odd = a_position(
        quantity="2.5", unit="Höheneinheiten ½", characteristics={"Länge (m)": 3.5, "A/B": True, "leer": None}
    )

    await portal.contract(positions=[odd, a_position(7, quantity=136, unit="IPv4-Adressen")])  # type: ignore[arg-type]

    async with portal.as_user(customer_id) as client:
        first, second = (await only_contract(client))["positions"]
    assert (first["quantity"], first["unit"]) == (2.5, "Höheneinheiten ½")
    assert first["characteristics"] == {"Länge (m)": 3.5, "A/B": True, "leer": None}
    assert (second["number"], second["quantity"]) == ("7", 136)
