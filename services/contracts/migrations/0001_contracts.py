"""Contracts with positions and deadlines, calendar addresses, what became of each feed record, delivery tables."""

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    String,
    Text,
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

_BIG = BigInteger().with_variant(Integer, "sqlite")
_NUMBER = String(64).with_variant(String(64, collation="C"), "postgresql")


def upgrade() -> None:
    create_delivery_tables()
    create_projections()
    create_contracts()
    create_deadlines()
    create_feed_records()


def create_projections() -> None:
    op.create_table(
        "customers",
        Column("id", Uuid, nullable=False),
        Column("number", String(64), nullable=False),
        Column("name", String(200), nullable=False),
        Column("end_user", Boolean, nullable=False),
        Column("time_zone", String(64), nullable=False),
        Column("active", Boolean, nullable=False),
        Column("version", _BIG, nullable=False),
        PrimaryKeyConstraint("id", name="customers_pkey"),
    )
    op.create_index("customers_number_idx", "customers", ["number"])
    op.create_table(
        "memberships",
        Column("id", Uuid, nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("customer_id", Uuid),
        Column("may_read", Boolean, nullable=False),
        Column("expires_on", Date),
        Column("version", _BIG, nullable=False),
        PrimaryKeyConstraint("id", name="memberships_pkey"),
    )
    op.create_index("memberships_person_idx", "memberships", ["user_id", "customer_id"])


def create_contracts() -> None:
    op.create_table(
        "contracts",
        Column("id", Uuid, nullable=False),
        Column("customer_id", Uuid, nullable=False),
        Column("source", String(256), nullable=False),
        Column("number", _NUMBER, nullable=False),
        Column("name", String(200), nullable=False),
        Column("site", String(200)),
        Column("cost_centre", String(200)),
        Column("signed_on", Date),
        Column("starts_on", Date, nullable=False),
        Column("min_term_months", Integer),
        Column("renewal_months", Integer, nullable=False),
        Column("notice_value", Integer, nullable=False),
        Column("notice_unit", String(10), nullable=False),
        Column("notice_to", String(20), nullable=False),
        Column("cancelled_on", Date),
        Column("ends_on", Date),
        Column("charged_until", Date),
        Column("telecom_service", Boolean, nullable=False),
        Column("feed_version", _BIG, nullable=False),
        Column("content_sha256", String(64), nullable=False),
        Column("removed", Boolean, nullable=False),
        Column("version", Integer, nullable=False),
        Column("changed_at", Utc, nullable=False),
        Column("search_text", Text, nullable=False),
        PrimaryKeyConstraint("id", name="contracts_pkey"),
        UniqueConstraint("source", "number", name="contracts_source_number_key"),
    )
    there = text("NOT removed")
    op.create_index(
        "contracts_list_idx",
        "contracts",
        ["customer_id", "number", "id"],
        sqlite_where=there,
        postgresql_where=there,
    )
    op.create_table(
        "positions",
        Column("contract_id", Uuid, nullable=False),
        Column("place", Integer, nullable=False),
        Column("number", String(64), nullable=False),
        Column("quantity", String(30), nullable=False),
        Column("unit", String(200), nullable=False),
        Column("product", String(200), nullable=False),
        Column("telecom_service", Boolean, nullable=False),
        Column("starts_on", Date),
        Column("ends_on", Date),
        Column("characteristics", JSON, nullable=False),
        PrimaryKeyConstraint("contract_id", "place", name="positions_pkey"),
        ForeignKeyConstraint(["contract_id"], ["contracts.id"], name="positions_contract_id_fkey"),
    )


def create_deadlines() -> None:
    op.create_table(
        "deadlines",
        Column("contract_id", Uuid, nullable=False),
        Column("kind", String(20), nullable=False),
        Column("customer_id", Uuid, nullable=False),
        Column("due_on", Date, nullable=False),
        Column("earliest_end_on", Date),
        Column("next_reminder_on", Date),
        PrimaryKeyConstraint("contract_id", "kind", name="deadlines_pkey"),
        ForeignKeyConstraint(["contract_id"], ["contracts.id"], name="deadlines_contract_id_fkey"),
    )
    op.create_index("deadlines_calendar_idx", "deadlines", ["customer_id", "due_on", "contract_id", "kind"])
    op.create_index("deadlines_reminder_idx", "deadlines", ["next_reminder_on"])
    op.create_index("deadlines_due_on_idx", "deadlines", ["due_on"])
    op.create_table(
        "reminders",
        Column("contract_id", Uuid, nullable=False),
        Column("last_notice_day", Date, nullable=False),
        Column("months_before", Integer, nullable=False),
        Column("noted_at", Utc, nullable=False),
        PrimaryKeyConstraint("contract_id", "last_notice_day", "months_before", name="reminders_pkey"),
        ForeignKeyConstraint(["contract_id"], ["contracts.id"], name="reminders_contract_id_fkey"),
    )
    op.create_table(
        "calendar_tokens",
        Column("user_id", Uuid, nullable=False),
        Column("customer_id", Uuid, nullable=False),
        Column("token_hash", String(64), nullable=False),
        Column("language", String(2), nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("last_read_at", Utc),
        PrimaryKeyConstraint("user_id", "customer_id", name="calendar_tokens_pkey"),
        UniqueConstraint("token_hash", name="calendar_tokens_token_hash_key"),
    )


def create_feed_records() -> None:
    op.create_table(
        "feed_health",
        Column("source", String(256), nullable=False),
        Column("customer_id", Uuid, nullable=False),
        Column("last_number", String(64), nullable=False),
        Column("last_filed_at", Utc, nullable=False),
        Column("filed", Integer, nullable=False),
        PrimaryKeyConstraint("source", "customer_id", name="feed_health_pkey"),
    )
    op.create_table(
        "feed_records",
        Column("id", Uuid, nullable=False),
        Column("source", String(256), nullable=False),
        Column("event_id", String(256), nullable=False),
        Column("subject", String(200), nullable=False),
        Column("state", String(10), nullable=False),
        Column("reasons", JSON, nullable=False),
        Column("customer_number", String(64)),
        Column("number", String(64)),
        Column("contract_id", Uuid),
        Column("payload", JSON),
        Column("occurred_at", Utc, nullable=False),
        Column("received_at", Utc, nullable=False),
        Column("changed_at", Utc, nullable=False),
        PrimaryKeyConstraint("id", name="feed_records_pkey"),
        UniqueConstraint("source", "event_id", name="feed_records_source_event_id_key"),
    )
    unsettled, parked = text("state <> 'filed'"), text("state = 'parked'")
    op.create_index(
        "feed_records_state_idx",
        "feed_records",
        ["state", "received_at", "id"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )
    op.create_index(
        "feed_records_waits_idx",
        "feed_records",
        ["customer_number"],
        sqlite_where=parked,
        postgresql_where=parked,
    )
