"""Tables of lines, counters, slots and rollups, and the errors. Rules: docs/rules/traffic.md.

Samples are many: their tables know a line by a small number, times by seconds or slots since 1970, and no ORM object is
ever made of them.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, String, UniqueConstraint, Uuid, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.db import Utc, new_metadata
from chassis.errors import Conflict, Invalid, NotFound
from events.metrics import LineChanged


class LineNotFound(NotFound):
    """There is no such line."""

    de = "Diese Leitung gibt es nicht."


class GroupNotFound(NotFound):
    """There is no such group of lines."""

    de = "Diese Leitungsgruppe gibt es nicht."


class StillUnknown(Conflict):
    """What it waits for is still unknown."""

    de = "Worauf dieser Datensatz wartet, ist noch nicht bekannt."


class InvalidRange(Invalid):
    """The range of time is not valid."""

    de = "Der Zeitraum ist nicht gültig."


class Base(DeclarativeBase):
    """All tables of `metrics` beside those of event delivery."""

    metadata = new_metadata()


class Customer(Base):
    """What `users` says about a customer; only what traffic needs."""

    __tablename__ = "customers"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[str] = mapped_column(String(64), index=True)
    """Unique at `users`; here two may bear it for a moment when numbers change hands."""
    name: Mapped[str] = mapped_column(String(200))
    time_zone: Mapped[str] = mapped_column(String(64))
    active: Mapped[bool]
    version: Mapped[int] = mapped_column(Integer)


class Group(Base):
    """Redundant lines of one customer that are billed together."""

    __tablename__ = "groups"
    __table_args__ = (UniqueConstraint("source", "customer_number", "name"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    source: Mapped[str] = mapped_column(String(256))
    customer_number: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))


class Line(Base):
    """An uplink whose traffic is measured, as its source knows it, and how far its samples have come."""

    __tablename__ = "lines"
    __table_args__ = (
        UniqueConstraint("source", "source_line_id"),
        Index("lines_customer_id_idx", "customer_id", "name", "id"),
        Index("lines_source_line_id_idx", "source_line_id"),
        Index("lines_customer_number_idx", "customer_number"),
        Index("lines_group_id_idx", "group_id"),
        Index("lines_due_idx", "due", sqlite_where=text("due"), postgresql_where=text("due")),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    """Under which its samples are kept."""
    id: Mapped[UUID] = mapped_column(Uuid, unique=True)
    source: Mapped[str] = mapped_column(String(256))
    source_line_id: Mapped[str] = mapped_column(String(64))
    customer_number: Mapped[str] = mapped_column(String(64))
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    """None while `users` has not told of this customer: the line is parked, its samples are kept all the same."""
    name: Mapped[str] = mapped_column(String(200))
    site: Mapped[str] = mapped_column(String(200))
    circuit: Mapped[str | None] = mapped_column(String(200))
    interface: Mapped[str | None] = mapped_column(String(200))
    capacity_bps: Mapped[int] = mapped_column(BigInteger)
    ceiling_bps: Mapped[int] = mapped_column(BigInteger)
    """The greatest capacity it ever had: a smaller one makes no gap of what was measured before."""
    commit_bps: Mapped[int | None] = mapped_column(BigInteger)
    percentile_method: Mapped[str] = mapped_column(String(20))
    group_id: Mapped[UUID | None] = mapped_column(ForeignKey("groups.id"))
    contract_number: Mapped[str | None] = mapped_column(String(64))
    position_number: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(BigInteger)
    removed: Mapped[bool] = mapped_column(Boolean)
    received_at: Mapped[datetime] = mapped_column(Utc)
    last_sample_ms: Mapped[int] = mapped_column(BigInteger)
    """0: none yet."""
    due: Mapped[bool] = mapped_column(Boolean)
    """It has new samples that were not yet held against the limits."""
    limits_version: Mapped[int] = mapped_column(Integer)
    """Of its thresholds, for `If-Match`."""

    def changed(self) -> LineChanged:
        """Its whole state, for the listeners; only once its customer is known."""
        assert self.customer_id is not None
        names = set(LineChanged.model_fields) - {"line_id"}
        return LineChanged(line_id=self.id, **{name: getattr(self, name) for name in names})


class Threshold(Base):
    """A limit that a customer has set for a line."""

    __tablename__ = "thresholds"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    line_number: Mapped[int] = mapped_column(ForeignKey("lines.number"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(10))
    direction: Mapped[str] = mapped_column(String(10))
    limit: Mapped[int] = mapped_column(BigInteger)
    minutes: Mapped[int] = mapped_column(Integer)
    """Of a rate: above it for so long without a break."""


class Warned(Base):
    """What was told already: once per month and subject."""

    __tablename__ = "warned"

    subject_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    """The line, group or threshold."""
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    warned_at: Mapped[datetime] = mapped_column(Utc)


class Counters(Base):
    """The samples as they came: 64-bit counters, less 2**63 so that they fit. PostgreSQL keeps each month apart."""

    __tablename__ = "counters"
    __table_args__ = ({"sqlite_with_rowid": False, "postgresql_partition_by": "RANGE (at_ms)"},)

    line_number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    in_octets: Mapped[int] = mapped_column(BigInteger)
    out_octets: Mapped[int] = mapped_column(BigInteger)
    discontinuity: Mapped[int] = mapped_column(Integer)
    """1: the interval that ends here is a gap."""


class Slot(Base):
    """Five minutes of a line: what flowed, and how long was measured. Follows from the counters alone."""

    __tablename__ = "slots"
    __table_args__ = ({"sqlite_with_rowid": False, "postgresql_partition_by": "RANGE (slot)"},)

    line_number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Its start: seconds since 1970, divided by 300."""
    in_octets: Mapped[int] = mapped_column(BigInteger)
    out_octets: Mapped[int] = mapped_column(BigInteger)
    measured_ms: Mapped[int] = mapped_column(Integer)


