"""Invoices and accompanying documents, what became of each feed record, and the delivery tables."""

from alembic import op
from sqlalchemy import (
    JSON,
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

from chassis.db import Money, Utc
from chassis.migrations import create_delivery_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_delivery_tables()
    create_customers()
    create_documents()
    create_files()
    create_projections()
    create_feed_records()


def create_customers() -> None:
    op.create_table(
        "customers",
        Column("id", Uuid, nullable=False),
        Column("number", String(64), nullable=False),
        Column("name", String(200), nullable=False),
        Column("active", Boolean, nullable=False),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("id", name="customers_pkey"),
    )
    op.create_index("customers_number_idx", "customers", ["number"])


def create_documents() -> None:
    op.create_table(
        "documents",
        Column("id", Uuid, nullable=False),
        Column("customer_id", Uuid, nullable=False),
        Column("source", String(256), nullable=False),
        Column("family", String(10), nullable=False),
        Column("number", String(64), nullable=False),
        Column("kind", String(20), nullable=False),
        Column("module", String(20), nullable=False),
        Column("title", String(200)),
        Column("issued_on", Date, nullable=False),
        Column("due_on", Date),
        Column("period_from", Date),
        Column("period_to", Date),
        Column("billing_account", String(200)),
        Column("purchase_order", String(200)),
        Column("currency", String(3)),
        Column("net", Money),
        Column("tax", Money),
        Column("gross", Money),
        Column("payment_state", String(20)),
        Column("payment_at", Utc),
        Column("paid_on", Date),
        Column("open_amount", Money),
        Column("related_number", String(64)),
        Column("related_id", Uuid),
        Column("content_sha256", String(64), nullable=False),
        Column("search_text", Text, nullable=False),
        Column("notify", Boolean, nullable=False),
        Column("filed_at", Utc, nullable=False),
        Column("first_opened_at", Utc),
        PrimaryKeyConstraint("id", name="documents_pkey"),
        UniqueConstraint("source", "family", "number", name="documents_source_family_number_key"),
    )
    op.create_index("documents_newest_idx", "documents", ["customer_id", "issued_on", "id"])
    for column in ("module", "kind", "payment_state", "billing_account"):
        op.create_index(f"documents_{column}_idx", "documents", ["customer_id", column, "issued_on", "id"])
    unopened = text("first_opened_at IS NULL")
    op.create_index(
        "documents_new_idx",
        "documents",
        ["customer_id", "issued_on", "id"],
        sqlite_where=unopened,
        postgresql_where=unopened,
    )
    unrelated = text("related_id IS NULL")
    op.create_index(
        "documents_unrelated_idx",
        "documents",
        ["source", "related_number"],
        sqlite_where=unrelated,
        postgresql_where=unrelated,
    )
    op.create_index("documents_related_id_idx", "documents", ["related_id"])


def create_files() -> None:
    op.create_table(
        "files",
        Column("id", Uuid, nullable=False),
        Column("document_id", Uuid, nullable=False),
        Column("position", Integer, nullable=False),
        Column("name", String(255), nullable=False),
        Column("media_type", String(100), nullable=False),
        Column("size_bytes", Integer, nullable=False),
        Column("sha256", String(64), nullable=False),
        Column("role", String(10), nullable=False),
        Column("kind", String(20)),
        PrimaryKeyConstraint("id", name="files_pkey"),
        ForeignKeyConstraint(["document_id"], ["documents.id"], name="files_document_id_fkey"),
    )
    op.create_index("files_document_id_idx", "files", ["document_id"])
    op.create_index("files_sha256_idx", "files", ["sha256"])


def create_projections() -> None:
    op.create_table(
        "folder_counts",
        Column("customer_id", Uuid, nullable=False),
        Column("year", Integer, nullable=False),
        Column("month", Integer, nullable=False),
        Column("module", String(20), nullable=False),
        Column("count", Integer, nullable=False),
        PrimaryKeyConstraint("customer_id", "year", "month", "module", name="folder_counts_pkey"),
    )
    op.create_table(
        "search_words",
        Column("customer_id", Uuid, nullable=False),
        Column("word", String(64).with_variant(String(64, collation="C"), "postgresql"), nullable=False),
        Column("document_id", Uuid, nullable=False),
        PrimaryKeyConstraint("customer_id", "word", "document_id", name="search_words_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feed_health",
        Column("source", String(256), nullable=False),
        Column("customer_id", Uuid, nullable=False),
        Column("last_number", String(64), nullable=False),
        Column("last_filed_at", Utc, nullable=False),
        Column("filed", Integer, nullable=False),
        PrimaryKeyConstraint("source", "customer_id", name="feed_health_pkey"),
    )


def create_feed_records() -> None:
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
        Column("content_sha256", String(64)),
        Column("document_id", Uuid),
        Column("waits_for", String(10)),
        Column("waits_key", String(64)),
        Column("payload", JSON),
        Column("occurred_at", Utc, nullable=False),
        Column("received_at", Utc, nullable=False),
        Column("changed_at", Utc, nullable=False),
        PrimaryKeyConstraint("id", name="feed_records_pkey"),
        UniqueConstraint("source", "event_id", name="feed_records_source_event_id_key"),
    )
    unsettled = text("state <> 'filed'")
    op.create_index(
        "feed_records_state_idx",
        "feed_records",
        ["state", "received_at", "id"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )
    parked = text("state = 'parked'")
    op.create_index(
        "feed_records_waits_idx",
        "feed_records",
        ["waits_for", "waits_key"],
        sqlite_where=parked,
        postgresql_where=parked,
    )
    op.create_table(
        "held_files",
        Column("record_id", Uuid, nullable=False),
        Column("sha256", String(64), nullable=False),
        PrimaryKeyConstraint("record_id", "sha256", name="held_files_pkey"),
        ForeignKeyConstraint(["record_id"], ["feed_records.id"], name="held_files_record_id_fkey"),
    )
    op.create_index("held_files_sha256_idx", "held_files", ["sha256"])
