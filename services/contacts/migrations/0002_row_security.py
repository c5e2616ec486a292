"""Forced row-level security on PostgreSQL: a customer's transaction sees that customer's rows (security.md, rule 3)."""

from alembic import op

from chassis.migrations import CUSTOMER, OWN, STAFF, protect_rows

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    protect_rows(
        {
            "customers": f"id = {CUSTOMER}",
            "contacts": OWN,
            "approvals": OWN,
            "feed_health": OWN,
            "feed_records": STAFF,
        }
    )
    if op.get_bind().dialect.name == "postgresql":
        # The operator's contacts for everybody: seen and held by every customer, changed by none.
        op.execute(
            "CREATE POLICY everybody ON contacts USING (customer_id IS NULL AND side = 'operator') WITH CHECK (false)"
        )
