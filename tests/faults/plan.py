"""What a made-up billing system sends, all from one seed: invoices, repeats, poison, a customer who comes late."""

import base64
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from events.base import STRUCTURED, Event, encode
from events.billing import FeedFile, InvoicePublished
from events.users import CustomerChanged

SOURCE = "/billing/faults"
STARTED = datetime(2026, 11, 2, 6, 0, tzinfo=UTC)
CUSTOMERS = {"KD-20001": UUID(int=20001), "KD-20002": UUID(int=20002), "KD-20003": UUID(int=20003)}
"""The last one is announced late."""
EACH_REPEAT, EACH_POISON = 29, 53
Step = tuple[Literal["customer", "invoice", "repeat", "resend", "poison"], int]
"""``repeat``: the same event once more, unknown to the broker; ``resend``: the same invoice as a new event."""


@dataclass(frozen=True)
class Message:
    """One row of the billing system's outbox."""

    subject: str
    payload: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Expected:
    """What must be filed for an invoice."""

    number: str
    customer_id: UUID
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Plan:
    """The same seed and count make the same bytes, in whichever process."""

    seed: int
    count: int
    adverse: bool = True
    """With repeats by the sender, poison, and a customer who is announced late; else invoices only."""

    @cached_property
    def steps(self) -> list[Step]:
        """What is emitted, in this order."""
        return list(self._steps())

    def message(self, step: Step) -> Message:
        """Made when its turn comes: a source that starts again should not spend its time on what is done."""
        match step:
            case ("customer", place):
                return self._customer(list(CUSTOMERS)[place])
            case ("poison", index):
                return self._poison(index)[0]
            case ("repeat", index):
                again = self._invoice(index)[1]
                headers = {name: value for name, value in again.headers.items() if name != "Nats-Msg-Id"}
                return Message(again.subject, again.payload, headers)
            case ("resend", index):
                return self._invoice(index, again=True)[1]
            case (_, index):
                return self._invoice(index)[1]

    @cached_property
    def invoices(self) -> dict[str, Expected]:
        """By number."""
        return {wanted.number: wanted for wanted, _ in (self._invoice(index) for index in range(self.count))}

    @cached_property
    def poison(self) -> dict[str, str]:
        """``Nats-Msg-Id`` to the reason for which it must be buried."""
        places = range(0, self.count, EACH_POISON) if self.adverse else ()
        bad = [self._poison(place) for place in places]
        return {message.headers["Nats-Msg-Id"]: reason for message, reason in bad}

    def _steps(self) -> Iterator[Step]:
        order = random.Random(f"{self.seed}/order")
        late = len(CUSTOMERS) - 1
        for place in range(late):
            yield "customer", place
        for index in range(self.count):
            if index == (self.count * 6 // 10 if self.adverse else 0):
                yield "customer", late
            yield "invoice", index
            if self.adverse and index % EACH_POISON == 0:
                yield "poison", index
            if self.adverse and index % EACH_REPEAT == EACH_REPEAT - 1:
                yield "repeat", order.randrange(index + 1)
                yield "resend", order.randrange(index + 1)

    def _customer(self, number: str) -> Message:
        event = CustomerChanged(
            customer_id=CUSTOMERS[number],
            version=1,
            number=number,
            name=f"Beispiel {number} AG",
            end_user=True,
            colocation=False,
            language="de",
            time_zone="Europe/Berlin",
            email_domains=(),
            active=True,
        )
        return _message(event, "/kundenportal/users", f"customer-{number}")

    def _invoice(self, index: int, *, again: bool = False) -> tuple[Expected, Message]:
        chance = random.Random(f"{self.seed}/{index}")
        number, customer = f"RE-{index:06d}", chance.choice(list(CUSTOMERS))
        content = b"%PDF-1.7\n% " + chance.randbytes(chance.randint(200, 6000)).hex().encode() + b"\n%%EOF\n"
        sha256 = hashlib.sha256(content).hexdigest()
        event = _published(number, customer, content, sha256, Decimal(chance.randint(100, 9_999_999)) / 100)
        message = _message(event, SOURCE, f"{self.seed}-{number}{'-again' if again else ''}")
        return Expected(number, CUSTOMERS[customer], sha256, len(content)), message

    @cached_property
    def event_ids(self) -> set[str]:
        """Of everything with an envelope, in the CloudEvents sense of source and id."""
        named = (self.message(step).headers.get("Nats-Msg-Id") for step in self.steps if step[0] != "poison")
        return {name for name in named if name} | {
            name for name, reason in self.poison.items() if reason != "invalid_json"
        }

    def _poison(self, index: int) -> tuple[Message, str]:
        event_id, content = f"{self.seed}-poison-{index}", b"%PDF-1.7\n% poison\n%%EOF\n"
        event = _published(f"PO-{index:06d}", "KD-20001", content, hashlib.sha256(b"others").hexdigest(), Decimal(1))
        message = _message(event, SOURCE, event_id)
        body: dict[str, Any] = json.loads(message.payload)
        reason = ("invalid_json", "checksum_mismatch", "invalid_data")[index // EACH_POISON % 3]
        if reason == "invalid_json":
            return Message(message.subject, b'{"specversion": "1.0", ' + event_id.encode(), message.headers), reason
        if reason == "invalid_data":
            del body["data"]["gross"]
        return Message(message.subject, json.dumps(body).encode(), message.headers), reason


def _published(number: str, customer: str, content: bytes, sha256: str, net: Decimal) -> InvoicePublished:
    tax = (net * Decimal("0.19")).quantize(Decimal("0.01"))
    file = FeedFile(
        name=f"{number}.pdf", media_type="application/pdf", sha256=sha256, content=base64.b64encode(content).decode()
    )
    return InvoicePublished(
        customer_number=customer,
        invoice_number=number,
        issued_on=date(2026, 11, 1),
        currency="EUR",
        net=net,
        tax=tax,
        gross=net + tax,
        files=(file,),
    )


def _message(event: Event, source: str, event_id: str) -> Message:
    payload = encode(event, source=source, event_id=event_id, time=STARTED, traceparent=None)
    return Message(event.subject, payload, {"Content-Type": STRUCTURED, "Nats-Msg-Id": f"{source}/{event_id}"})
