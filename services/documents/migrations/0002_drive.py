"""The exchange drive: entries, versions, uploads, and what the store still has to forget."""

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
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

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = BigInteger().with_variant(Integer, "sqlite")
KEY = String(1000).with_variant(String(1000, collation="C"), "postgresql")


def upgrade() -> None:
    create_drives()
    create_entries()
    create_versions()
    create_uploads()
    op.create_table(
        "drive_doomed_objects",
        Column("object_key", String(100), nullable=False),
        Column("storage_state", JSON, nullable=False),
        Column("doomed_at", Utc, nullable=False),
        PrimaryKeyConstraint("object_key", name="drive_doomed_objects_pkey"),
    )


def create_drives() -> None:
    op.create_table(
        "drives",
        Column("customer_id", Uuid, nullable=False),
        Column("quota_bytes", BIG),
        Column("used_bytes", BIG, nullable=False),
        Column("reserved_bytes", BIG, nullable=False),
        PrimaryKeyConstraint("customer_id", name="drives_pkey"),
    )


def create_entries() -> None:
    op.create_table(
        "drive_entries",
        Column("id", Uuid, nullable=False),
        Column("customer_id", Uuid, nullable=False),
        Column("parent_id", Uuid),
        Column("kind", String(10), nullable=False),
        Column("name", String(255), nullable=False),
        Column("name_key", KEY, nullable=False),
        Column("sort_key", KEY, nullable=False),
        Column("side", String(10), nullable=False),
        Column("created_by", String(200), nullable=False),
        Column("created_by_id", Uuid),
        Column("created_at", Utc, nullable=False),
        Column("changed_at", Utc, nullable=False),
        Column("size_bytes", BIG, nullable=False),
        Column("folders", Integer, nullable=False),
        Column("files", Integer, nullable=False),
        Column("current_version_id", Uuid),
        Column("version", Integer, nullable=False),
        Column("trashed_at", Utc),
        Column("trashed_by", String(200)),
        Column("trash_id", Uuid),
        PrimaryKeyConstraint("id", name="drive_entries_pkey"),
    )
    living = text("trashed_at IS NULL")
    op.create_index(
        "drive_entries_name_idx",
        "drive_entries",
        ["parent_id", "name_key"],
        unique=True,
        sqlite_where=living,
        postgresql_where=living,
    )
    for name in ("sort_key", "size_bytes", "changed_at"):
        columns = ["parent_id", "kind", name, "id"]
        op.create_index(
            f"drive_entries_{name}_idx", "drive_entries", columns, sqlite_where=living, postgresql_where=living
        )
    op.create_index("drive_entries_parent_id_idx", "drive_entries", ["parent_id"])
    thrown = text("trash_id = id")
    columns = ["customer_id", "trashed_at", "id"]
    op.create_index("drive_entries_trash_idx", "drive_entries", columns, sqlite_where=thrown, postgresql_where=thrown)
    op.create_index("drive_entries_trash_id_idx", "drive_entries", ["trash_id"])


def create_versions() -> None:
    op.create_table(
        "drive_versions",
        Column("id", Uuid, nullable=False),
        Column("entry_id", Uuid, nullable=False),
        Column("number", Integer, nullable=False),
        Column("object_key", String(100), nullable=False),
        Column("size_bytes", BIG, nullable=False),
        Column("sha256", String(64)),
        Column("media_type", String(100), nullable=False),
        Column("side", String(10), nullable=False),
        Column("created_by", String(200), nullable=False),
        Column("created_by_id", Uuid),
        Column("created_at", Utc, nullable=False),
        Column("scan", String(12), nullable=False),
        Column("scan_detail", String(200)),
        Column("checked_at", Utc),
        Column("lease_until", Utc),
        Column("fence", Integer, nullable=False),
        Column("read_by_other_side_at", Utc),
        Column("read_by", String(200)),
        PrimaryKeyConstraint("id", name="drive_versions_pkey"),
        ForeignKeyConstraint(["entry_id"], ["drive_entries.id"], name="drive_versions_entry_id_fkey"),
        UniqueConstraint("entry_id", "number", name="drive_versions_entry_id_number_key"),
    )
    unchecked = text("checked_at IS NULL")
    op.create_index(
        "drive_versions_unchecked_idx",
        "drive_versions",
        ["created_at"],
        sqlite_where=unchecked,
        postgresql_where=unchecked,
    )
    op.create_index("drive_versions_object_key_idx", "drive_versions", ["object_key"])


def create_uploads() -> None:
    op.create_table(
        "drive_uploads",
        Column("id", Uuid, nullable=False),
        Column("customer_id", Uuid, nullable=False),
        Column("parent_id", Uuid, nullable=False),
        Column("name", String(255), nullable=False),
        Column("media_type", String(100), nullable=False),
        Column("length_bytes", BIG, nullable=False),
        Column("offset_bytes", BIG, nullable=False),
        Column("object_key", String(100), nullable=False),
        Column("storage_state", JSON, nullable=False),
        Column("side", String(10), nullable=False),
        Column("owner", String(100), nullable=False),
        Column("owner_name", String(200), nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("expires_at", Utc, nullable=False),
        Column("lease_holder", String(100)),
        Column("lease_until", Utc),
        Column("fence", Integer, nullable=False),
        Column("finished_at", Utc),
        Column("version_id", Uuid),
        PrimaryKeyConstraint("id", name="drive_uploads_pkey"),
    )
    op.create_index("drive_uploads_expires_at_idx", "drive_uploads", ["expires_at"])
    unfinished = text("finished_at IS NULL")
    op.create_index(
        "drive_uploads_unfinished_idx",
        "drive_uploads",
        ["customer_id", "created_at"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    op.create_index("drive_uploads_object_key_idx", "drive_uploads", ["object_key"])