class Rollup(Base):
    """An hour, three hours, half a day or a day (UTC) of a line. Follows from its slots alone."""

    __tablename__ = "rollups"
    __table_args__ = ({"sqlite_with_rowid": False},)

    line_number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seconds: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """3600, 10800, 43200 or 86400."""
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Its start: seconds since 1970, divided by its length."""
    in_octets: Mapped[int] = mapped_column(BigInteger)
    out_octets: Mapped[int] = mapped_column(BigInteger)
    measured_ms: Mapped[int] = mapped_column(BigInteger)
    present: Mapped[int] = mapped_column(Integer)
    """How many slots were measured for at least half their time."""
    in_max_bps: Mapped[int] = mapped_column(BigInteger)
    out_max_bps: Mapped[int] = mapped_column(BigInteger)


class WaitingLine(Base):
    """A line of which only samples are known: they wait for it."""

    __tablename__ = "waiting_lines"
    __table_args__ = (
        UniqueConstraint("source", "source_line_id"),
        Index("waiting_lines_source_line_id_idx", "source_line_id"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    id: Mapped[UUID] = mapped_column(Uuid, unique=True)
    source: Mapped[str] = mapped_column(String(256))
    source_line_id: Mapped[str] = mapped_column(String(64))
    samples: Mapped[int] = mapped_column(Integer)
    received_at: Mapped[datetime] = mapped_column(Utc)
    last_received_at: Mapped[datetime] = mapped_column(Utc)


class WaitingCounters(Base):
    """A sample that waits for its line."""

    __tablename__ = "waiting_counters"
    __table_args__ = ({"sqlite_with_rowid": False},)

    waiting_number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    in_octets: Mapped[int] = mapped_column(BigInteger)
    out_octets: Mapped[int] = mapped_column(BigInteger)
    discontinuity: Mapped[int] = mapped_column(Integer)


class Refusal(Base):
    """Samples that were refused, counted by source and reason, with the newest as an example."""

    __tablename__ = "refusals"
    __table_args__ = (UniqueConstraint("source", "reason"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    source: Mapped[str] = mapped_column(String(256))
    reason: Mapped[str] = mapped_column(String(64))
    samples: Mapped[int] = mapped_column(BigInteger)
    event_id: Mapped[str] = mapped_column(String(256))
    example: Mapped[Any] = mapped_column(JSON)
    first_at: Mapped[datetime] = mapped_column(Utc)
    last_at: Mapped[datetime] = mapped_column(Utc)


class Half(Base):
    """A counter that waits for the other direction's; both, for an hour, once that has come."""

    __tablename__ = "halves"
    __table_args__ = (Index("halves_received_ms_idx", "received_ms"), {"sqlite_with_rowid": False})

    source: Mapped[str] = mapped_column(String(256), primary_key=True)
    line_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    at_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    in_octets: Mapped[int | None] = mapped_column(BigInteger)
    out_octets: Mapped[int | None] = mapped_column(BigInteger)
    received_ms: Mapped[int] = mapped_column(BigInteger)
