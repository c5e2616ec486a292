"""The envelope (CloudEvents 1.0 over NATS), the base class of all events, and their registry.

Sources: CloudEvents 1.0.2 JSON format; its NATS protocol binding (structured mode is written, binary mode is read too).
"""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import unquote
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PrivateAttr, ValidationError

STRUCTURED = "application/cloudevents+json"
SCHEMA_BASE = "https://kundenportal.example/schemas/"


class InvalidEvent(Exception):
    """The event can never be handled: it is buried, with a machine-readable reason.

    Args:
        reason: Stable snake_case word, such as ``invalid_json`` or ``checksum_mismatch``.
        detail: One sentence for people; never holds file content or secrets.
        errors: ``[{"pointer": "/data/net", "detail": "..."}]`` where fields are to blame.
    """

    def __init__(self, reason: str, detail: str, errors: list[dict[str, str]] | None = None) -> None:
        self.reason = reason
        self.detail = detail
        self.errors = errors or []
        super().__init__(f"{reason}: {detail}")


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562, version 7): 48 bit of milliseconds, 74 random bits."""
    value = (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


def _decimal_text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str):
        raise ValueError('must be a decimal string, such as "1264.62"')  # noqa: TRY004  # pydantic wants ValueError
    try:
        return Decimal(value)
    except InvalidOperation:
        raise ValueError('must be a decimal string, such as "1264.62"') from None


Amount = Annotated[
    Decimal,
    BeforeValidator(_decimal_text),
    Field(max_digits=14, decimal_places=2, allow_inf_nan=False),
    PlainSerializer(lambda value: f"{value:.2f}", return_type=str),
]
"""Money without its currency: a decimal string with at most two places."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The attributes of one CloudEvent and its data, still unchecked."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    traceparent: str | None
    data: Any

    @property
    def msg_id(self) -> str:
        """What JetStream compares to drop repeats, ASCII."""
        return f"{self.source}/{self.id}"


class Event(BaseModel):
    """Base of all events: the fields are the ``data``, the class knows the rest.

    Attributes:
        subject: NATS subject and CloudEvents type, ``<owner>.<entity>.<past participle>.v<major>``.
        listeners: Services whose durable consumer wants it.
        entity_field: The field that names the entity in the CloudEvents ``subject``.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    subject: ClassVar[str]
    listeners: ClassVar[frozenset[str]] = frozenset()
    entity_field: ClassVar[str]

    _envelope: Envelope | None = PrivateAttr(default=None)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "subject" in cls.__dict__:
            if cls.subject in REGISTRY:
                raise TypeError(f"two events for {cls.subject}")
            REGISTRY[cls.subject] = cls

    @classmethod
    def owner(cls) -> str:
        """The first token of the subject: who alone may emit it."""
        return cls.subject.split(".", 1)[0]

    @property
    def envelope(self) -> Envelope:
        """Where it came from; set on events that were received."""
        if self._envelope is None:
            raise RuntimeError("this event was not received from anywhere")
        return self._envelope

    def entity(self) -> str:
        """The CloudEvents ``subject``: ``invoice/RE-2026-004711``."""
        return f"{self.subject.split('.')[1]}/{getattr(self, self.entity_field)}"

    @classmethod
    def received(cls, envelope: Envelope) -> Self:
        """Check the data of an envelope against this class.

        Raises:
            InvalidEvent: reason ``invalid_data``, with a pointer for each field.
        """
        try:
            event = cls.model_validate_json(json.dumps(envelope.data), strict=True)
        except ValidationError as error:
            raise InvalidEvent("invalid_data", "The data does not match the schema.", pointers(error)) from None
        event._envelope = envelope  # noqa: SLF001  # its own class
        return event


REGISTRY: dict[str, type[Event]] = {}
"""Every event class by its subject; filled when the owners' modules are imported."""


