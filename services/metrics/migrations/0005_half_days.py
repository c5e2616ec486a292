"""Rollups of half a day: what a year's picture is drawn from."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "INSERT INTO rollups (line_number, seconds, position, in_octets, out_octets, measured_ms, present, in_max_bps,"
        " out_max_bps) SELECT line_number, 43200, position / 4, SUM(in_octets), SUM(out_octets), SUM(measured_ms),"
        " SUM(present), MAX(in_max_bps), MAX(out_max_bps) FROM rollups WHERE seconds = 10800"
        " GROUP BY line_number, position / 4"
    )
