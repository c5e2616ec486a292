"""What becomes of each record: filed once, parked, in conflict; whichever of two comes first."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from chassis.db import utc_now
from chassis.outbox import OutboxRow
from services.documents.filing.lookups import hold_customer
from services.documents.filing.release import next_waiting, release
from services.documents.filing.sweep import live_on, sweep
from services.documents.models import Customer, Document, FeedHealth, FeedRecord, File, FolderCount, HeldFile, Life
from services.documents.republish import republish
from tests.documents.conftest import PDF, SOURCE, Portal, a_document, a_file, an_invoice

INVOICE = "billing.invoice.published.v1"


async def states(portal: Portal) -> dict[str, str]:
    return {record.event_id: record.state for record in await portal.rows(FeedRecord)}


async def test_the_same_event_twice_has_one_effect(portal: Portal) -> None:
    await portal.customer()

    outcomes = [await portal.publish(INVOICE, an_invoice(), event_id="1") for _ in range(2)]

    assert outcomes == ["handled", "repeated"]
    assert await portal.count(Document) == await portal.count(File) == await portal.count(FeedRecord) == 1
    assert len(await portal.emitted("documents.invoice.filed.v1")) == 1


async def test_the_same_number_with_the_same_content_changes_nothing(portal: Portal) -> None:
    await portal.customer()
    same = an_invoice(payment_state=None, notify=False)

    await portal.publish(INVOICE, an_invoice(), event_id="1")
    await portal.publish(INVOICE, same, event_id="2")

    assert await states(portal) == {"1": "filed", "2": "filed"}
    assert await portal.count(Document) == await portal.count(File) == 1
    assert len(await portal.emitted("documents.invoice.filed.v1")) == 1
    (folder,) = await portal.rows(FolderCount)
    assert folder.count == 1


@pytest.mark.parametrize(
    "other",
    [
        {"files": [a_file(PDF + b"changed")]},
        {"files": [a_file(name="andere.pdf")]},
        {"gross": "1264.63"},
        {"due_on": None},
        {"kind": "credit_note"},
        {"customer_number": "KD-10002"},
    ],
)
async def test_the_same_number_with_other_content_is_a_conflict(portal: Portal, other: dict[str, Any]) -> None:
    await portal.customer()
    await portal.customer("KD-10002")
    await portal.publish(INVOICE, an_invoice(), event_id="1")
    (before,) = await portal.rows(File)

    assert await portal.publish(INVOICE, an_invoice(**other), event_id="2") == "handled"

    assert await states(portal) == {"1": "filed", "2": "conflict"}
    (after,) = await portal.rows(File)
    assert (after.id, after.sha256, after.name) == (before.id, before.sha256, before.name)
    assert len(await portal.emitted("documents.invoice.filed.v1")) == 1
    assert await portal.count(HeldFile) == 1


async def test_the_same_number_from_another_source_is_another_invoice(portal: Portal) -> None:
    await portal.customer()

    await portal.publish(INVOICE, an_invoice(), source="/billing/a")
    await portal.publish(INVOICE, an_invoice(gross="1264.63"), source="/billing/b")

    assert await portal.count(Document) == 2


async def test_a_document_may_bear_the_number_of_an_invoice(portal: Portal) -> None:
    await portal.customer()

    await portal.invoice("4711")
    await portal.document("4711")

    assert await portal.count(Document) == 2


async def test_what_comes_before_its_customer_is_parked_and_filed_with_it(portal: Portal) -> None:
    await portal.publish(INVOICE, an_invoice("RE-1"), event_id="1")
    await portal.publish("billing.document.published.v1", a_document(invoice_number="RE-1"), event_id="2")
    await portal.publish(INVOICE, an_invoice("RE-2", customer_number="KD-other"), event_id="3")
    assert set((await states(portal)).values()) == {"parked"}
    assert await portal.count(Document) == 0

    customer_id = await portal.customer()

    assert await states(portal) == {"1": "filed", "2": "filed", "3": "parked"}
    invoice, document = sorted(await portal.rows(Document), key=lambda row: row.family, reverse=True)
    assert {invoice.customer_id, document.customer_id} == {customer_id}
    assert document.related_id == invoice.id
    async with portal.as_user(customer_id) as client:
        row = (await client.get(f"/documents/{invoice.id}")).json()
        file = await client.get(f"/documents/{invoice.id}/files/{row['files'][0]['id']}")
    assert file.content == PDF
    assert await portal.count(HeldFile) == 1


async def test_of_two_parked_with_one_number_the_second_becomes_a_conflict(portal: Portal) -> None:
    await portal.publish(INVOICE, an_invoice(), event_id="1")
    await portal.publish(INVOICE, an_invoice(gross="1.00"), event_id="2")

    await portal.customer()

    assert await states(portal) == {"1": "filed", "2": "conflict"}


async def test_a_customer_whose_number_changes_gets_what_waits_for_the_new_one(portal: Portal) -> None:
    customer_id = await portal.customer("KD-old")
    await portal.invoice()

    await portal.customer("KD-10001", customer_id=customer_id, version=2)
    await portal.customer("KD-ancient", customer_id=customer_id, version=1)

    (document,) = await portal.rows(Document)
    assert document.customer_id == customer_id
    (customer,) = await portal.rows(Customer)
    assert (customer.number, customer.version) == ("KD-10001", 2)


async def test_the_rest_of_a_large_pile_is_released_later(portal: Portal) -> None:
    for number in range(3):
        await portal.invoice(f"RE-{number}")
    async with portal.database.transaction() as session:
        session.add(Customer(id=uuid4(), number="KD-10001", name="Beispiel", active=True, version=1))
    released = []

    for _ in range(3):
        async with portal.database.transaction() as session:
            number = await next_waiting(session)
            released.append(await release(session, number, at_most=2) if number else 0)

    assert released == [2, 1, 0]
    assert await portal.count(Document) == 3


async def test_an_accompanying_document_hangs_on_its_invoice_whichever_comes_first(portal: Portal) -> None:
    await portal.customer()
    await portal.document("first", invoice_number="RE-1")
    await portal.invoice("RE-1")
    await portal.document("second", invoice_number="RE-1")

    rows = {row.number: row for row in await portal.rows(Document)}

    assert rows["first"].related_id == rows["second"].related_id == rows["RE-1"].id


async def test_a_correction_is_linked_to_what_it_corrects_whichever_comes_first(portal: Portal) -> None:
    customer_id = await portal.customer()
    negative = {"kind": "credit_note", "net": "-10.00", "tax": "-1.90", "gross": "-11.90", "corrects": "RE-1"}
    await portal.invoice("GS-1", **negative)
    await portal.invoice("RE-1")
    await portal.invoice("GS-2", **negative)

    async with portal.as_user(customer_id) as client:
        rows = {row["number"]: row for row in (await client.get("/documents")).json()["items"]}

    assert rows["GS-1"]["corrects_id"] == rows["GS-2"]["corrects_id"] == rows["RE-1"]["id"]
    assert rows["GS-1"]["corrects"] == "RE-1"
    assert rows["GS-1"]["gross"] == {"amount": "-11.90", "currency": "EUR"}
    assert rows["GS-1"]["invoice_id"] is None


async def test_nothing_hangs_on_another_customers_invoice(portal: Portal) -> None:
    await portal.customer()
    await portal.customer("KD-10002")
    await portal.invoice("RE-1")

    assert await portal.document("late", invoice_number="RE-1", customer_number="KD-10002") == "buried"
    await portal.document("early", invoice_number="RE-2")
    await portal.invoice("RE-2", customer_number="KD-10002")

    (early,) = await portal.rows(Document, Document.number == "early")
    assert early.related_id is None
    (refused,) = await portal.rows(FeedRecord, FeedRecord.state == "refused")
    assert refused.reasons[0]["reason"] == "customer_mismatch"


async def test_a_parked_record_that_turns_out_invalid_refuses_itself_only(portal: Portal) -> None:
    await portal.customer("KD-10002")
    await portal.invoice("RE-1", customer_number="KD-10002")
    await portal.document("wrong", invoice_number="RE-1")
    await portal.document("right")

    await portal.customer()

    found = {record.number: record.state for record in await portal.rows(FeedRecord)}
    assert found == {"RE-1": "filed", "wrong": "refused", "right": "filed"}


async def test_a_parked_record_that_is_broken_stops_neither_its_customer_nor_the_others(portal: Portal) -> None:
    await portal.publish(INVOICE, an_invoice("RE-1"), event_id="broken")
    await portal.publish(INVOICE, an_invoice("RE-2"), event_id="sound")
    async with portal.database.transaction() as session:
        damage = update(FeedRecord).where(FeedRecord.event_id == "broken")
        await session.execute(damage.values(payload={"number": "RE-1"}))

    customer_id = await portal.customer()

    assert await states(portal) == {"broken": "refused", "sound": "filed"}
    (document,) = await portal.rows(Document)
    assert (document.number, document.customer_id) == ("RE-2", customer_id)


def a_payment(state: str, **fields: Any) -> dict[str, Any]:
    usual = {"customer_number": "KD-10001", "invoice_number": "RE-1", "payment_state": state, "open_amount": "0.00"}
    return usual | fields


async def pay(portal: Portal, state: str, time: str, **fields: Any) -> str:
    return await portal.publish("billing.payment.recorded.v1", a_payment(state, **fields), time=time)


async def test_the_later_statement_about_a_payment_wins(portal: Portal) -> None:
    await portal.customer()
    await portal.publish(INVOICE, an_invoice("RE-1"), time="2026-09-02T00:00:00Z")

    await pay(portal, "paid", "2026-09-10T00:00:00Z", paid_on="2026-09-09")
    await pay(portal, "overdue", "2026-09-05T00:00:00Z", open_amount="1264.62")

    (document,) = await portal.rows(Document)
    assert (document.payment_state, str(document.paid_on), str(document.open_amount)) == ("paid", "2026-09-09", "0.00")


async def test_a_payment_may_come_before_its_invoice_and_its_customer(portal: Portal) -> None:
    await pay(portal, "paid", "2026-09-10T00:00:00Z")
    await portal.publish(INVOICE, an_invoice("RE-1"), time="2026-09-02T00:00:00Z")
    assert {record.state for record in await portal.rows(FeedRecord)} == {"parked"}

    await portal.customer()

    (document,) = await portal.rows(Document)
    assert document.payment_state == "paid"
    assert {record.state for record in await portal.rows(FeedRecord)} == {"filed"}


async def test_a_payment_for_another_customers_invoice_is_refused(portal: Portal) -> None:
    await portal.customer()
    await portal.customer("KD-10002")
    await pay(portal, "paid", "2026-09-10T00:00:00Z", customer_number="KD-10002", invoice_number="RE-2")
    await portal.invoice("RE-1")
    await portal.invoice("RE-2")

    assert await pay(portal, "paid", "2026-09-10T00:00:00Z", customer_number="KD-10002") == "buried"

    assert {row.payment_state for row in await portal.rows(Document)} == {"open"}
    assert await portal.count(FeedRecord, FeedRecord.state == "refused") == 2


async def test_sending_an_invoice_again_brings_its_payment_state_up_to_date(portal: Portal) -> None:
    await portal.customer()
    await portal.publish(INVOICE, an_invoice(), time="2026-09-02T00:00:00Z")
    await portal.publish(INVOICE, an_invoice(payment_state="paid"), time="2026-09-12T00:00:00Z")
    await portal.publish(INVOICE, an_invoice(payment_state="overdue"), time="2026-09-11T00:00:00Z")

    (document,) = await portal.rows(Document)
    assert document.payment_state == "paid"


async def test_parallel_records_of_one_customer_are_filed_once_and_related(portal: Portal) -> None:
    """Whatever order they come in: one document each, all hung on the invoice, none left waiting."""
    waiting = [
        portal.publish(INVOICE, an_invoice("RE-1")),
        portal.publish(INVOICE, an_invoice("RE-1")),
        pay(portal, "paid", "2099-09-10T00:00:00Z"),
        *(portal.document(f"EVN-{number}", invoice_number="RE-1") for number in range(4)),
        portal.customer(),
    ]

    await asyncio.gather(*waiting)

    rows = await portal.rows(Document)
    (invoice,) = [row for row in rows if row.family == "invoice"]
    assert len(rows) == 5
    assert {row.related_id for row in rows if row.family == "document"} == {invoice.id}
    assert invoice.payment_state == "paid"
    assert {record.state for record in await portal.rows(FeedRecord)} == {"filed"}
    assert sum(folder.count for folder in await portal.rows(FolderCount)) == 5


async def test_the_health_of_a_feed_is_counted_while_filing(portal: Portal) -> None:
    customer_id = await portal.customer()
    await portal.invoice("RE-1")
    await portal.invoice("RE-2")

    (health,) = await portal.rows(FeedHealth)

    assert (health.source, health.customer_id, health.last_number, health.filed) == (SOURCE, customer_id, "RE-2", 2)


async def test_republish_tells_every_document_once_and_without_mails(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.documents.republish.AT_ONCE", 2)
    await portal.customer()
    for number in range(4):
        await portal.invoice(f"RE-{number}")
    await portal.document()
    async with portal.database.transaction() as session:
        for row in await session.scalars(select(OutboxRow)):
            await session.delete(row)

    async with portal.database.transaction() as session:
        assert await republish(session) == 5

    invoices = await portal.emitted("documents.invoice.filed.v1")
    assert {event["number"] for event in invoices} == {f"RE-{number}" for number in range(4)}
    assert not any(event["notify"] for event in invoices)
    assert len(await portal.emitted("documents.document.filed.v1")) == 1


async def test_the_sweep_takes_only_what_no_row_needs(portal: Portal) -> None:
    await live_on(portal.database, utc_now() - timedelta(minutes=1))
    await portal.customer()
    await portal.invoice("RE-1")
    await portal.invoice("RE-2", customer_number="KD-later", files=[a_file(PDF + b"parked")])
    stored = a_file(PDF + b"orphan")
    await portal.storage.put(stored["sha256"], PDF + b"orphan")
    objects = {one.sha256: one async for one in portal.storage.objects()}
    newest = max(one.stored_at for one in objects.values())

    assert await sweep(portal.database, portal.storage, stored_before=min(o.stored_at for o in objects.values())) == 0
    removed = await sweep(portal.database, portal.storage, stored_before=newest.replace(year=newest.year + 1))

    left = {one.sha256 async for one in portal.storage.objects()}
    assert removed == 1
    assert left == set(objects) - {stored["sha256"]}


async def test_the_sweep_leaves_what_comes_from_a_time_that_the_database_forgot(portal: Portal) -> None:
    """Put back from a backup, it knows no row of what was stored between the backup and the loss."""
    backup = utc_now() - timedelta(hours=5)
    await live_on(portal.database, backup)
    stored = a_file(PDF + b"between")
    await portal.storage.put(stored["sha256"], PDF + b"between")
    in_a_year = utc_now() + timedelta(days=365)

    assert await sweep(portal.database, portal.storage, stored_before=in_a_year) == 0
    await live_on(portal.database, utc_now() + timedelta(hours=1))
    assert await sweep(portal.database, portal.storage, stored_before=in_a_year) == 0
    assert await portal.count(Life) == 2


async def test_holding_a_customer_makes_the_other_wait(portal: Portal) -> None:
    order: list[str] = []

    async def second() -> None:
        async with portal.database.transaction() as session:
            await hold_customer(session, "KD-1")
            order.append("second")

    async with portal.database.transaction() as session:
        await hold_customer(session, "KD-1")
        task = asyncio.create_task(second())
        await asyncio.sleep(0.2)
        order.append("first")
    await task

    assert order == ["first", "second"]
