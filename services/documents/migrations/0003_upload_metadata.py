"""What a client said of its upload, word for word: it may ask for it again."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("drive_uploads", Column("metadata_header", Text, nullable=True))
