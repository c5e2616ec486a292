"""The commands against a running portal."""

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from chassis.bus import connected_bus
from chassis.testing import wait_until
from portalctl.demo.einvoice import Invoice
from portalctl.demo.history import invoices_of
from portalctl.demo.paper import invoice_pdf
from portalctl.demo.story import COMPANIES
from portalctl.main import main
from tests.portal import NewCustomer, Portal

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="session")
def customer(portal: Portal) -> NewCustomer:
    return portal.customer()


def an_invoice() -> Invoice:
    return list(invoices_of(COMPANIES[0], date(2026, 11, 23)))[-1]


def shown(customer: NewCustomer, number: str) -> list[dict[str, object]]:
    answer = customer.admin.get("/documents", params={"q": number})
    return [item for item in answer.json()["items"] if item["number"] == number]


def test_an_einvoice_needs_nothing_but_its_customer(portal: Portal, customer: NewCustomer, tmp_path: Path) -> None:
    invoice = an_invoice()
    file = tmp_path / "rechnung.pdf"
    file.write_bytes(invoice_pdf(invoice, with_xml=True))

    said = portal.command("publish-invoice", "--customer", customer.number, file).stdout.split()

    (item,) = wait_until(lambda: shown(customer, invoice.number), seconds=30, every=0.1)
    assert len(said) == 1
    assert item["gross"] == {"amount": str(invoice.gross), "currency": "EUR"}
    assert item["issued_on"] == "2026-11-02"
    assert item["due_on"] == "2026-11-16"
    files = customer.admin.get(f"/documents/{item['id']}").json()["files"]
    assert customer.admin.get(f"/documents/{item['id']}/files/{files[0]['id']}").content == file.read_bytes()


def test_the_same_invoice_twice_is_one(portal: Portal, customer: NewCustomer, tmp_path: Path) -> None:
    file = tmp_path / "rechnung.pdf"
    file.write_bytes(invoice_pdf(an_invoice(), with_xml=False))
    number = f"RE-{uuid4().hex[:8]}"
    options = [
        "--number",
        number,
        "--issued-on",
        "2026-11-02",
        "--net",
        "100.00",
        "--tax",
        "19.00",
        "--gross",
        "119.00",
    ]

    once = portal.command("publish-invoice", "--customer", customer.number, file, *options).stdout
    again = portal.command("publish-invoice", "--customer", customer.number, file, *options).stdout
    other = portal.command(
        "publish-invoice", "--customer", customer.number, file, *options, "--number", f"{number}-B"
    ).stdout

    assert once == again != other
    wait_until(lambda: shown(customer, f"{number}-B"), seconds=30, every=0.1)
    assert len(shown(customer, number)) == 1


def test_fields_may_stand_in_a_json_file_beside(portal: Portal, customer: NewCustomer, tmp_path: Path) -> None:
    number = f"RE-{uuid4().hex[:8]}"
    (tmp_path / "r.pdf").write_bytes(invoice_pdf(an_invoice(), with_xml=False))
    data = {"invoice_number": number, "issued_on": "2026-10-02", "net": "1.00", "tax": "0.19", "gross": "1.19"}
    (tmp_path / "r.json").write_text(json.dumps(data))

    portal.command("publish-invoice", "--customer", customer.number, tmp_path / "r.pdf", "--due-on", "2026-10-20")

    (item,) = wait_until(lambda: shown(customer, number), seconds=30, every=0.1)
    assert item["due_on"] == "2026-10-20"


def test_what_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.pdf").write_bytes(invoice_pdf(an_invoice(), with_xml=False))
    (tmp_path / "r.txt").write_bytes(b"x")

    assert main(["publish-invoice", "--customer", "KD-1", str(tmp_path / "none.pdf")]) == 1
    assert "none.pdf: No such file" in capsys.readouterr().err
    assert main(["publish-invoice", "--customer", "KD-1", str(tmp_path / "r.txt")]) == 1
    assert "only .pdf and .xml" in capsys.readouterr().err
    assert main(["publish-invoice", "--customer", "KD-1", str(tmp_path / "r.pdf"), "--net", "1,00"]) == 1
    said = capsys.readouterr().err
    assert "invoice_number: Field required" in said
    assert "net: Value error, must be a decimal string" in said


