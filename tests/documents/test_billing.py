"""The HTTP door: multipart and JSON, keys, dry runs, what became of it."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient, Response

from chassis.testing import calling, person
from services.documents.models import Document, FeedRecord, File, HeldFile
from tests.documents.conftest import MACHINE, OPERATOR, PDF, Portal, a_document, an_invoice


@pytest.fixture
async def machine(portal: Portal) -> AsyncIterator[AsyncClient]:
    async with calling(portal.app, MACHINE) as client:
        yield client


def data_of(number: str = "RE-1", **fields: Any) -> dict[str, Any]:
    """An invoice whose file comes as a part."""
    entry = {"name": "rechnung.pdf", "media_type": "application/pdf", "sha256": hashlib.sha256(PDF).hexdigest()}
    return an_invoice(number, files=[entry]) | fields


async def post(client: AsyncClient, data: Any, *, content: bytes = PDF, **options: Any) -> Response:
    parts = {"data": (None, json.dumps(data)), "file": ("rechnung.pdf", content, "application/pdf")}
    return await client.post("/billing/invoices", files=parts, **options)


async def test_an_invoice_with_its_file_as_a_part_is_filed_at_once(portal: Portal, machine: AsyncClient) -> None:
    customer_id = await portal.customer()

    answer = await post(machine, data_of())

    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "filed"
    (document,) = await portal.rows(Document)
    assert (document.source, document.customer_id) == ("/billing/test", customer_id)
    asked = (await machine.get(f"/billing/events/{answer.json()['event_id']}")).json()
    assert (asked["state"], asked["reasons"], asked["document_id"]) == ("filed", [], str(document.id))
    assert len(await portal.emitted("documents.invoice.filed.v1")) == 1


async def test_parts_without_a_list_make_one(portal: Portal, machine: AsyncClient) -> None:
    await portal.customer()
    data = {name: value for name, value in an_invoice().items() if name != "files"}
    parts = [
        ("data", (None, json.dumps(data))),
        ("a", ("Rechnung März.pdf", PDF, "application/pdf")),
        ("b", ("belege.csv", b"a;b", "text/csv; charset=utf-8")),
    ]

    answer = await machine.post("/billing/invoices", files=parts)

    assert answer.status_code == 202, answer.text
    files = sorted(await portal.rows(File), key=lambda file: file.position)
    assert [(file.name, file.media_type, file.role) for file in files] == [
        ("Rechnung März.pdf", "application/pdf", "invoice"),
        ("belege.csv", "text/csv", "attachment"),
    ]


async def test_the_part_must_have_the_promised_checksum(portal: Portal, machine: AsyncClient) -> None:
    answer = await post(machine, data_of(), content=PDF + b"x")

    assert (answer.status_code, answer.json()["code"]) == (422, "checksum_mismatch")
    assert answer.json()["errors"][0]["pointer"] == "/files/0/sha256"


async def test_six_mebibytes_are_422(machine: AsyncClient) -> None:
    data = {name: value for name, value in an_invoice().items() if name != "files"}

    answer = await post(machine, data, content=b"%PDF-" + bytes(6 * 1024**2))

    assert (answer.status_code, answer.json()["code"]) == (422, "files_too_large")


async def test_a_dry_run_checks_everything_and_leaves_nothing(portal: Portal, machine: AsyncClient) -> None:
    await portal.customer()

    filed = await post(machine, data_of(), params={"dry_run": "true"}, headers={"Idempotency-Key": "k"})
    parked = await post(machine, data_of(customer_number="KD-?"), params={"dry_run": "true"})
    wrong = await post(machine, data_of(net="x"), params={"dry_run": "true"})
    assert [one.json()["state"] for one in (filed, parked)] == ["filed", "parked"]
    assert wrong.status_code == 422
    assert await portal.count(Document) == await portal.count(FeedRecord) == await portal.count(HeldFile) == 0
    assert [one async for one in portal.storage.objects()] == []
    assert (await machine.get(f"/billing/events/{filed.json()['event_id']}")).status_code == 404

    real = await post(machine, data_of(), headers={"Idempotency-Key": "k"})
    conflict = await post(machine, data_of(net="1.00"), params={"dry_run": "true"})

    assert real.json() == filed.json() | {"dry_run": False}
    assert (conflict.status_code, conflict.json()["code"]) == (409, "invoice_conflict")
    assert await portal.count(FeedRecord) == 1


async def test_the_same_key_gives_the_same_answer_whatever_the_boundaries(portal: Portal, machine: AsyncClient) -> None:
    await portal.customer()
    key = {"Idempotency-Key": "auftrag-1"}

    first = await post(machine, data_of(), headers=key)
    again = await post(machine, data_of(), headers=key)
    other = await post(machine, data_of(net="1.00"), headers=key)

    assert first.request.headers["content-type"] != again.request.headers["content-type"]
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await portal.count(Document) == await portal.count(FeedRecord) == 1


async def test_ten_at_once_with_one_key_file_one(portal: Portal, machine: AsyncClient) -> None:
    await portal.customer()

    answers = await asyncio.gather(*(post(machine, data_of(), headers={"Idempotency-Key": "k"}) for _ in range(10)))

    assert {answer.status_code for answer in answers} <= {202, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"request_in_flight"}
    assert len({answer.json()["event_id"] for answer in answers if answer.status_code == 202}) == 1
    assert await portal.count(Document) == await portal.count(FeedRecord) == 1


async def test_the_same_number_with_other_content_is_409_and_shown_to_the_operator(
    portal: Portal, machine: AsyncClient
) -> None:
    await portal.customer()
    await post(machine, data_of())
    key = {"Idempotency-Key": "k"}

    conflict = [await post(machine, data_of(net="1.00"), headers=key) for _ in range(2)]

    assert [(one.status_code, one.json()["code"]) for one in conflict] == [(409, "invoice_conflict")] * 2
    async with portal.as_user(uuid4(), **OPERATOR) as operator:
        (shown,) = (await operator.get("/documents/operator/conflicts")).json()["items"]
    assert (shown["number"], shown["reason"]) == ("RE-1", "invoice_conflict")
    asked = (await machine.get(f"/billing/events/{shown['event_id']}")).json()
    assert (asked["state"], asked["document_id"]) == ("refused", None)


async def test_what_is_parked_says_so_until_the_customer_comes(portal: Portal, machine: AsyncClient) -> None:
    answer = await post(machine, data_of())
    event = f"/billing/events/{answer.json()['event_id']}"
    parked = (await machine.get(event)).json()

    await portal.customer()

    filed = (await machine.get(event)).json()
    assert answer.json()["state"] == parked["state"] == "parked"
    assert parked["reasons"][0]["reason"] == "unknown_customer"
    assert filed["state"] == "filed"


async def test_documents_and_payments_have_the_same_door(portal: Portal, machine: AsyncClient) -> None:
    await portal.customer()
    payment = {"customer_number": "KD-10001", "invoice_number": "RE-1", "payment_state": "paid", "open_amount": "0.00"}

    answers = [
        await machine.post("/billing/payments", json=payment),
        await machine.post("/billing/documents", json=a_document(invoice_number="RE-1")),
        await machine.post("/billing/invoices", json=an_invoice("RE-1", payment_state=None)),
    ]

    assert [answer.json()["state"] for answer in answers] == ["parked", "filed", "filed"]
    invoice, document = sorted(await portal.rows(Document), key=lambda row: row.family, reverse=True)
    assert invoice.payment_state == "paid"
    assert document.related_id == invoice.id


async def test_over_http_a_foreign_invoice_is_422(portal: Portal, machine: AsyncClient) -> None:
    await portal.customer()
    await portal.customer("KD-10002")
    await machine.post("/billing/invoices", json=an_invoice("RE-1"))
    wrong = {"customer_number": "KD-10002", "invoice_number": "RE-1"}

    document = await machine.post("/billing/documents", json=a_document(**wrong))
    payment = await machine.post("/billing/payments", json=wrong | {"payment_state": "paid", "open_amount": "0"})

    for answer, pointer in ((document, "/invoice_number"), (payment, "/customer_number")):
        assert (answer.status_code, answer.json()["code"]) == (422, "customer_mismatch")
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_while_the_store_is_down_503_and_nothing_is_noted(portal: Portal, machine: AsyncClient) -> None:
    await portal.customer()
    folder = portal.storage._folder
    folder.mkdir(parents=True)
    (folder / "sha256").write_text("in the way")

    down = await post(machine, data_of(), headers={"Idempotency-Key": "k"})
    (folder / "sha256").unlink()
    up = await post(machine, data_of(), headers={"Idempotency-Key": "k"})

    assert (down.status_code, down.json()["code"]) == (503, "unavailable")
    assert up.status_code == 202


async def test_events_are_told_to_their_sender_and_operators_only(portal: Portal, machine: AsyncClient) -> None:
    await portal.customer()
    event = f"/billing/events/{(await post(machine, data_of())).json()['event_id']}"
    other = MACHINE.__class__(sub="machine:other", scopes=("billing:publish",))
    network = MACHINE.__class__(sub="machine:test", scopes=("network:publish",))
    statuses = {}

    for who, identity in {
        "another machine": other,
        "another scope": network,
        "nobody": MACHINE.__class__(sub="anonymous"),
        "a customer": person(),
        "an operator": person(**OPERATOR),
    }.items():
        async with calling(portal.app, identity) as client:
            statuses[who] = (await client.get(event)).status_code

    assert statuses == {
        "another machine": 404,
        "another scope": 403,
        "nobody": 401,
        "a customer": 403,
        "an operator": 200,
    }
    assert (await machine.get("/billing/events/unknown")).status_code == 404
    assert (await machine.get("/billing/events/%00")).status_code == 422


async def test_people_cannot_publish(portal: Portal) -> None:
    for identity, status in ((person(), 403), (person(**OPERATOR), 403), (MACHINE.__class__(sub="anonymous"), 401)):
        async with calling(portal.app, identity) as client:
            assert (await client.post("/billing/invoices", json={})).status_code == status


def test_the_description_of_the_door_has_no_loose_ends(portal: Portal) -> None:
    document = portal.app.openapi()
    words = json.dumps(document)

    bodies = [document["paths"][f"/billing/{path}"]["post"]["requestBody"] for path in ("invoices", "documents")]
    assert "#/$defs" not in words
    assert all({"application/json", "multipart/form-data"} == set(body["content"]) for body in bodies)
    references = {part.split('"')[0] for part in words.split('"$ref": "#/components/schemas/')[1:]}
    assert references <= set(document["components"]["schemas"])
