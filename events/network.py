"""What the network tells us (feed): lines, and the counters of what flows through them."""

from typing import Annotated, Any, Literal, Self, cast

from pydantic import Field

from events.base import Envelope, Event, InvalidEvent
from events.billing import Number, Text

PercentileMethod = Literal["max_of_directions", "max_per_sample", "sum"]
LARGEST_CAPACITY_BPS = 10**13
MOST_SAMPLES = 100_000
_SAMPLE = {
    "type": "object",
    "required": ["line_id", "at", "in_octets", "out_octets"],
    "properties": {
        "line_id": {"type": "string", "maxLength": 64},
        "at": {"type": "string", "format": "date-time"},
        "in_octets": {"type": "integer", "minimum": 0, "exclusiveMaximum": 2**64},
        "out_octets": {"type": "integer", "minimum": 0, "exclusiveMaximum": 2**64},
        "discontinuity": {"type": "boolean", "default": False},
    },
}


class LineUpserted(Event):
    """A line (uplink) as its source knows it now. Business key: the line id at this source."""

    subject = "network.line.upserted.v1"
    listeners = frozenset({"metrics"})
    entity_field = "line_id"

    line_id: Number
    customer_number: Number
    name: Text
    site: Text
    circuit: Text | None = None
    interface: Text | None = None
    capacity_bps: Annotated[int, Field(gt=0, le=LARGEST_CAPACITY_BPS, description="bit/s")]
    commit_bps: Annotated[int, Field(gt=0, le=LARGEST_CAPACITY_BPS)] | None = Field(default=None, description="bit/s")
    percentile_method: PercentileMethod = "max_of_directions"
    group: Number | None = Field(default=None, description="redundant lines of one customer that are billed together")
    contract_number: Number | None = None
    position_number: Number | None = None
    version: Annotated[int, Field(ge=0, lt=2**63)]
    removed: bool = False


class TrafficSampled(Event):
    """64-bit octet counters as seen from the customer: *in* is traffic to the customer.

    Each sample is judged by itself: one that is refused is counted by its reason, the others go in.
    """

    subject = "network.traffic.sampled.v1"
    listeners = frozenset({"metrics"})
    entity_field = "kind"

    samples: Annotated[
        tuple[Any, ...],
        Field(
            max_length=MOST_SAMPLES,
            description="counters; `discontinuity`: the interval that ends here is a gap",
            json_schema_extra={"items": _SAMPLE},
        ),
    ]
    kind: Literal["samples"] = Field(default="samples", description="names the entity; need not be sent")

    @classmethod
    def received(cls, envelope: Envelope) -> Self:
        """Only the list itself is looked at: nothing inside one sample can bury the others.

        Raises:
            InvalidEvent: ``invalid_data``: no list, or too long.
        """
        samples = envelope.data.get("samples") if isinstance(envelope.data, dict) else None
        if not isinstance(samples, list) or len(samples) > MOST_SAMPLES:
            detail = f"must be a list of at most {MOST_SAMPLES} samples"
            errors = [{"pointer": "/data/samples", "detail": detail}]
            raise InvalidEvent("invalid_data", "The data does not match the schema.", errors)
        event = cast("Self", cls.model_construct(samples=tuple(samples)))
        event._envelope = envelope  # noqa: SLF001  # its own class
        return event
