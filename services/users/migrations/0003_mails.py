"""Mails without a secret: contacts to write to, what waits to be told, what people want, and the mail outbox."""

from alembic import op
from sqlalchemy import JSON, Boolean, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, String, Uuid

from chassis.db import Utc

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contacts",
        Column("id", Uuid, nullable=False),
        Column("customer_id", Uuid),
        Column("version", Integer, nullable=False),
        Column("side", String(8), nullable=False),
        Column("roles", JSON, nullable=False),
        Column("name", String(200), nullable=False),
        Column("email", String(254)),
        Column("language", String(2), nullable=False),
        Column("active", Boolean, nullable=False),
        PrimaryKeyConstraint("id", name="contacts_pkey"),
    )
    op.create_index("contacts_customer_id_idx", "contacts", ["customer_id"])
    op.create_table(
        "notices",
        Column("id", Uuid, nullable=False),
        Column("topic", String(20), nullable=False),
        Column("customer_id", Uuid, nullable=False),
        Column("side", String(8), nullable=False),
        Column("interest", String(30), nullable=False),
        Column("module", String(20), nullable=False),
        Column("words", JSON, nullable=False),
        Column("noted_at", Utc, nullable=False),
        PrimaryKeyConstraint("id", name="notices_pkey"),
    )
    op.create_index("notices_topic_customer_id_idx", "notices", ["topic", "customer_id", "side"])
    op.create_table(
        "notice_collections",
        Column("topic", String(20), nullable=False),
        Column("customer_id", Uuid, nullable=False),
        Column("side", String(8), nullable=False),
        Column("due_at", Utc, nullable=False),
        Column("latest_at", Utc, nullable=False),
        PrimaryKeyConstraint("topic", "customer_id", "side", name="notice_collections_pkey"),
    )
    op.create_index("notice_collections_due_at_idx", "notice_collections", ["due_at"])
    op.create_table(
        "notification_choices",
        Column("user_id", Uuid, nullable=False),
        Column("event", String(30), nullable=False),
        Column("channel", String(10), nullable=False),
        Column("wanted", Boolean, nullable=False),
        PrimaryKeyConstraint("user_id", "event", "channel", name="notification_choices_pkey"),
        ForeignKeyConstraint(["user_id"], ["users.id"], name="notification_choices_user_id_fkey"),
    )
    op.create_table(
        "mail_outbox",
        Column("id", Uuid, nullable=False),
        Column("kind", String(30), nullable=False),
        Column("recipient", String(254), nullable=False),
        Column("language", String(2), nullable=False),
        Column("words", JSON, nullable=False),
        Column("state", String(10), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("next_try_at", Utc, nullable=False),
        Column("settled_at", Utc),
        Column("error", String(300)),
        Column("customer_id", Uuid),
        Column("user_id", Uuid),
        Column("membership_id", Uuid),
        Column("contact_id", Uuid),
        PrimaryKeyConstraint("id", name="mail_outbox_pkey"),
    )
    op.create_index("mail_outbox_state_next_try_at_idx", "mail_outbox", ["state", "next_try_at"])
