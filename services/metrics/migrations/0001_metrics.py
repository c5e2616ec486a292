"""Lines, counters, slots, rollups, what waits and what was refused, and the delivery tables."""

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
    Uuid,
    text,
)

from chassis.db import Utc
from chassis.migrations import create_delivery_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_delivery_tables()
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SCHEMA IF NOT EXISTS partitions")
    create_customers()
    create_lines()
    create_limits()
    create_samples()
    create_waiting()


def create_customers() -> None:
    op.create_table(
        "customers",
        Column("id", Uuid, nullable=False),
        Column("number", String(64), nullable=False),
        Column("name", String(200), nullable=False),
        Column("time_zone", String(64), nullable=False),
        Column("active", Boolean, nullable=False),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("id", name="customers_pkey"),
    )
    op.create_index("customers_number_idx", "customers", ["number"])


def create_lines() -> None:
    op.create_table(
        "groups",
        Column("id", Uuid, nullable=False),
        Column("source", String(256), nullable=False),
        Column("customer_number", String(64), nullable=False),
        Column("name", String(64), nullable=False),
        PrimaryKeyConstraint("id", name="groups_pkey"),
        UniqueConstraint("source", "customer_number", "name", name="groups_source_customer_number_name_key"),
    )
    op.create_table(
        "lines",
        Column("number", Integer, autoincrement=True, nullable=False),
        Column("id", Uuid, nullable=False),
        Column("source", String(256), nullable=False),
        Column("source_line_id", String(64), nullable=False),
        Column("customer_number", String(64), nullable=False),
        Column("customer_id", Uuid),
        Column("name", String(200), nullable=False),
        Column("site", String(200), nullable=False),
        Column("circuit", String(200)),
        Column("interface", String(200)),
        Column("capacity_bps", BigInteger, nullable=False),
        Column("ceiling_bps", BigInteger, nullable=False),
        Column("commit_bps", BigInteger),
        Column("percentile_method", String(20), nullable=False),
        Column("group_id", Uuid),
        Column("contract_number", String(64)),
        Column("position_number", String(64)),
        Column("version", BigInteger, nullable=False),
        Column("removed", Boolean, nullable=False),
        Column("received_at", Utc, nullable=False),
        Column("last_sample_ms", BigInteger, nullable=False),
        Column("due", Boolean, nullable=False),
        Column("limits_version", Integer, nullable=False),
        PrimaryKeyConstraint("number", name="lines_pkey"),
        UniqueConstraint("id", name="lines_id_key"),
        UniqueConstraint("source", "source_line_id", name="lines_source_source_line_id_key"),
        ForeignKeyConstraint(["group_id"], ["groups.id"], name="lines_group_id_fkey"),
        sqlite_autoincrement=True,
    )
    op.create_index("lines_customer_id_idx", "lines", ["customer_id", "name", "id"])
    op.create_index("lines_source_line_id_idx", "lines", ["source_line_id"])
    op.create_index("lines_customer_number_idx", "lines", ["customer_number"])
    op.create_index("lines_group_id_idx", "lines", ["group_id"])
    due = text("due")
    op.create_index("lines_due_idx", "lines", ["due"], sqlite_where=due, postgresql_where=due)


def create_limits() -> None:
    op.create_table(
        "thresholds",
        Column("id", Uuid, nullable=False),
        Column("line_number", Integer, nullable=False),
        Column("position", Integer, nullable=False),
        Column("kind", String(10), nullable=False),
        Column("direction", String(10), nullable=False),
        Column("limit", BigInteger, nullable=False),
        Column("minutes", Integer, nullable=False),
        PrimaryKeyConstraint("id", name="thresholds_pkey"),
        ForeignKeyConstraint(["line_number"], ["lines.number"], name="thresholds_line_number_fkey"),
    )
    op.create_index("thresholds_line_number_idx", "thresholds", ["line_number"])
    op.create_table(
        "warned",
        Column("subject_id", Uuid, nullable=False),
        Column("month", String(7), nullable=False),
        Column("kind", String(10), nullable=False),
        Column("warned_at", Utc, nullable=False),
        PrimaryKeyConstraint("subject_id", "month", "kind", name="warned_pkey"),
    )


def counter_columns() -> tuple[Column[int], ...]:
    return (
        Column("at_ms", BigInteger, autoincrement=False, nullable=False),
        Column("in_octets", BigInteger, nullable=False),
        Column("out_octets", BigInteger, nullable=False),
        Column("discontinuity", Integer, nullable=False),
    )


def create_samples() -> None:
    op.create_table(
        "counters",
        Column("line_number", Integer, autoincrement=False, nullable=False),
        *counter_columns(),
        PrimaryKeyConstraint("line_number", "at_ms", name="counters_pkey"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (at_ms)",
    )
    op.create_table(
        "slots",
        Column("line_number", Integer, autoincrement=False, nullable=False),
        Column("slot", Integer, autoincrement=False, nullable=False),
        Column("in_octets", BigInteger, nullable=False),
        Column("out_octets", BigInteger, nullable=False),
        Column("measured_ms", Integer, nullable=False),
        PrimaryKeyConstraint("line_number", "slot", name="slots_pkey"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (slot)",
    )
    op.create_table(
        "rollups",
        Column("line_number", Integer, autoincrement=False, nullable=False),
        Column("seconds", Integer, autoincrement=False, nullable=False),
        Column("position", Integer, autoincrement=False, nullable=False),
        Column("in_octets", BigInteger, nullable=False),
        Column("out_octets", BigInteger, nullable=False),
        Column("measured_ms", BigInteger, nullable=False),
        Column("present", Integer, nullable=False),
        Column("in_max_bps", BigInteger, nullable=False),
        Column("out_max_bps", BigInteger, nullable=False),
        PrimaryKeyConstraint("line_number", "seconds", "position", name="rollups_pkey"),
        sqlite_with_rowid=False,
    )


def create_waiting() -> None:
    op.create_table(
        "waiting_lines",
        Column("number", Integer, autoincrement=True, nullable=False),
        Column("id", Uuid, nullable=False),
        Column("source", String(256), nullable=False),
        Column("source_line_id", String(64), nullable=False),
        Column("samples", Integer, nullable=False),
        Column("received_at", Utc, nullable=False),
        Column("last_received_at", Utc, nullable=False),
        PrimaryKeyConstraint("number", name="waiting_lines_pkey"),
        UniqueConstraint("id", name="waiting_lines_id_key"),
        UniqueConstraint("source", "source_line_id", name="waiting_lines_source_source_line_id_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("waiting_lines_source_line_id_idx", "waiting_lines", ["source_line_id"])
    op.create_table(
        "waiting_counters",
        Column("waiting_number", Integer, autoincrement=False, nullable=False),
        *counter_columns(),
        PrimaryKeyConstraint("waiting_number", "at_ms", name="waiting_counters_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "refusals",
        Column("id", Uuid, nullable=False),
        Column("source", String(256), nullable=False),
        Column("reason", String(64), nullable=False),
        Column("samples", BigInteger, nullable=False),
        Column("event_id", String(256), nullable=False),
        Column("example", JSON, nullable=False),
        Column("first_at", Utc, nullable=False),
        Column("last_at", Utc, nullable=False),
        PrimaryKeyConstraint("id", name="refusals_pkey"),
        UniqueConstraint("source", "reason", name="refusals_source_reason_key"),
    )
