"""Forced row-level security on PostgreSQL: a customer's transaction sees that customer's rows (security.md, rule 3)."""

from chassis.migrations import CUSTOMER, OWN, STAFF, own_with, protect_rows

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    protect_rows(
        {
            "customers": f"id = {CUSTOMER}",
            "documents": OWN,
            "files": own_with("document_id", "documents"),
            "folder_counts": OWN,
            "search_words": OWN,
            "feed_health": OWN,
            "feed_records": STAFF,
            "held_files": STAFF,
            "drives": OWN,
            "drive_entries": OWN,
            "drive_versions": own_with("entry_id", "drive_entries"),
            "drive_uploads": OWN,
        }
    )
