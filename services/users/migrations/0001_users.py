"""Customers, users, memberships, audit log."""

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
    op.create_table(
        "customers",
        Column("id", Uuid, nullable=False),
        Column("number", String(64), nullable=False),
        Column("name", String(200), nullable=False),
        Column("language", String(2), nullable=False),
        Column("time_zone", String(64), nullable=False),
        Column("email_domains", JSON, nullable=False),
        Column("colocation", Boolean, nullable=False),
        Column("end_user", Boolean, nullable=False),
        Column("active", Boolean, nullable=False),
        Column("version", Integer, nullable=False),
        Column("feed_version", Integer, nullable=False),
        Column("created_at", Utc, nullable=False),
        PrimaryKeyConstraint("id", name="customers_pkey"),
        UniqueConstraint("number", name="customers_number_key"),
    )
    op.create_table(
        "users",
        Column("id", Uuid, nullable=False),
        Column("email", String(254), nullable=False),
        Column("email_key", String(254), nullable=False),
        Column("given_name", String(100), nullable=False),
        Column("family_name", String(100), nullable=False),
        Column("language", String(2), nullable=False),
        Column("version", Integer, nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("password_set_at", Utc),
        Column("second_factor_at", Utc),
        Column("last_login_at", Utc),
        Column("locked_at", Utc),
        PrimaryKeyConstraint("id", name="users_pkey"),
        UniqueConstraint("email_key", name="users_email_key_key"),
    )
    op.create_table(
        "memberships",
        Column("id", Uuid, nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("customer_id", Uuid),
        Column("role", String(10), nullable=False),
        Column("staff_role", String(20)),
        Column("modules", JSON, nullable=False),
        Column("active", Boolean, nullable=False),
        Column("expires_on", Date),
        Column("version", Integer, nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("invitation", String(10), nullable=False),
        Column("invitation_sent_at", Utc),
        Column("invitation_opened_at", Utc),
        Column("invitation_expires_at", Utc),
        Column("invitation_error", String(300)),
        PrimaryKeyConstraint("id", name="memberships_pkey"),
        ForeignKeyConstraint(["user_id"], ["users.id"], name="memberships_user_id_fkey"),
        ForeignKeyConstraint(["customer_id"], ["customers.id"], name="memberships_customer_id_fkey"),
        UniqueConstraint("user_id", "customer_id", name="memberships_user_id_customer_id_key"),
    )
    staff = text("customer_id IS NULL")
    op.create_index(
        "memberships_operator_user_id_idx",
        "memberships",
        ["user_id"],
        unique=True,
        sqlite_where=staff,
        postgresql_where=staff,
    )
    op.create_index("memberships_customer_id_created_at_idx", "memberships", ["customer_id", "created_at", "id"])
    op.create_table(
        "audit_lines",
        Column("position", Integer, nullable=False, autoincrement=False),
        Column("customer_id", Uuid),
        Column("line", JSON, nullable=False),
        Column("hash", String(64), nullable=False),
        PrimaryKeyConstraint("position", name="audit_lines_pkey"),
    )
    op.create_index("audit_lines_customer_id_position_idx", "audit_lines", ["customer_id", "position"])
