"""The operator's lists: what waits, what was refused, and what can be done about it."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient
from sqlalchemy import update

from chassis.inbox import FailedEvent
from chassis.testing import calling, person
from services.documents.models import Customer, Document, FeedRecord, HeldFile
from tests.documents.conftest import OPERATOR, Portal, a_file, an_invoice

INVOICE = "billing.invoice.published.v1"


@pytest.fixture
async def operator(portal: Portal) -> AsyncIterator[AsyncClient]:
    async with calling(portal.app, person(**OPERATOR | {"cust": None})) as client:
        yield client


async def items(operator: AsyncClient, pile: str, **params: Any) -> list[dict[str, Any]]:
    answer = await operator.get(f"/documents/operator/{pile}", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_each_pile_shows_its_records_with_reasons(portal: Portal, operator: AsyncClient) -> None:
    await portal.customer()
    await portal.invoice("RE-1")
    await portal.invoice("RE-1", gross="1.00")
    await portal.invoice("RE-2", customer_number="KD-unknown")
    await portal.invoice("RE-3", net="x")

    shown = {pile: await items(operator, pile) for pile in ("parked", "conflicts", "refused", "dead-letters")}

    reasons = {pile: [(row.get("number"), row["reason"]) for row in rows] for pile, rows in shown.items()}
    assert reasons == {
        "parked": [("RE-2", "unknown_customer")],
        "conflicts": [("RE-1", "invoice_conflict")],
        "refused": [("RE-3", "invalid_data")],
        "dead-letters": [(None, "invalid_data")],
    }
    assert shown["refused"][0]["reasons"][0]["pointer"] == "/data/net"


async def test_piles_come_in_pages_newest_first(portal: Portal, operator: AsyncClient) -> None:
    for number in range(5):
        await portal.invoice(f"RE-{number}", customer_number="KD-unknown")
        await portal.invoice(f"RE-{number}", net="x")
    for pile in ("parked", "refused", "dead-letters"):
        seen: list[Any] = []
        cursor = None
        while True:
            params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await operator.get(f"/documents/operator/{pile}", params=params)).json()
            seen += [row["id"] for row in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 5
        assert seen == [row["id"] for row in await items(operator, pile)]


async def test_retry_of_a_parked_record_files_it_when_its_customer_is_there(
    portal: Portal, operator: AsyncClient
) -> None:
    await portal.invoice("RE-1")
    (parked,) = await items(operator, "parked")
    url = f"/documents/operator/parked/{parked['id']}/retry"

    still = await operator.post(url)
    assert (still.status_code, await portal.count(Document)) == (202, 0)
    async with portal.database.transaction() as session:
        session.add(Customer(id=uuid4(), number="KD-10001", name="Beispiel", active=True, version=1))
    await operator.post(url)

    assert await portal.count(Document) == 1
    assert await portal.count(HeldFile) == 0
    settled = await operator.post(url)
    assert (settled.status_code, settled.json()["code"]) == (409, "record_settled")


async def test_a_refused_record_is_handled_anew_from_its_own_bytes(portal: Portal, operator: AsyncClient) -> None:
    await portal.customer("KD-10002")
    await portal.customer()
    await portal.invoice("RE-1", customer_number="KD-10002")
    assert await portal.document("EVN-1", invoice_number="RE-1") == "buried"
    async with portal.database.transaction() as session:
        await session.execute(update(Document).values(number="RE-0"))  # as if the cause had been put right
    (refused,) = await items(operator, "refused")

    answer = await operator.post(f"/documents/operator/refused/{refused['id']}/retry")
    assert answer.status_code == 202
    assert await portal.consumer.retry_next()

    assert await items(operator, "refused") == []
    assert await items(operator, "dead-letters") == []
    (record,) = await portal.rows(FeedRecord, FeedRecord.number == "EVN-1")
    assert record.state == "filed"


async def test_a_parked_record_that_was_refused_keeps_its_files_for_a_retry(
    portal: Portal, operator: AsyncClient
) -> None:
    await portal.customer("KD-10002")
    await portal.invoice("RE-1", customer_number="KD-10002")
    await portal.document("EVN-1", invoice_number="RE-1")
    await portal.customer()
    (refused,) = await items(operator, "refused")
    assert refused["reason"] == "customer_mismatch"
    assert await portal.count(HeldFile) == 1
    async with portal.database.transaction() as session:
        await session.execute(update(Document).values(number="RE-0"))  # as if the cause had been put right

    assert (await operator.post(f"/documents/operator/refused/{refused['id']}/retry")).status_code == 202

    assert await items(operator, "refused") == []
    assert await portal.count(Document, Document.number == "EVN-1") == 1
    assert await portal.count(HeldFile) == 0


async def test_what_is_still_wrong_is_buried_again(portal: Portal, operator: AsyncClient) -> None:
    await portal.invoice("RE-1", net="x")
    (letter,) = await items(operator, "dead-letters")

    await operator.post(f"/documents/operator/dead-letters/{letter['id']}/retry")
    assert await items(operator, "dead-letters") == []
    assert await portal.consumer.retry_next()

    assert [row["id"] for row in await items(operator, "dead-letters")] == [letter["id"]]
    assert [row["reason"] for row in await items(operator, "refused")] == ["invalid_data"]


async def test_dropping_ends_it_everywhere(portal: Portal, operator: AsyncClient) -> None:
    await portal.customer()
    await portal.invoice("RE-1")
    await portal.invoice("RE-1", files=[a_file(b"%PDF-other")])
    await portal.invoice("RE-2", customer_number="KD-unknown")
    event_id = "refused"
    await portal.publish(INVOICE, an_invoice(net="x"), event_id=event_id)
    for pile in ("parked", "conflicts", "refused"):
        (row,) = await items(operator, pile)
        answer = await operator.post(f"/documents/operator/{pile}/{row['id']}/drop")
        assert answer.status_code == 204
        assert await items(operator, pile) == []

    assert await items(operator, "dead-letters") == []
    assert await portal.count(HeldFile) == 0
    asked = (await operator.get(f"/billing/events/{event_id}")).json()
    assert (asked["state"], [reason["reason"] for reason in asked["reasons"]]) == (
        "refused",
        ["invalid_data", "dropped"],
    )
    await portal.customer("KD-unknown")
    assert await portal.count(Document) == 1


async def test_a_dead_letter_can_be_dropped_once(portal: Portal, operator: AsyncClient) -> None:
    await portal.deliver(INVOICE, b"no json")
    (letter,) = await items(operator, "dead-letters")
    url = f"/documents/operator/dead-letters/{letter['id']}/drop"

    answers = [(await operator.post(url)).status_code for _ in range(2)]

    assert answers == [204, 409]
    (failed,) = await portal.rows(FailedEvent)
    assert failed.state == "dropped"


async def test_decisions_are_in_the_audit_log(portal: Portal, operator: AsyncClient) -> None:
    await portal.invoice("RE-1")
    (row,) = await items(operator, "parked")

    await operator.post(f"/documents/operator/parked/{row['id']}/drop")

    (line,) = await portal.emitted("documents.audit.recorded.v1")
    assert (line["what"], line["result"], line["on"]) == ("feed_record_dropped", "done", f"feed_record/{row['id']}")
    assert line["actor_id"]


@pytest.mark.parametrize("method", ["retry", "drop"])
async def test_unknown_records_are_404(operator: AsyncClient, method: str) -> None:
    for url in (*(f"{pile}/{uuid4()}" for pile in ("parked", "conflicts", "refused")), "dead-letters/4711"):
        answer = await operator.post(f"/documents/operator/{url}/{method}")
        assert (answer.status_code, answer.json()["code"]) == (404, "record_not_found")
    for url in ("parked/x", "dead-letters/x", f"dead-letters/{2**70}"):
        assert (await operator.post(f"/documents/operator/{url}/{method}")).status_code == 422


async def test_foreign_cursors_are_422(operator: AsyncClient) -> None:
    for pile in ("parked", "dead-letters"):
        for cursor in ("x", "W10", "WyJ4Il0", "WzEsIDFd"):
            answer = await operator.get(f"/documents/operator/{pile}", params={"cursor": cursor})
            assert answer.status_code == 422, (pile, cursor)


async def test_health_tells_per_source_and_customer(portal: Portal, operator: AsyncClient) -> None:
    customer_id = await portal.customer()
    await portal.invoice("RE-1")
    await portal.invoice("RE-1", gross="1.00")
    await portal.invoice("RE-2", customer_number="KD-unknown")
    await portal.invoice("RE-3", net="x")

    health = (await operator.get("/documents/operator/health")).json()

    totals = {name: health[name] for name in ("parked", "conflicts", "refused", "dead_letters")}
    feeds = {feed["customer_number"]: feed for feed in health["feeds"]}
    assert totals == {"parked": 1, "conflicts": 1, "refused": 1, "dead_letters": 1}
    known = feeds["KD-10001"]
    assert (known["customer_id"], known["filed"], known["last_number"]) == (str(customer_id), 1, "RE-1")
    assert (known["conflicts"], known["refused"], known["parked"]) == (1, 1, 0)
    assert known["last_invoice_at"]
    assert (feeds["KD-unknown"]["parked"], feeds["KD-unknown"]["last_invoice_at"]) == (1, None)


async def test_customers_see_none_of_it(portal: Portal) -> None:
    async with portal.as_user(uuid4()) as admin:
        for path in ("parked", "conflicts", "refused", "dead-letters", "health"):
            assert (await admin.get(f"/documents/operator/{path}")).status_code == 403
        assert (await admin.post(f"/documents/operator/parked/{uuid4()}/retry")).status_code == 403
