"""The whole chain over HTTP: operator, customer, mail, password, app, invoice event, the customer's bytes."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from chassis.bus import connected_bus
from chassis.testing import wait_until
from events.base import STRUCTURED, encode
from events.billing import InvoicePublished
from tests.people import PASSWORD
from tests.portal import Portal
from tests.world import Company, World, a_pdf, invoice_data


@pytest.fixture(scope="module")
def world(portal: Portal) -> World:
    return World(portal)


@pytest.fixture(scope="module")
def company(world: World) -> Company:
    return world.company()


async def publish_over_nats(
    portal: Portal, data: dict[str, Any], *, event_id: str | None = None, raw: bytes | None = None
) -> str:
    """As a billing system does, with the feed's own account; returns the event id."""
    feed = portal.run["feeds"]["billing"]
    event_id = event_id or str(uuid4())
    payload = raw
    if payload is None:
        event = InvoicePublished.model_validate_json(json.dumps(data))
        payload = encode(event, source="/billing/e2e", event_id=event_id, time=datetime.now(UTC), traceparent=None)
    bus = await connected_bus("e2e", portal.run["nats_url"], user=feed["user"], password=feed["password"])
    headers = {"Content-Type": STRUCTURED, "Nats-Msg-Id": f"/billing/e2e/{event_id}"}
    await bus.publish("billing.invoice.published.v1", payload, headers)
    await bus.close()
    return event_id


def with_content(company: Company, number: str, content: bytes, **changes: Any) -> dict[str, Any]:
    data = invoice_data(company.customer.number, number, content, **changes)
    data["files"][0]["content"] = base64.b64encode(content).decode()
    return data


def find(company: Company, number: str) -> Any:
    return next(iter(company.admin.get("/documents", params={"q": number}).json()["items"]), None)


async def test_an_event_over_nats_becomes_the_customers_document(portal: Portal, company: Company) -> None:
    number, content = f"RE-{uuid4().hex[:10]}", a_pdf("Guten Tag")
    await publish_over_nats(portal, with_content(company, number, content))

    document = wait_until(lambda: find(company, number), seconds=5)
    folders = company.admin.get("/documents/folders").json()
    path = f"/documents/{document['id']}/files/{document['files'][0]['id']}"
    whole = company.admin.get(path)
    part = company.admin.get(path, headers={"Range": "bytes=5-9"})

    assert whole.content == content
    assert hashlib.sha256(whole.content).hexdigest() == document["files"][0]["sha256"]
    assert (part.status_code, part.content) == (206, content[5:10])
    assert document["gross"] == {"amount": "1264.62", "currency": "EUR"}
    assert [year["year"] for year in folders] == [2026]
    assert {"month": 9, "count": folders[0]["count"]} in folders[0]["months"]


async def test_the_same_event_again_and_the_same_content_again_change_nothing(portal: Portal, company: Company) -> None:
    number, content = f"RE-{uuid4().hex[:10]}", a_pdf("einmal")
    data = with_content(company, number, content)
    event_id = await publish_over_nats(portal, data)
    await publish_over_nats(portal, data, event_id=event_id)
    await publish_over_nats(portal, data)
    marker = f"RE-{uuid4().hex[:10]}"
    await publish_over_nats(portal, with_content(company, marker, content))

    wait_until(lambda: find(company, marker), seconds=5)
    assert len(company.admin.get("/documents", params={"q": number}).json()["items"]) == 1


async def test_the_same_number_with_other_bytes_is_a_conflict_for_the_operator(
    portal: Portal, world: World, company: Company
) -> None:
    number = f"RE-{uuid4().hex[:10]}"
    await publish_over_nats(portal, with_content(company, number, a_pdf("das Original")))
    first = wait_until(lambda: find(company, number), seconds=5)
    event_id = await publish_over_nats(portal, with_content(company, number, a_pdf("etwas anderes")))

    operator = portal.operator()
    conflict = wait_until(
        lambda: next(
            (
                one
                for one in operator.get("/documents/operator/conflicts").json()["items"]
                if one["event_id"] == event_id
            ),
            None,
        ),
        seconds=5,
    )
    assert conflict["number"] == number
    assert find(company, number)["files"] == first["files"]


def test_by_http_the_same_checks_answer_at_once(world: World, company: Company) -> None:
    number, content = f"RE-{uuid4().hex[:10]}", a_pdf("über HTTP")
    data = invoice_data(company.customer.number, number, content)

    only_checked = world.send(data, content, params={"dry_run": "true"})
    first = world.send(data, content, headers={"Idempotency-Key": number})
    again = world.send(data, content, headers={"Idempotency-Key": number})
    other = world.send(data | {"net": "1.00"}, content, headers={"Idempotency-Key": number})
    conflict = world.send(data | {"net": "1.00"}, content)
    state = world.machine.get(f"/api/v1/billing/events/{first.json()['event_id']}")

    assert only_checked.status_code in (200, 202)
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert first.json() == again.json()
    assert (conflict.status_code, conflict.json()["code"]) == (409, "invoice_conflict")
    assert state.json()["state"] == "filed"


