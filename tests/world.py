"""Two companies with their people, machines and documents in a running portal, each with canaries in its data."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from httpx2 import Response

from chassis.bus import connected_bus
from chassis.testing import wait_until
from events.base import STRUCTURED
from tests.people import Person, browser
from tests.portal import NewCustomer, Portal


def a_pdf(words: str) -> bytes:
    """The smallest PDF that says something."""
    stream = f"BT /F1 18 Tf 60 760 Td ({words}) Tj ET".encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    body, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer << /Size 7 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return body + b"xref\n0 7\n0000000000 65535 f \n" + table + trailer


def invoice_data(customer: str, number: str, content: bytes, **changes: Any) -> dict[str, Any]:
    """The `data` of an invoice event, without the bytes."""
    usual = {
        "customer_number": customer,
        "invoice_number": number,
        "issued_on": "2026-09-02",
        "due_on": "2026-09-16",
        "period_from": "2026-08-01",
        "period_to": "2026-08-31",
        "currency": "EUR",
        "net": "1062.71",
        "tax": "201.91",
        "gross": "1264.62",
        "payment_state": "open",
        "files": [
            {"name": f"{number}.pdf", "media_type": "application/pdf", "sha256": hashlib.sha256(content).hexdigest()}
        ],
    }
    return usual | changes


@dataclass
class Company:
    """A customer with what belongs to it; its canary is in everything."""

    customer: NewCustomer
    canary: str
    documents: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)

    contracts: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    entries: dict[str, str] = field(default_factory=dict)
    """Of its exchange drive: name to id."""

    @property
    def admin(self) -> Person:
        return self.customer.admin

    def upload(self) -> str:
        """An upload of its admin to the exchange drive, begun when it is first asked for."""
        if not self.uploads:
            self.uploads.append(begin_upload(self.admin, f"{self.canary}.csv", 1000))
        return self.uploads[0]

    def folder(self) -> str:
        """A folder on its exchange drive, made when it is first asked for."""
        return self._entry(f"ordner-{self.canary}", lambda name: self.admin.post("/exchange/folders", {"name": name}))

    def file(self) -> str:
        """A file of its admin on its exchange drive, uploaded when it is first asked for."""
        return self._entry(f"datei-{self.canary}.txt", lambda name: begin_upload(self.admin, name, 7, b"kanarie"))

    def _entry(self, name: str, make: Callable[[str], Any]) -> str:
        if name not in self.entries:
            make(name)
            listed = self.admin.get("/exchange/entries").json()["items"]
            self.entries[name] = next(entry["id"] for entry in listed if entry["name"] == name)
        return self.entries[name]

    def row(self) -> str:
        """The admin's row among the users."""
        return str(self.admin.get("/users").json()["items"][0]["id"])

    def contact(self) -> str:
        """One of its own contacts, made when it is first asked for."""
        if not self.contacts:
            body = {"family_name": self.canary, "email": f"{self.canary}@firma.example", "roles": ["technical"]}
            made = self.admin.post("/contacts", body)
            assert made.status_code == 201, made.text
            self.contacts.append(str(made.json()["id"]))
        return self.contacts[0]

    def contract(self) -> str:
        """One of its own contracts, sent by the CRM when it is first asked for."""
        if not self.contracts:
            send_contract(self.customer.portal, self.customer.number, f"V-{self.canary}")
            found = wait_until(lambda: self.admin.get("/contracts").json()["items"], seconds=20)
            self.contracts.append(str(found[0]["id"]))
        return self.contracts[0]

    def line(self) -> str:
        """Its own line in a group, sent by the network when it is first asked for."""
        if not self.lines:
            send_line(self.customer.portal, self.customer.number, f"UL-{self.canary}"[:64])
            found = wait_until(lambda: self.admin.get("/metrics/lines").json()["items"], seconds=20)
            self.lines.append(str(found[0]["id"]))
        return self.lines[0]

    def group(self) -> str:
        """The group of that line."""
        self.line()
        return str(self.admin.get("/metrics/groups").json()["items"][0]["id"])


