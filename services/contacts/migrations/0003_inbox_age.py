"""The inbox by age."""

from chassis.migrations import index_inbox_age

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    index_inbox_age()
