"""What the endpoints of `metrics` answer."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from events.network import PercentileMethod


class LineOut(BaseModel):
    """A line of the open customer."""

    id: UUID
    name: str
    site: str
    circuit: str | None
    interface: str | None
    capacity_bps: int
    commit_bps: int | None
    percentile_method: PercentileMethod
    group_id: UUID | None
    contract_number: str | None
    position_number: str | None
    last_sample_at: datetime | None


class GroupOut(BaseModel):
    """Redundant lines that are billed together; its commit is the greatest of theirs, its capacity their sum."""

    id: UUID
    name: str
    line_ids: list[UUID]
    capacity_bps: int
    commit_bps: int | None
    percentile_method: PercentileMethod
    last_sample_at: datetime | None


class GroupsOut(BaseModel):
    """All groups of the open customer; there are few."""

    items: list[GroupOut]


class Series(BaseModel):
    """One entry per step; null where nothing was measured."""

    at: list[datetime]
    in_avg: list[int | None]
    in_max: list[int | None]
    out_avg: list[int | None]
    out_max: list[int | None]


class DirectionSummary(BaseModel):
    """Of the whole range."""

    avg: int | None
    max: int | None
    p95: int | None


class Summary(BaseModel):
    """To the customer (`in`), from the customer (`out`)."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    in_: DirectionSummary = Field(alias="in")
    out: DirectionSummary


class Gap(BaseModel):
    """A stretch without samples; steps that were measured in part are none."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    from_: datetime = Field(alias="from")
    to: datetime


class Bandwidth(BaseModel):
    """Rates over time, thinned: each step keeps its mean and its greatest 5-minute average."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    from_: datetime = Field(alias="from", description="start of the first step")
    to: datetime
    time_zone: str
    step_seconds: int
    unit: Literal["bit/s"]
    series: Series
    summary: Summary
    p95: int | None = Field(description="of the whole range, by the line's percentile method")
    p95_of_seconds: int = Field(description="length of the means it is taken from: 300, in long ranges 3600 or 10800")
    percentile_method: PercentileMethod
    commit_bps: int | None
    capacity_bps: int
    samples: int = Field(description="5-minute averages that exist")
    expected_samples: int = Field(description="5-minute slots of the range that have ended")
    gaps: list[Gap]


class VolumeBucket(BaseModel):
    """An hour, day or month of the customer's time zone; null where nothing was measured."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    start: datetime
    end: datetime
    in_: int | None = Field(alias="in")
    out: int | None
    samples: int
    expected_samples: int


class VolumeTotal(BaseModel):
    """Bytes of the whole range."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    in_: int = Field(alias="in")
    out: int


class Volume(BaseModel):
    """Bytes per bucket; the first and last count only what lies in the range."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    from_: datetime = Field(alias="from")
    to: datetime
    time_zone: str
    unit: Literal["byte"]
    bucket: Literal["hour", "day", "month"]
    buckets: list[VolumeBucket]
    total: VolumeTotal


class EdgeRow(BaseModel):
    """One 5-minute average; rank 1 is the largest."""

    rank: int
    at: datetime
    bps: int
    discarded: bool


class SortedSeries(BaseModel):
    """One sorted list of 5-minute averages, as far as it decides the percentile."""

    of: Literal["in", "out", "larger", "sum"]
    value: int | None
    edge: list[EdgeRow]


class PercentileOut(BaseModel):
    """The billing view of a month."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    line_id: UUID | None
    group_id: UUID | None
    line_ids: list[UUID]
    month: str
    time_zone: str
    from_: datetime = Field(alias="from")
    to: datetime
    method: PercentileMethod
    samples: int = Field(description="n: 5-minute averages that exist")
    expected_samples: int = Field(description="5-minute slots of the whole month")
    elapsed_samples: int = Field(description="those of them that have ended")
    missing: int
    partial: int = Field(description="slots of a group in which only some of its lines were measured")
    missing_share: float = Field(description="missing or partial, of those that have ended")
    complete: bool = Field(description="false above 2 % missing, or while the month runs")
    discarded: int = Field(description="floor(0.05 n)")
    value: int | None = Field(description="bit/s: the next after the discarded ones")
    sorted: list[SortedSeries]
    commit_bps: int | None
    slots_allowed: int = Field(description="floor(0.05 x slots of the month): so many may exceed the commit")
    slots_over_commit: int | None
    slots_left: int | None


class ThresholdIn(BaseModel):
    """A limit: a rate in bit/s held for some minutes, or a volume in bytes per month."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["rate", "volume"]
    direction: Literal["in", "out", "any", "sum"] = Field(description="`any`: either of the two; `sum`: both together")
    limit: int = Field(gt=0, lt=2**63, strict=True)
    minutes: int = Field(default=5, ge=5, le=1440, multiple_of=5, description="of a rate: above it for so long")


class ThresholdOut(ThresholdIn):
    """With its id, which stays while its values stay."""

    id: UUID


class ThresholdsIn(BaseModel):
    """All own limits of a line."""

    model_config = ConfigDict(extra="forbid")

    thresholds: list[ThresholdIn] = Field(max_length=20)


class ThresholdsOut(BaseModel):
    """All own limits of a line."""

    version: int
    thresholds: list[ThresholdOut]


class ParkedOut(BaseModel):
    """What waits: a line for its customer, or samples for their line."""

    id: UUID
    kind: Literal["line", "samples"]
    source: str
    source_line_id: str
    customer_number: str | None
    reason: Literal["unknown_customer", "unknown_line"]
    samples: int
    received_at: datetime


class RefusedOut(BaseModel):
    """Samples refused for one reason, counted, with the newest as an example."""

    id: UUID
    source: str
    reason: str
    samples: int
    event_id: str
    example: Any
    first_at: datetime
    last_at: datetime


class FeedHealthOut(BaseModel):
    """What one source sends for one customer."""

    source: str
    customer_id: UUID | None
    customer_number: str | None
    customer_name: str | None
    lines: int
    last_sample_at: datetime | None
    parked: int = 0
    refused: int = 0


class HealthOut(BaseModel):
    """How the feeds are; refusals belong to a source, not to a customer."""

    feeds: list[FeedHealthOut]
    parked: int
    refused: int
    dead_letters: int
