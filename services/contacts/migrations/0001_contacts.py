"""Contacts, approvals, what became of each feed record, and the delivery tables."""

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
    create_customers()
    create_contacts()
    create_approvals()
    create_feed_tables()


def create_customers() -> None:
    op.create_table(
        "customers",
        Column("id", Uuid, nullable=False),
        Column("number", String(64), nullable=False),
        Column("name", String(200), nullable=False),
        Column("language", String(2), nullable=False),
        Column("time_zone", String(64), nullable=False),
        Column("active", Boolean, nullable=False),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("id", name="customers_pkey"),
    )
    op.create_index("customers_number_idx", "customers", ["number"])


def create_contacts() -> None:
    op.create_table(
        "contacts",
        Column("id", Uuid, nullable=False),
        Column("side", String(8), nullable=False),
        Column("customer_id", Uuid),
        Column("source", String(256)),
        Column("external_id", String(64)),
        Column("feed_version", BigInteger().with_variant(Integer, "sqlite")),
        Column("feed_state", JSON),
        Column("state", String(8), nullable=False),
        Column("given_name", String(100), nullable=False),
        Column("family_name", String(100), nullable=False),
        Column("organisation", String(200)),
        Column("roles", String(1000), nullable=False),
        Column("email", String(254)),
        Column("phone", String(64)),
        Column("mobile", String(64)),
        Column("hours", String(200)),
        Column("languages", String(1000), nullable=False),
        Column("deputy_of_id", Uuid),
        Column("deputy_of_key", String(64)),
        Column("sort_key", String(300).with_variant(String(300, collation="C"), "postgresql"), nullable=False),
        Column("version", Integer, nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("changed_at", Utc, nullable=False),
        Column("changed_by", String(200)),
        Column("touched_at", Utc),
        Column("confirmed_at", Utc),
        Column("confirmed_by", String(200)),
        Column("vouched_at", Utc, nullable=False),
        Column("review_told_on", Date),
        Column("removed_at", Utc),
        Column("decision", JSON),
        PrimaryKeyConstraint("id", name="contacts_pkey"),
        UniqueConstraint("source", "external_id", name="contacts_source_external_id_key"),
    )
    op.create_index("contacts_sorted_idx", "contacts", ["customer_id", "sort_key", "id"])
    op.create_index("contacts_vouched_at_idx", "contacts", ["vouched_at"])
    op.create_index("contacts_deputy_of_id_idx", "contacts", ["deputy_of_id"])


def create_approvals() -> None:
    op.create_table(
        "approvals",
        Column("id", Uuid, nullable=False),
        Column("contact_id", Uuid, nullable=False),
        Column("customer_id", Uuid, nullable=False),
        Column("kind", String(6), nullable=False),
        Column("changes", JSON, nullable=False),
        Column("state", String(9), nullable=False),
        Column("requested_at", Utc, nullable=False),
        Column("requested_by", String(200), nullable=False),
        Column("requested_by_id", Uuid, nullable=False),
        Column("decided_at", Utc),
        Column("decided_by", String(200)),
        Column("reason", String(500)),
        PrimaryKeyConstraint("id", name="approvals_pkey"),
        ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="approvals_contact_id_fkey"),
    )
    waiting = text("state = 'pending'")
    op.create_index(
        "approvals_waiting_idx",
        "approvals",
        ["contact_id"],
        unique=True,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index("approvals_oldest_idx", "approvals", ["state", "requested_at", "id"])


def create_feed_tables() -> None:
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
        Column("contact_id", Uuid),
        Column("waits_key", String(64)),
        Column("payload", JSON),
        Column("occurred_at", Utc, nullable=False),
        Column("received_at", Utc, nullable=False),
        Column("changed_at", Utc, nullable=False),
        PrimaryKeyConstraint("id", name="feed_records_pkey"),
        UniqueConstraint("source", "event_id", name="feed_records_source_event_id_key"),
    )
    for name, columns, where in (
        ("feed_records_state_idx", ["state", "received_at", "id"], "state <> 'filed'"),
        ("feed_records_waits_idx", ["waits_key"], "state = 'parked'"),
        ("feed_records_conflict_idx", ["contact_id"], "state = 'conflict'"),
    ):
        op.create_index(name, "feed_records", columns, sqlite_where=text(where), postgresql_where=text(where))
