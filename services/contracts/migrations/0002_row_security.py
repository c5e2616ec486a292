"""Forced row-level security on PostgreSQL: a customer's transaction sees that customer's rows (security.md, rule 3)."""

from chassis.migrations import CUSTOMER, OWN, STAFF, own_with, protect_rows

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    own_contract = own_with("contract_id", "contracts")
    protect_rows(
        {
            "customers": f"id = {CUSTOMER}",
            "memberships": OWN,
            "contracts": OWN,
            "positions": own_contract,
            "deadlines": OWN,
            "reminders": own_contract,
            "calendar_tokens": OWN,
            "feed_health": OWN,
            "feed_records": STAFF,
        }
    )
