"""What a further company entered about somebody known; removed rows; order of news; 64-bit versions of the feed."""

from alembic import op
from sqlalchemy import BigInteger, Column, String, Uuid, column, select, table, update

from chassis.db import Utc

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("memberships", Column("given_name", String(100)))
    op.add_column("memberships", Column("family_name", String(100)))
    op.add_column("memberships", Column("language", String(2)))
    op.add_column("memberships", Column("removed_at", Utc))
    op.add_column("users", Column("second_factor_reset_at", Utc))
    op.add_column("customers", Column("words", String(600), nullable=False, server_default=""))
    op.create_index("customers_words_id_idx", "customers", ["words", "id"])
    _fold_words()
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("customers", "feed_version", type_=BigInteger)
        op.alter_column("audit_lines", "position", type_=BigInteger)


def _fold_words() -> None:
    customers = table("customers", column("id", Uuid), column("name"), column("number"), column("words"))
    connection = op.get_bind()
    for row in connection.execute(select(customers.c.id, customers.c.name, customers.c.number)).all():
        folded = update(customers).where(customers.c.id == row.id)
        connection.execute(folded.values(words=f"{row.name} {row.number}".casefold()[:600]))
