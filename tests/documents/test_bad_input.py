"""Every bad input of the feed: over NATS buried with its reason, by HTTP 422 with a pointer; nothing half-filed."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import AsyncClient

from chassis.inbox import FailedEvent
from chassis.testing import calling
from services.documents.models import Document, FeedRecord, File
from tests.documents.conftest import MACHINE, PDF, Portal, a_document, a_file, an_invoice

MIB = 1024**2


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in an_invoice().items() if name != field}


def with_file(content: bytes = PDF, name: str = "rechnung.pdf", **fields: Any) -> dict[str, Any]:
    return an_invoice(files=[a_file(content, name, **fields)])


LARGE = b"%PDF-" + bytes(5 * MIB)
BAD: dict[str, tuple[Any, str, str]] = {
    "no object": ([], "invalid_data", ""),
    "a field is missing": (without("gross"), "invalid_data", "/gross"),
    "a wrong type": (an_invoice(net=1062.71), "invalid_data", "/net"),
    "too many places": (an_invoice(net="1.234"), "invalid_data", "/net"),
    "not a number": (an_invoice(net="NaN"), "invalid_data", "/net"),
    "a negative invoice": (an_invoice(net="-1.00"), "invalid_data", ""),
    "a date that does not exist": (an_invoice(issued_on="2026-02-30"), "invalid_data", "/issued_on"),
    "a period backwards": (an_invoice(period_from="2026-09-01", period_to="2026-08-01"), "invalid_data", ""),
    "a number of 10,000 characters": (an_invoice("9" * 10_000), "invalid_data", "/invoice_number"),
    "a control character": (an_invoice("RE\u0000-1"), "invalid_data", "/invoice_number"),
    "an unknown kind": (an_invoice(kind="bribe"), "invalid_data", "/kind"),
    "no files": (an_invoice(files=[]), "invalid_data", "/files"),
    "a file from nowhere": (with_file(content=b"%PDF-", url="https://x.example/"), "invalid_data", "/files/0"),
    "a wrong checksum": (with_file(sha256="0" * 64), "checksum_mismatch", "/files/0/sha256"),
    "not base64": (an_invoice(files=[a_file() | {"content": "%%%"}]), "invalid_content", "/files/0/content"),
    "more than 5 MiB": (with_file(LARGE), "files_too_large", "/files/0/content"),
    "more than 5 MiB together": (
        an_invoice(files=[a_file(LARGE[: MIB * 27 // 10]), a_file(LARGE[: MIB * 27 // 10], "b.pdf")]),
        "files_too_large",
        "/files/1/content",
    ),
    "a program named pdf": (with_file(b"MZ\x90\x00" + bytes(60)), "wrong_file_type", "/files/0/content"),
    "a program named csv": (
        with_file(b"\x7fELF\x02", "x.csv", media_type="text/csv"),
        "wrong_file_type",
        "/files/0/content",
    ),
    "a script": (with_file(b"#!/bin/sh\n", "x.txt", media_type="text/plain"), "wrong_file_type", "/files/0/content"),
    "a PDF called XML": (
        with_file(PDF, "x.xml", media_type="application/xml"),
        "wrong_file_type",
        "/files/0/content",
    ),
    "a path": (with_file(name="../rechnung.pdf"), "invalid_file_name", "/files/0/name"),
    "a control character in a name": (with_file(name="a\u0001.pdf"), "invalid_file_name", "/files/0/name"),
    "a name that runs backwards": (with_file(name="a\u202efdp.exe"), "invalid_file_name", "/files/0/name"),
    "a reserved name": (with_file(name="con.pdf"), "invalid_file_name", "/files/0/name"),
    "too long a name": (with_file(name="ä" * 128 + ".pdf"), "invalid_file_name", "/files/0/name"),
    "a forbidden address": (
        an_invoice(files=[{k: v for k, v in a_file(url="https://x.example/a").items() if k != "content"}]),
        "url_not_allowed",
        "/files/0/url",
    ),
    "a forbidden bucket": (
        an_invoice(files=[{k: v for k, v in a_file(object={"bucket": "b", "key": "k"}).items() if k != "content"}]),
        "object_not_allowed",
        "/files/0/object",
    ),
}


@pytest.fixture
async def machine(portal: Portal) -> AsyncIterator[AsyncClient]:
    async with calling(portal.app, MACHINE) as client:
        yield client


async def test_as_an_event_each_is_buried_with_its_reason_and_the_next_goes_through(portal: Portal) -> None:
    customer_id = await portal.customer()
    buried = {}

    for what, (data, _, _) in BAD.items():
        assert await portal.publish("billing.invoice.published.v1", data, event_id=what) == "buried", what
    assert await portal.invoice("RE-next") == "handled"

    for record in await portal.rows(FeedRecord, FeedRecord.state == "refused"):
        buried[record.event_id] = (record.reasons[0]["reason"], record.reasons[0].get("pointer", ""))
    assert buried == {what: (reason, f"/data{pointer}") for what, (_, reason, pointer) in BAD.items()}
    assert await portal.count(Document, Document.customer_id == customer_id) == await portal.count(File) == 1
    assert await portal.count(FailedEvent, FailedEvent.state == "buried") == len(BAD)


async def test_by_http_each_is_422_with_a_pointer(portal: Portal, machine: AsyncClient) -> None:
    await portal.customer()
    answers = {}

    for what, (data, _, _) in BAD.items():
        answer = await machine.post("/billing/invoices", json=data)
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        answers[what] = (answer.status_code, problem["code"], problem["errors"][0]["pointer"])

    codes = {what: "invalid" if reason == "invalid_data" else reason for what, (_, reason, _) in BAD.items()}
    assert answers == {what: (422, codes[what], pointer) for what, (_, _, pointer) in BAD.items()}
    assert await portal.count(Document) == await portal.count(File) == await portal.count(FeedRecord) == 0


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{ no json", "invalid_json"),
        (b"[1]", "not_a_cloudevent"),
        (b'{"specversion":"1.0","id":"a\\u0000","source":"/billing/x","type":"t","data":{}}', "invalid_envelope"),
        (b'{"specversion":"1.0","id":"\\ud800","source":"/billing/x","type":"t","data":{}}', "invalid_envelope"),
    ],
)
async def test_what_is_no_event_is_in_the_dead_letters_only(portal: Portal, payload: bytes, reason: str) -> None:
    assert await portal.deliver("billing.invoice.published.v1", payload) == "buried"

    (dead,) = await portal.rows(FailedEvent)
    assert (dead.reason, dead.payload) == (reason, payload)
    assert await portal.count(FeedRecord) == 0


async def test_half_of_a_surrogate_pair_is_invalid_data(portal: Portal) -> None:
    assert await portal.invoice(billing_account="\ud800") == "buried"
    assert await portal.invoice(files=[a_file(name="\ud800.pdf")]) == "buried"


async def test_a_body_of_more_than_8_mib_is_413(machine: AsyncClient) -> None:
    answer = await machine.post("/billing/invoices", content=b" " * (8 * MIB + 1))

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


UNREADABLE: list[tuple[dict[str, str], bytes, int, str | None]] = [
    ({}, b"", 422, ""),
    ({}, b"{", 422, ""),
    ({}, b"[" * 100_000, 422, ""),
    ({}, b"\xff\xfe\xfd", 422, ""),
    ({"content-type": "text/plain"}, b"x", 415, None),
    ({"content-type": "multipart/form-data"}, b"x", 422, ""),
    ({"content-type": "multipart/form-data; boundary=x"}, b"--x\r\nnonsense", 422, ""),
    ({"content-type": "multipart/form-data; boundary=x"}, b"--x--\r\n", 422, ""),
    ({"content-type": ";;"}, b"{}", 415, None),
]


async def test_a_body_that_cannot_be_read_says_so(machine: AsyncClient) -> None:
    for headers, body, status, pointer in UNREADABLE:
        answer = await machine.post("/billing/invoices", content=body, headers=headers)

        assert answer.status_code == status, (headers, body[:20])
        assert pointer is None or answer.json()["errors"][0]["pointer"] == pointer


async def test_parts_with_a_wrong_list_of_files_are_422(machine: AsyncClient) -> None:
    for files in ("x", [1], None, {"a": 1}):
        parts = {"data": (None, json.dumps(an_invoice(files=files))), "file": ("a.pdf", PDF, "application/pdf")}

        answer = await machine.post("/billing/invoices", files=parts)

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/files")


async def test_a_part_that_no_entry_bears_is_422(machine: AsyncClient) -> None:
    entry = {"name": "b.pdf", "media_type": "application/pdf", "sha256": hashlib.sha256(PDF).hexdigest()}
    parts = {"data": (None, json.dumps(an_invoice(files=[entry]))), "file": ("a.pdf", PDF, "application/pdf")}

    answer = await machine.post("/billing/invoices", files=parts)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/files")


async def test_bad_documents_and_payments_are_refused_alike(portal: Portal, machine: AsyncClient) -> None:
    payment = {"customer_number": "KD-10001", "invoice_number": "RE-1", "payment_state": "gone", "open_amount": "0"}

    assert await portal.document(kind="secret") == "buried"
    assert await portal.publish("billing.payment.recorded.v1", payment) == "buried"
    for path, data in (("documents", a_document(kind="secret")), ("payments", payment)):
        answer = await machine.post(f"/billing/{path}", json=data)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] in ("/kind", "/payment_state")


async def test_base64_of_the_url_kind_is_refused(portal: Portal) -> None:
    content = b"%PDF-" + bytes(range(256)) * 3
    urlsafe = base64.urlsafe_b64encode(content).decode()

    assert await portal.invoice(files=[a_file(content) | {"content": urlsafe}]) == "buried"
