"""Invitations that wait for their turn; end dates of which everybody was told."""

from alembic import op
from sqlalchemy import Column, Date, ForeignKeyConstraint, PrimaryKeyConstraint, String, Uuid

from chassis.db import Utc

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("memberships", Column("end_told_on", Date))
    op.create_table(
        "waiting_invitations",
        Column("membership_id", Uuid, nullable=False),
        Column("due_at", Utc, nullable=False),
        Column("invited_by", String(201), nullable=False),
        Column("actor_id", Uuid, nullable=False),
        ForeignKeyConstraint(["membership_id"], ["memberships.id"], name="waiting_invitations_membership_id_fkey"),
        PrimaryKeyConstraint("membership_id", name="waiting_invitations_pkey"),
    )
    op.create_index("waiting_invitations_due_at_idx", "waiting_invitations", ["due_at"])
