"""Forced row-level security on PostgreSQL: a customer's transaction sees that customer's rows (security.md, rule 3)."""

from chassis.migrations import CUSTOMER, OWN, PERSON, own_with, protect_rows

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    protect_rows(
        {
            "customers": f"id = {CUSTOMER} OR {own_with('id', 'memberships', 'customer_id')}",
            "memberships": f"{OWN} OR user_id = {PERSON}",
            "users": f"id = {PERSON} OR {own_with('id', 'memberships', 'user_id')}",
            "audit_lines": OWN,
            "contacts": OWN,
            "notices": OWN,
            "notice_collections": OWN,
            "notification_choices": f"user_id = {PERSON}",
            "mail_outbox": OWN,
            "access_reviews": OWN,
            "waiting_invitations": own_with("membership_id", "memberships"),
        }
    )