def begin_upload(person: Person, name: str, length: int, content: bytes = b"") -> str:
    """Declare a file of the exchange drive, with its bytes or without; the upload's id."""
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(length)}
    headers["Upload-Metadata"] = f"filename {base64.b64encode(name.encode()).decode()}"
    if content:
        headers["Content-Type"] = "application/offset+octet-stream"
    made = person.client.post("/api/v1/exchange/uploads", content=content, headers=headers)
    assert made.status_code == 201, made.text
    return str(made.headers["Location"].rpartition("/")[2])


def send_line(portal: Portal, customer_number: str, line_id: str, **changes: Any) -> None:
    """As the network would, over NATS."""
    usual = {
        "line_id": line_id,
        "customer_number": customer_number,
        "name": f"Uplink {line_id}",
        "site": "RZ Berlin 2",
        "capacity_bps": 1_000_000_000,
        "group": line_id,
        "version": 1,
    }
    _send(portal, "network", "network.line.upserted.v1", usual | changes)


def send_contract(portal: Portal, customer_number: str, number: str, **changes: Any) -> None:
    """As the CRM would, over NATS."""
    usual = {
        "customer_number": customer_number,
        "contract_number": number,
        "name": f"Colocation {number}",
        "starts_on": "2023-04-01",
        "min_term_months": 36,
        "renewal_months": 12,
        "notice": {"value": 3, "unit": "months", "to": "term_end"},
        "telecom_service": False,
        "positions": [],
        "version": 1,
    }
    _send(portal, "crm", "crm.contract.upserted.v1", usual | changes)


def _send(portal: Portal, feed: str, subject: str, data: dict[str, Any]) -> None:
    access, event_id, source = portal.run["feeds"][feed], uuid4().hex, f"/{feed}/world"
    envelope = {"specversion": "1.0", "id": event_id, "source": source, "type": subject, "data": data}

    async def publish() -> None:
        bus = await connected_bus(feed, portal.run["nats_url"], user=access["user"], password=access["password"])
        headers = {"Content-Type": STRUCTURED, "Nats-Msg-Id": f"{source}/{event_id}"}
        await bus.publish(subject, json.dumps(envelope).encode(), headers)
        await bus.close()

    # a loop of its own: also called from within tests that run in one
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, publish()).result(30)


class World:
    """Companies with people, a billing system and documents, in a running portal."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        made = portal.command("create-token", f"world-{uuid4().hex[:8]}", "--scope", "billing:publish").stdout
        self.token = next(word for word in made.split() if word.startswith("kp_"))
        self.machine = browser(portal.url, Authorization=f"Bearer {self.token}")

    def company(self) -> Company:
        """A customer with an admin who is in, and one invoice."""
        canary = f"kanarie{uuid4().hex[:12]}"
        company = Company(self.portal.customer(f"Firma {canary}"), canary)
        self.publish(company, f"RE-{canary}")
        return company

    def send(self, data: dict[str, Any], content: bytes, *, path: str = "invoices", **options: Any) -> Response:
        """Through the HTTP door, with the file as a part."""
        name = data["files"][0]["name"] if data.get("files") else "x.pdf"
        return self.machine.post(
            f"/api/v1/billing/{path}",
            data={"data": json.dumps(data)},
            files={"file": (name, content, "application/pdf")},
            **options,
        )

    def publish(self, company: Company, number: str) -> str:
        """An invoice of the company, filed; its document id."""
        content = a_pdf(number)
        sent = self.send(invoice_data(company.customer.number, number, content), content)
        assert sent.status_code == 202, sent.text
        found = wait_until(lambda: self._filed(company, number), seconds=20)
        company.documents.append(found["id"])
        company.files.append(found["files"][0]["id"])
        return str(found["id"])

    def _filed(self, company: Company, number: str) -> Any:
        answer = company.admin.get("/documents", params={"q": number})
        return next(iter(answer.json().get("items", [])), None)
