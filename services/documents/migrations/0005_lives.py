"""When this database was in use: objects from a time that it does not remember are nobody's garbage."""

from alembic import op
from sqlalchemy import Column, PrimaryKeyConstraint

from chassis.db import Utc
from chassis.migrations import STAFF, protect_rows

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lives",
        Column("began_at", Utc, nullable=False),
        Column("until_at", Utc, nullable=False),
        PrimaryKeyConstraint("began_at", name="lives_pkey"),
    )
    # A portal that runs already has lived since its first document.
    op.execute(
        "INSERT INTO lives (began_at, until_at) SELECT min(filed_at), max(filed_at) FROM documents HAVING count(*) > 0"
    )
    protect_rows({"lives": STAFF})
