"""What a CRM says over NATS, from tests whose own thread belongs to the browser."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from chassis.bus import connected_bus
from events.base import STRUCTURED, Event, encode
from events.crm import ContactUpserted, ContractUpserted
from tests.portal import Portal

SOURCE = "/crm/browser"


def tell(portal: Portal, *events: Event, at: datetime | None = None) -> None:
    """Publish with the CRM's own account; ``at`` is when it said so."""
    with ThreadPoolExecutor(1) as other_thread:
        other_thread.submit(asyncio.run, _publish(portal, events, at or datetime.now(UTC))).result(30)


async def _publish(portal: Portal, events: tuple[Event, ...], at: datetime) -> None:
    feed = portal.run["feeds"]["crm"]
    bus = await connected_bus("browser", portal.run["nats_url"], user=feed["user"], password=feed["password"])
    for event in events:
        event_id = str(uuid4())
        payload = encode(event, source=SOURCE, event_id=event_id, time=at, traceparent=None)
        headers = {"Content-Type": STRUCTURED, "Nats-Msg-Id": f"{SOURCE}/{event_id}"}
        await bus.publish(event.subject, payload, headers)
    await bus.close()


def a_contract(customer: str, number: str, **changes: Any) -> ContractUpserted:
    """The bundle of the printed contract, unless told otherwise."""
    usual: dict[str, Any] = {
        "customer_number": customer,
        "contract_number": number,
        "name": "Colocation RZ Berlin",
        "site": "RZ Berlin",
        "cost_centre": "IT-400",
        "signed_on": "2023-03-01",
        "starts_on": "2023-04-01",
        "min_term_months": 36,
        "renewal_months": 12,
        "notice": {"value": 3, "unit": "months", "to": "term_end"},
        "telecom_service": False,
        "positions": [
            a_position(1, "1", "Stück", "Rackfläche inkl. Rack", characteristics={"Maße": "800x1000x42 HE"}),
            a_position(2, "1", "kW", "USV A/B-Feed 230 V"),
            a_position(3, "10", "Mbit/s", "Internet Connect Burst", telecom_service=True),
            a_position(4, "10", "Stück", "Internet Connect Burst, Redundanz", telecom_service=True),
            a_position(5, "136", "Stück", "IPv4-Adressen"),
        ],
        "version": 1,
    }
    return ContractUpserted.model_validate(usual | changes)


def a_position(number: int, quantity: str, unit: str, product: str, **more: Any) -> dict[str, Any]:
    """One line of a bundle."""
    said = {"number": str(number), "quantity": quantity, "unit": unit, "product": product, "telecom_service": False}
    return said | more


def a_contact(customer: str | None, contact_id: str, **changes: Any) -> ContactUpserted:
    """Somebody technical at the customer; without a customer, somebody of the operator for everybody."""
    usual: dict[str, Any] = {
        "contact_id": contact_id,
        "side": "customer" if customer else "operator",
        "customer_number": customer,
        "given_name": "Clara",
        "family_name": "Netz",
        "roles": ["technical"],
        "email": "clara.netz@kunde.example",
        "phone": "030 23125-201",
        "languages": ["de"],
        "version": 1,
    }
    return ContactUpserted.model_validate(usual | changes)
