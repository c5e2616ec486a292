"""The demo's contracts: what the feed takes, the same each time, with every rule that gives a date."""

import json
from datetime import date

import pytest

from events.crm import ContractUpserted
from portalctl.demo.contracts import FIRST_BUNDLE, contracts
from portalctl.demo.story import COMPANIES, FIRST
from portalctl.demo.traffic import UPLINKS
from services.contracts.record import agreement_of, check
from services.contracts.terms import dates_on, state_on

DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def events() -> dict[str, ContractUpserted]:
    """By number, read as the service reads them."""
    data = [json.loads(message.payload)["data"] for message in contracts()]
    read = [ContractUpserted.model_validate_json(json.dumps(one), strict=True) for one in data]
    return {event.contract_number: event for event in read}


def test_the_service_takes_all_of_them(events: dict[str, ContractUpserted]) -> None:
    for event in events.values():
        check(event)

    assert {event.customer_number for event in events.values()} == {company.number for company in COMPANIES}


def test_sending_twice_changes_nothing() -> None:
    assert contracts() == contracts()


def test_the_first_customers_bundle_is_as_printed(events: dict[str, ContractUpserted]) -> None:
    bundle = events[FIRST_BUNDLE]

    assert (bundle.customer_number, bundle.name, bundle.min_term_months) == (FIRST, "Colocation RZ Berlin", 36)
    assert [(int(line.quantity), line.unit) for line in bundle.positions] == [
        (1, "Stück"),
        (1, "kW"),
        (10, "Mbit/s"),
        (10, "Mbit/s"),
        (136, "Adressen"),
    ]
    dates = dates_on(agreement_of(bundle), DAY)
    assert (dates.earliest_end_on, dates.last_notice_day) == (date(2027, 3, 31), date(2026, 12, 31))


def test_every_state_and_every_kind_of_notice_day_is_there(events: dict[str, ContractUpserted]) -> None:
    assert {event.notice.to for event in events.values()} == {"term_end", "month_end", "quarter_end", "any_time"}
    assert {event.notice.unit for event in events.values()} == {"days", "weeks", "months"}
    assert {state_on(agreement_of(event), DAY) for event in events.values()} == {
        "upcoming",
        "active",
        "cancelled",
        "ended",
    }
    assert any(event.renewal_months == 0 for event in events.values())
    assert any(event.telecom_service for event in events.values())


def test_every_uplink_of_the_demo_is_in_a_contract(events: dict[str, ContractUpserted]) -> None:
    for uplink in UPLINKS:
        assert uplink.contract_number is not None
        contract = events[uplink.contract_number]
        assert contract.customer_number == uplink.customer_number
        assert uplink.position_number in [position.number for position in contract.positions]