def pointers(error: ValidationError, prefix: str = "/data") -> list[dict[str, str]]:
    """The fields of a validation error as JSON pointers (RFC 6901)."""
    return [
        {
            "pointer": prefix + "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in item["loc"]),
            "detail": item["msg"],
        }
        for item in error.errors(include_url=False, include_input=False, include_context=False)[:20]
    ]


def encode(event: Event, *, source: str, event_id: str, time: datetime, traceparent: str | None) -> bytes:
    """The structured-mode JSON of an event."""
    body = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": event.subject,
        "subject": event.entity(),
        "time": time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "dataschema": f"{SCHEMA_BASE}{event.subject}.json",
        **({"traceparent": traceparent} if traceparent else {}),
        "data": event.model_dump(mode="json"),
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def decode(headers: Mapping[str, str], payload: bytes) -> Envelope:
    """Read a CloudEvent in either mode.

    Raises:
        InvalidEvent: ``not_a_cloudevent``, ``invalid_json`` or ``invalid_envelope``.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    if lower.get("content-type", "").startswith("application/cloudevents"):
        attributes = _json(payload)
        if not isinstance(attributes, dict):
            raise InvalidEvent("not_a_cloudevent", "The message is not a JSON object.")
        return _envelope(attributes, attributes.get("data"))
    if "ce-id" in lower or "ce-specversion" in lower:
        attributes = {name[3:]: unquote(value) for name, value in lower.items() if name.startswith("ce-")}
        return _envelope(attributes, _json(payload))
    raise InvalidEvent("not_a_cloudevent", "Neither structured nor binary CloudEvents mode.")


def event_of(envelope: Envelope) -> Event:
    """The checked event of an envelope.

    Raises:
        InvalidEvent: ``unknown_type`` or ``invalid_data``.
    """
    event_class = REGISTRY.get(envelope.type)
    if event_class is None:
        raise InvalidEvent("unknown_type", "No event of this type is known.")
    return event_class.received(envelope)


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        raise InvalidEvent("invalid_json", "The message is not valid JSON in UTF-8.") from None


def _envelope(attributes: Mapping[str, Any], data: Any) -> Envelope:
    errors = [
        {"pointer": f"/{name}", "detail": "must be a text of 1 to 256 printable characters"}
        for name in ("id", "source", "type")
        if not isinstance(attributes.get(name), str)
        or not 1 <= len(attributes[name]) <= 256
        or not attributes[name].isprintable()
    ]
    if attributes.get("specversion") != "1.0":
        errors.append({"pointer": "/specversion", "detail": 'must be "1.0"'})
    try:
        time = datetime.fromisoformat(attributes.get("time") or datetime.now(UTC).isoformat())
        if time.tzinfo is None:
            raise ValueError
        time = time.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        errors.append({"pointer": "/time", "detail": "must be an RFC 3339 time with its offset"})
    if errors:
        raise InvalidEvent("invalid_envelope", "The CloudEvents attributes are not valid.", errors)
    traceparent = attributes.get("traceparent")
    return Envelope(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        subject=str(attributes.get("subject") or "")[:300],
        time=time,
        traceparent=traceparent if isinstance(traceparent, str) and len(traceparent) <= 64 else None,
        data=data,
    )


class AuditRecorded(Event):
    """Base of every owner's ``<owner>.audit.recorded``: who did what, when, from where, with what result."""

    entity_field = "what"

    what: str = Field(description="stable snake_case word of the action")
    result: str = Field(description="done, refused or looked")
    actor_id: UUID | None = Field(default=None, description="the person, or none for a machine or a stranger")
    actor: str | None = Field(default=None, description="the machine's source where no person acted")
    acting_as: UUID | None = Field(default=None, description="the operator who looks as a customer")
    customer_id: UUID | None = None
    on: str | None = Field(default=None, description="kind/id of what was acted on, never an e-mail address")
    address: str | None = Field(default=None, description="client address")
    factor: str | None = Field(default=None, description="password, totp, recovery_code, link, api_token")
    request_id: str | None = None
    occurred_at: datetime
