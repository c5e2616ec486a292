"""Publish an invoice over NATS as a billing system would, and wait until the broker has stored it.

What is not given comes from FILE.json beside the file (fields as in docs/feeds.md), then from the e-invoice in the file
(ZUGFeRD, Factur-X, XRechnung). The same invoice published twice is one invoice.
"""

import argparse
import asyncio
import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chassis.db import utc_now
from events.base import STRUCTURED, encode, pointers
from events.billing import InvoicePublished
from portalctl.attach import Settings, attach
from portalctl.broker import broker, publish
from portalctl.console import Failed, say
from services.documents.einvoice import read

LARGEST_BYTES = 5 * 1024**2
MEDIA_TYPES = {".pdf": "application/pdf", ".xml": "application/xml"}
FIELDS = {
    "number": "invoice_number",
    "kind": "kind",
    "issued_on": "issued_on",
    "due_on": "due_on",
    "period_from": "period_from",
    "period_to": "period_to",
    "currency": "currency",
    "net": "net",
    "tax": "tax",
    "gross": "gross",
    "payment_state": "payment_state",
    "purchase_order": "purchase_order",
    "corrects": "corrects",
}
"""Option to field of the event."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The file, the customer, and what the file does not say itself."""
    parser.add_argument("file", type=Path, metavar="FILE", help="PDF, or XRechnung XML")
    parser.add_argument("--customer", required=True, metavar="NUMBER", help="such as KD-10042")
    parser.add_argument("--source", default="portalctl", help="the event's source is /billing/SOURCE")
    parser.add_argument("--no-notify", action="store_true", help="history: nobody gets a mail")
    for option in FIELDS:
        parser.add_argument(f"--{option.replace('_', '-')}", metavar="VALUE")


def run(chosen: argparse.Namespace) -> None:
    """Print the event's id."""
    event = invoice_event(chosen)
    source = f"/billing/{chosen.source}"
    event_id = id_of(event)
    asyncio.run(_publish(attach(), event, source, event_id))
    say(event_id)


def id_of(event: InvoicePublished) -> str:
    """The same invoice has the same id, so a second try after a lost answer changes nothing."""
    return hashlib.sha256(event.model_dump_json().encode()).hexdigest()[:32]


def invoice_event(chosen: argparse.Namespace) -> InvoicePublished:
    """Everything put together and checked.

    Raises:
        Failed: no file, too large a one, or a field that is missing or wrong; names them.
    """
    try:
        content = chosen.file.read_bytes()
    except OSError as error:
        raise Failed(f"{chosen.file}: {error.strerror}") from None
    if len(content) > LARGEST_BYTES:
        raise Failed(f"{chosen.file} has {len(content)} bytes; inside an event 5 MiB fit. Send it by HTTP with a url")
    given = {field: getattr(chosen, option) for option, field in FIELDS.items() if getattr(chosen, option)}
    data = {"kind": "invoice", "currency": "EUR"} | _from_einvoice(content) | _beside(chosen.file) | given
    data |= {"customer_number": chosen.customer, "files": [_file(chosen.file, content)]}
    if chosen.no_notify:
        data["notify"] = False
    try:
        return InvoicePublished.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        wrong = "; ".join(f"{item['pointer'].lstrip('/')}: {item['detail']}" for item in pointers(error, ""))
        raise Failed(f"this does not make an invoice: {wrong}") from None


def _from_einvoice(content: bytes) -> dict[str, Any]:
    found = read(content)
    if found is None:
        return {}
    names = {"invoice_number": "number"} | {
        name: name
        for name in ("kind", "issued_on", "due_on", "period_from", "period_to", "currency", "net", "tax", "gross")
    }
    values = {field: getattr(found, name) for field, name in names.items()} | {"purchase_order": found.purchase_order}
    return {field: str(value) for field, value in values.items() if value is not None}


def _beside(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.with_suffix(".json").read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Failed(f"{file.with_suffix('.json')} is not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise Failed(f"{file.with_suffix('.json')} does not hold an object")
    return found


def _file(file: Path, content: bytes) -> dict[str, str]:
    media_type = MEDIA_TYPES.get(file.suffix.lower())
    if media_type is None:
        raise Failed(f"{file}: only .pdf and .xml are invoices")
    return {
        "name": file.name,
        "media_type": media_type,
        "sha256": hashlib.sha256(content).hexdigest(),
        "role": "invoice",
        "content": base64.b64encode(content).decode(),
    }


async def _publish(settings: Settings, event: InvoicePublished, source: str, event_id: str) -> None:
    payload = encode(event, source=source, event_id=event_id, time=utc_now(), traceparent=None)
    headers = {"Content-Type": STRUCTURED, "Nats-Msg-Id": f"{source}/{event_id}"}
    async with broker(settings, "billing") as bus:
        await publish(bus, event.subject, payload, headers)
