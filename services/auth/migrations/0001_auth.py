"""The tables of event delivery and of `auth`."""

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
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
        "accounts",
        Column("user_id", Uuid, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("email", String(254), nullable=False),
        Column("email_key", String(320), nullable=False),
        Column("given_name", String(200), nullable=False),
        Column("family_name", String(200), nullable=False),
        Column("language", String(2), nullable=False),
        Column("active", Boolean, nullable=False),
        Column("password_hash", String(200), nullable=True),
        Column("password_set_at", Utc, nullable=True),
        Column("enrolment_needs_link", Boolean, nullable=False),
        PrimaryKeyConstraint("user_id", name="accounts_pkey"),
    )
    op.create_index(
        "accounts_email_key_key",
        "accounts",
        ["email_key"],
        unique=True,
        sqlite_where=text("active"),
        postgresql_where=text("active"),
    )
    op.create_table(
        "counters",
        Column("key", String(200), nullable=False),
        Column("tries", JSON, nullable=False),
        Column("strikes", Integer, nullable=False),
        Column("blocked_until", Float, nullable=False),
        Column("failures_in_a_row", Integer, nullable=False),
        Column("updated_at", Utc, nullable=False),
        PrimaryKeyConstraint("key", name="counters_pkey"),
    )
    op.create_index("counters_updated_at_idx", "counters", ["updated_at"])
    op.create_table(
        "customers",
        Column("customer_id", Uuid, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("number", String(64), nullable=False),
        Column("name", String(300), nullable=False),
        Column("active", Boolean, nullable=False),
        PrimaryKeyConstraint("customer_id", name="customers_pkey"),
    )
    op.create_table(
        "memberships",
        Column("membership_id", Uuid, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("customer_id", Uuid, nullable=True),
        Column("role", String(10), nullable=False),
        Column("staff_role", String(20), nullable=True),
        Column("modules", JSON, nullable=False),
        Column("active", Boolean, nullable=False),
        Column("expires_on", Date, nullable=True),
        Column("known_since", Utc, nullable=False),
        PrimaryKeyConstraint("membership_id", name="memberships_pkey"),
    )
    op.create_index("memberships_user_id_idx", "memberships", ["user_id"])
    op.create_table(
        "api_tokens",
        Column("id", Uuid, nullable=False),
        Column("token_hash", String(64), nullable=False),
        Column("kind", String(10), nullable=False),
        Column("name", String(40), nullable=False),
        Column("user_id", Uuid, nullable=True),
        Column("customer_id", Uuid, nullable=True),
        Column("scopes", JSON, nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("expires_at", Utc, nullable=True),
        Column("revoked_at", Utc, nullable=True),
        Column("last_used_at", Utc, nullable=True),
        PrimaryKeyConstraint("id", name="api_tokens_pkey"),
        ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="api_tokens_user_id_fkey"),
        UniqueConstraint("token_hash", name="api_tokens_token_hash_key"),
    )
    op.create_index("api_tokens_user_id_idx", "api_tokens", ["user_id"])
    op.create_table(
        "devices",
        Column("token_hash", String(64), nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("expires_at", Utc, nullable=False),
        PrimaryKeyConstraint("token_hash", "user_id", name="devices_pkey"),
        ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="devices_user_id_fkey"),
    )
    op.create_table(
        "links",
        Column("id", Uuid, nullable=False),
        Column("token_hash", String(64), nullable=False),
        Column("kind", String(20), nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("membership_id", Uuid, nullable=True),
        Column("customer_id", Uuid, nullable=True),
        Column("words", JSON, nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("expires_at", Utc, nullable=False),
        Column("opened_at", Utc, nullable=True),
        Column("used_at", Utc, nullable=True),
        Column("killed_at", Utc, nullable=True),
        PrimaryKeyConstraint("id", name="links_pkey"),
        ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="links_user_id_fkey"),
        UniqueConstraint("token_hash", name="links_token_hash_key"),
    )
    op.create_index("links_user_id_idx", "links", ["user_id"])
    op.create_table(
        "recovery_codes",
        Column("user_id", Uuid, nullable=False),
        Column("code_hash", String(64), nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("used_at", Utc, nullable=True),
        PrimaryKeyConstraint("user_id", "code_hash", name="recovery_codes_pkey"),
        ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="recovery_codes_user_id_fkey"),
    )
    op.create_table(
        "sessions",
        Column("id", Uuid, nullable=False),
        Column("token_hash", String(64), nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("customer_id", Uuid, nullable=True),
        Column("device", String(200), nullable=False),
        Column("address", String(64), nullable=False),
        Column("signed_in_at", Utc, nullable=False),
        Column("last_seen_at", Utc, nullable=False),
        Column("expires_at", Utc, nullable=False),
        Column("step_up_at", Utc, nullable=True),
        Column("ended_at", Utc, nullable=True),
        Column("end_cause", String(20), nullable=True),
        PrimaryKeyConstraint("id", name="sessions_pkey"),
        ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="sessions_user_id_fkey"),
        UniqueConstraint("token_hash", name="sessions_token_hash_key"),
    )
    op.create_index("sessions_user_id_idx", "sessions", ["user_id"])
    op.create_table(
        "sign_ins",
        Column("id", Uuid, nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("at", Utc, nullable=False),
        Column("address", String(64), nullable=False),
        Column("device", String(200), nullable=False),
        Column("factor", String(20), nullable=False),
        Column("result", String(10), nullable=False),
        PrimaryKeyConstraint("id", name="sign_ins_pkey"),
        ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="sign_ins_user_id_fkey"),
    )
    op.create_index("sign_ins_user_id_at_idx", "sign_ins", ["user_id", "at"])
    op.create_table(
        "tickets",
        Column("token_hash", String(64), nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("expires_at", Utc, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("used_at", Utc, nullable=True),
        PrimaryKeyConstraint("token_hash", name="tickets_pkey"),
        ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="tickets_user_id_fkey"),
    )
    op.create_index("tickets_user_id_idx", "tickets", ["user_id"])
    op.create_table(
        "totp_factors",
        Column("user_id", Uuid, nullable=False),
        Column("state", String(7), nullable=False),
        Column("seed", LargeBinary, nullable=False),
        Column("last_step", BigInteger, nullable=False),
        Column("bound_to", String(64), nullable=True),
        Column("link_id", Uuid, nullable=True),
        Column("created_at", Utc, nullable=False),
        Column("confirmed_at", Utc, nullable=True),
        Column("locked_at", Utc, nullable=True),
        PrimaryKeyConstraint("user_id", "state", name="totp_factors_pkey"),
        ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="totp_factors_user_id_fkey"),
    )
    op.create_table(
        "mail_outbox",
        Column("id", Uuid, nullable=False),
        Column("kind", String(30), nullable=False),
        Column("recipient", String(254), nullable=False),
        Column("language", String(2), nullable=False),
        Column("words", JSON, nullable=False),
        Column("user_id", Uuid, nullable=True),
        Column("link_id", Uuid, nullable=True),
        Column("secret", LargeBinary, nullable=True),
        Column("state", String(10), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("next_try_at", Utc, nullable=False),
        Column("settled_at", Utc, nullable=True),
        Column("error", String(300), nullable=True),
        PrimaryKeyConstraint("id", name="mail_outbox_pkey"),
        ForeignKeyConstraint(["link_id"], ["links.id"], name="mail_outbox_link_id_fkey"),
        ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="mail_outbox_user_id_fkey"),
    )
    op.create_index("mail_outbox_state_next_try_at_idx", "mail_outbox", ["state", "next_try_at"])
