"""Counters that came without the other direction's, and wait for it."""

from alembic import op
from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, String

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "halves",
        Column("source", String(256), nullable=False),
        Column("line_id", String(64), nullable=False),
        Column("at_ms", BigInteger, autoincrement=False, nullable=False),
        Column("in_octets", BigInteger, nullable=True),
        Column("out_octets", BigInteger, nullable=True),
        Column("received_ms", BigInteger, nullable=False),
        PrimaryKeyConstraint("source", "line_id", "at_ms", name="halves_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("halves_received_ms_idx", "halves", ["received_ms"])
