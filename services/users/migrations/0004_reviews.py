"""Quarterly reviews of who may see what."""

from alembic import op
from sqlalchemy import Column, ForeignKeyConstraint, PrimaryKeyConstraint, String, Uuid

from chassis.db import Utc

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_reviews",
        Column("id", Uuid, nullable=False),
        Column("customer_id", Uuid, nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("name", String(201), nullable=False),
        Column("reviewed_at", Utc, nullable=False),
        ForeignKeyConstraint(["customer_id"], ["customers.id"], name="access_reviews_customer_id_fkey"),
        PrimaryKeyConstraint("id", name="access_reviews_pkey"),
    )
    op.create_index("access_reviews_customer_id_reviewed_at_idx", "access_reviews", ["customer_id", "reviewed_at"])


def downgrade() -> None:
    op.drop_table("access_reviews")