def test_a_machines_token_opens_its_door_and_no_other(portal: Portal, customer: NewCustomer) -> None:
    name = f"erp-{uuid4().hex[:6]}"
    token = portal.command("create-token", name, "--scope", "billing:publish", "--days", "30").stdout.strip()
    headers = {"Authorization": f"Bearer {token}"}
    pdf = invoice_pdf(an_invoice(), with_xml=True)
    data = {
        "customer_number": customer.number,
        "invoice_number": f"RE-{uuid4().hex[:8]}",
        "issued_on": "2026-11-02",
        "currency": "EUR",
        "net": "1.00",
        "tax": "0.19",
        "gross": "1.19",
    }

    sent = httpx2.post(
        f"{portal.url}/api/v1/billing/invoices",
        headers=headers,
        files={"data": (None, json.dumps(data), "application/json"), "file": ("r.pdf", pdf, "application/pdf")},
    )

    assert token.startswith("kp_")
    assert sent.status_code == 202, sent.text
    assert httpx2.get(f"{portal.url}/api/v1/customers", headers=headers).status_code in (401, 403)
    assert wait_until(lambda: shown(customer, data["invoice_number"]), seconds=30, every=0.1)


def test_a_token_needs_a_fitting_name(portal: Portal) -> None:
    refused = portal.command("create-token", "Nicht So", "--scope", "billing:publish", check=False)

    assert refused.returncode == 1
    assert "lower-case letters" in refused.stderr


def test_a_dead_letter_is_listed_shown_retried_and_dropped(portal: Portal) -> None:
    marker = uuid4().hex
    asyncio.run(_publish_nonsense(portal, marker))
    number, _ = wait_until(lambda: _failed(portal, marker, "buried"), seconds=30, every=0.1)

    listed = portal.command("dead-letters", "list", "documents").stdout
    shown = portal.command("dead-letters", "show", "documents", str(number)).stdout
    portal.command("dead-letters", "retry", "documents", str(number))
    wait_until(lambda: (_failed(portal, marker, "buried") or (0, 0))[1] == 1, seconds=30, every=0.1)
    portal.command("dead-letters", "drop", "documents", str(number))
    again = portal.command("dead-letters", "drop", "documents", str(number), check=False)

    assert f"{number}  buried" in listed
    assert marker in shown
    assert "invalid_json" in shown
    assert _failed(portal, marker, "dropped")
    assert again.returncode == 1
    assert f"settled already: {number}" in again.stderr


def _failed(portal: Portal, marker: str, state: str) -> tuple[int, int] | None:
    """Id and tries since somebody asked for one, from the table itself."""
    wanted = "SELECT id, attempts FROM failed_events WHERE state = ? AND instr(payload, ?)"
    with closing(sqlite3.connect(portal.home / "documents.db")) as connection:
        found: tuple[int, int] | None = connection.execute(wanted, (state, marker.encode())).fetchone()
    return found


async def _publish_nonsense(portal: Portal, marker: str) -> None:
    feed = portal.run["feeds"]["billing"]
    bus = await connected_bus("billing", portal.run["nats_url"], user=feed["user"], password=feed["password"])
    headers = {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": marker}
    await bus.publish("billing.invoice.published.v1", f"{{ {marker}".encode(), headers)
    await bus.close()


@pytest.mark.parametrize("service", ["users", "documents"])
def test_a_service_tells_its_state_again(portal: Portal, customer: NewCustomer, service: str) -> None:
    said = portal.command("republish", service).stdout
    replayed = portal.command("republish", service, "--outbox", "--since", "2026-01-01").stdout

    assert said.startswith(f"{service}: ")
    assert int(replayed.split()[1]) > 0
    assert customer.admin.get("/documents/folders").status_code == 200


def test_auth_tells_what_happened_only(portal: Portal) -> None:
    assert "add --outbox" in portal.command("republish", "auth", check=False).stderr
    assert portal.command("republish", "auth", "--outbox").stdout.startswith("auth: ")


def test_streams_may_be_declared_and_databases_migrated_again(portal: Portal) -> None:
    said = portal.command("nats", "apply").stdout
    revisions = portal.command("migrate").stdout

    assert "consumer documents on BILLING" in said
    assert "stream" not in said
    assert [line.partition(":")[0] for line in revisions.splitlines()] == [
        "auth",
        "users",
        "documents",
        "contacts",
        "contracts",
        "metrics",
    ]


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "publish-invoice" in capsys.readouterr().out
    assert main(["fly"]) == 2
    assert "no command 'fly'" in capsys.readouterr().err
