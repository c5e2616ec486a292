"""Lines for the audit log. Pure."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from chassis.audit import AuditLines
from chassis.identity import Identity
from events.auth import AuthAuditRecorded

Factor = Literal["password", "totp", "recovery_code", "link"]

operator_line = AuditLines(AuthAuditRecorded)
"""What the operator's staff did on its own pages."""


def audit_line(
    what: str,
    result: Literal["done", "refused"],
    by: Identity,
    user_id: UUID | None,
    factor: Factor | None,
    now: datetime,
) -> AuthAuditRecorded:
    """Who did what from where; ``user_id`` is the account concerned, if there is one."""
    return AuthAuditRecorded(
        what=what,
        result=result,
        actor_id=user_id,
        customer_id=UUID(by.cust) if by.cust else None,
        on=f"user/{user_id}" if user_id else None,
        address=by.ip or None,
        factor=factor,
        request_id=by.rid or None,
        occurred_at=now,
    )
