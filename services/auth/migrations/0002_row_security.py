"""Forced row-level security on PostgreSQL: a customer's transaction sees that customer's rows (security.md, rule 3)."""

from chassis.migrations import OWN, PERSON, own_with, protect_rows

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    protect_rows(
        {
            "customers": own_with("customer_id", "memberships", "customer_id"),
            "memberships": f"{OWN} OR user_id = {PERSON}",
            "api_tokens": f"{OWN} OR user_id = {PERSON}",
            "links": f"{OWN} OR user_id = {PERSON}",
            "sessions": f"user_id = {PERSON}",
            "sign_ins": f"user_id = {PERSON}",
        }
    )
