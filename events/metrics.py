"""What `metrics` tells: lines as they are now, and limits that were reached. Never samples."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from events.base import AuditRecorded, Event
from events.network import PercentileMethod


class LineChanged(Event):
    """The whole state of a customer's line."""

    subject = "metrics.line.changed.v1"
    entity_field = "line_id"

    line_id: UUID
    customer_id: UUID
    version: int = Field(description="as its source counts")
    name: str
    site: str
    circuit: str | None
    interface: str | None
    capacity_bps: int = Field(description="bit/s")
    commit_bps: int | None = Field(description="bit/s")
    percentile_method: PercentileMethod
    group_id: UUID | None
    contract_number: str | None
    position_number: str | None
    removed: bool


class _CommitReached(Event):
    """What both warnings about a commit say."""

    customer_id: UUID
    line_id: UUID | None = Field(description="none: a group of redundant lines")
    group_id: UUID | None
    name: str = Field(description="of the line or group")
    month: str = Field(description="YYYY-MM in the customer's time zone")
    time_zone: str
    commit_bps: int = Field(description="bit/s")
    p95_bps: int = Field(description="95th percentile of the month so far, bit/s")
    slots_over: int = Field(description="5-minute slots above the commit so far")
    slots_left: int = Field(description="how many more may exceed it before the month's percentile does")
    occurred_at: datetime


class CommitNearing(_CommitReached):
    """A month's 95th percentile will be at least 80 % of the commit, or 80 % of the free slots are used."""

    subject = "metrics.commit.nearing.v1"
    listeners = frozenset({"users"})
    entity_field = "month"


class CommitExceeded(_CommitReached):
    """More 5-minute slots exceed the commit than the month's 95th percentile leaves out."""

    subject = "metrics.commit.exceeded.v1"
    listeners = frozenset({"users"})
    entity_field = "month"


class ThresholdExceeded(Event):
    """A limit that the customer has set was exceeded, for the first time in this month."""

    subject = "metrics.threshold.exceeded.v1"
    listeners = frozenset({"users"})
    entity_field = "threshold_id"

    threshold_id: UUID
    customer_id: UUID
    line_id: UUID
    name: str = Field(description="of the line")
    month: str = Field(description="YYYY-MM in the customer's time zone")
    time_zone: str
    kind: Literal["rate", "volume"]
    direction: Literal["in", "out", "any", "sum"]
    limit: int = Field(description="bit/s, or bytes in the month")
    measured: int = Field(description="the first value above it, in the same unit")
    exceeded_at: datetime = Field(description="start of the 5-minute slot")
    occurred_at: datetime


class MetricsAuditRecorded(AuditRecorded):
    """A line of `metrics` for the audit log."""

    subject = "metrics.audit.recorded.v1"
    listeners = frozenset({"users"})