def test_an_unknown_customer_number_waits_for_its_customer(portal: Portal, world: World) -> None:
    customer_number, number, content = f"KD-{uuid4().hex[:8]}", f"RE-{uuid4().hex[:10]}", a_pdf("früh")
    sent = world.send(invoice_data(customer_number, number, content), content)
    parked = world.machine.get(f"/api/v1/billing/events/{sent.json()['event_id']}").json()
    late = portal.customer("Spät GmbH", number=customer_number)

    document = wait_until(lambda: next(iter(late.admin.get("/documents").json()["items"]), None), seconds=10)
    filed = world.machine.get(f"/api/v1/billing/events/{sent.json()['event_id']}").json()

    assert (parked["state"], filed["state"]) == ("parked", "filed")
    assert document["number"] == number


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"invoice_number": None}, "/invoice_number"),
        ({"issued_on": "2026-02-30"}, "/issued_on"),
        ({"net": 5}, "/net"),
        ({"net": "-5.00"}, ""),
        ({"invoice_number": "9" * 10_000}, "/invoice_number"),
        ({"kind": "bribe"}, "/kind"),
    ],
)
def test_wrong_data_by_http_has_pointers(world: World, company: Company, changes: dict[str, Any], pointer: str) -> None:
    content = a_pdf("x")
    data = invoice_data(company.customer.number, "RE-x", content) | changes
    data = {name: value for name, value in data.items() if value is not None}

    answer = world.send(data, content)

    assert answer.status_code == 422, answer.text
    assert any(item["pointer"].endswith(pointer) for item in answer.json()["errors"])


@pytest.mark.parametrize("name", ["../x.pdf", "a\x00b.pdf", "con.pdf", "x\u202egpj.pdf"])
def test_wicked_file_names_are_refused(world: World, company: Company, name: str) -> None:
    content = a_pdf("x")
    data = invoice_data(company.customer.number, f"RE-{uuid4().hex[:8]}", content)
    data["files"][0]["name"] = name
    data["files"][0]["content"] = base64.b64encode(content).decode()

    answer = world.machine.post("/api/v1/billing/invoices", json=data)

    assert answer.status_code == 422, answer.text


async def test_poison_over_nats_is_buried_and_the_next_goes_through(
    portal: Portal, world: World, company: Company
) -> None:
    await publish_over_nats(portal, {}, raw=b"{ this is no JSON")
    program = b"MZ" + b"\x00" * 200
    wrong = await publish_over_nats(portal, with_content(company, f"RE-{uuid4().hex[:8]}", program))
    number = f"RE-{uuid4().hex[:10]}"
    await publish_over_nats(portal, with_content(company, number, a_pdf("danach")))

    wait_until(lambda: find(company, number), seconds=5)
    operator = portal.operator()
    refused = {one["event_id"]: one["reason"] for one in operator.get("/documents/operator/refused").json()["items"]}
    dead = operator.get("/documents/operator/dead-letters").json()["items"]
    assert refused[wrong] == "wrong_file_type"
    assert "invalid_json" in {one["reason"] for one in dead}


def test_the_welcome_mail_says_what_is_needed(portal: Portal, company: Company) -> None:
    mail = next(one for one in reversed(portal.mails()) if company.admin.username in one["to"])

    for form in ("text", "html"):
        for words in (company.admin.username, "/invitation#", "+49 30 23125-100", "portal@nordwelle.example", "Aegis"):
            assert words in mail[form]
        assert company.canary in mail[form]
    assert f"{portal.url}/invitation#" in mail["text"]


def test_a_new_invoice_is_told_to_the_open_page(portal: Portal, world: World, company: Company) -> None:
    number = f"RE-{uuid4().hex[:10]}"
    with company.admin.client.stream("GET", "/api/v1/live", timeout=20) as stream:
        lines = stream.iter_lines()
        next(lines)
        world.publish(company, number)
        told = next(line for line in lines if line.startswith("data:") and number in line)

    assert company.customer.number not in told


def test_signing_out_ends_the_session_at_once(portal: Portal, company: Company) -> None:
    reader = company.customer.person(f"leser-{uuid4().hex[:6]}")
    assert reader.get("/documents").status_code == 200
    cookies = dict(reader.client.cookies)

    assert reader.client.delete("/api/v1/auth/session").status_code == 204
    thief = portal.stranger()
    thief.client.cookies.update(cookies)
    assert thief.get("/documents").status_code == 401


def test_a_deactivated_user_is_out_within_a_second(portal: Portal, company: Company) -> None:
    reader = company.customer.person(f"leser-{uuid4().hex[:6]}")
    assert reader.get("/documents").status_code == 200
    rows = company.admin.get("/users", params={"limit": 200}).json()["items"]
    row = next(one for one in rows if one["username"] == reader.username)

    changed = company.admin.client.patch(
        f"/api/v1/users/{row['id']}", json={"active": False}, headers={"If-Match": f'"{row["version"]}"'}
    )

    assert changed.status_code == 200, changed.text
    wait_until(lambda: reader.get("/documents").status_code == 401, seconds=1)
    assert reader.password_step(PASSWORD).status_code == 401


def test_half_a_sign_in_opens_nothing(portal: Portal, company: Company) -> None:
    half = portal.stranger(company.admin.username)
    assert half.password_step().json() == {"next": "second_factor"}

    for path in ("/documents", "/documents/folders", "/users", "/users/me", "/auth/session"):
        answer = half.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_required")
