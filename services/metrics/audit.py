"""Lines for the audit log. Pure."""

from datetime import datetime
from uuid import UUID

from chassis.identity import Identity
from events.metrics import MetricsAuditRecorded


def audit_line(what: str, by: Identity, on: str | None, now: datetime) -> MetricsAuditRecorded:
    """Who did what, for which customer, from where. What the operator's staff reads is a look."""
    return MetricsAuditRecorded(
        what=what,
        result="looked" if by.is_operator and what.endswith(("_listed", "_read")) else "done",
        actor_id=by.user_id if by.is_person else None,
        actor=None if by.is_person else by.sub,
        acting_as=UUID(by.act) if by.act else None,
        customer_id=UUID(by.cust) if by.cust else None,
        on=on,
        address=by.ip or None,
        factor="api_token" if "api_token" in by.amr else "totp" if by.is_person else None,
        request_id=by.rid or None,
        occurred_at=now,
    )
