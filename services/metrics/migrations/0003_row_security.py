"""Forced row-level security on PostgreSQL: a customer's transaction sees that customer's rows (security.md, rule 3).

The service's role owns no table: partitions are made and dropped by functions that do nothing else.
"""

from alembic import op

from chassis.migrations import CUSTOMER, OWN, STAFF, own_with, protect_rows

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MAKE = """
CREATE FUNCTION partitions.make(parent text, year int, month int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    step bigint := CASE parent WHEN 'counters' THEN 1 WHEN 'slots' THEN 300000 END;
    first timestamptz := make_timestamptz(year, month, 1, 0, 0, 0, 'UTC');
    past timestamptz := (first AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    IF step IS NULL THEN RAISE EXCEPTION 'no such table: %', parent; END IF;
    EXECUTE format(
        'CREATE TABLE partitions.%I PARTITION OF public.%I FOR VALUES FROM (%s) TO (%s)',
        parent || to_char(first AT TIME ZONE 'UTC', '_YYYY_MM'), parent,
        extract(epoch FROM first)::bigint * 1000 / step, extract(epoch FROM past)::bigint * 1000 / step
    );
END $$
"""
DROP = """
CREATE FUNCTION partitions.drop(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF name !~ '^(counters|slots)_[0-9]{4}_[0-9]{2}$' THEN RAISE EXCEPTION 'no such partition: %', name; END IF;
    EXECUTE format('DROP TABLE partitions.%I', name);
END $$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for function in (MAKE, DROP, "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA partitions FROM PUBLIC"):
            op.execute(function)
    own_line = own_with("line_number", "lines", "number")
    protect_rows(
        {
            "customers": f"id = {CUSTOMER}",
            "lines": OWN,
            "groups": own_with("id", "lines", "group_id"),
            "warned": STAFF,
            "thresholds": own_line,
            "counters": own_line,
            "slots": own_line,
            "rollups": own_line,
            "waiting_lines": STAFF,
            "waiting_counters": STAFF,
            "refusals": STAFF,
            "halves": STAFF,
        }
    )
