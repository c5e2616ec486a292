"""Old inbox rows are found by their age, so that they can go."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("inbox_handled_at_idx", "inbox", ["handled_at"])
