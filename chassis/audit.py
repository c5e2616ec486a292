"""Lines for the audit log: who did what, for which customer, from where. Pure."""

from datetime import datetime
from typing import Generic, Literal, TypeVar
from uuid import UUID

from chassis.identity import Identity
from events.base import AuditRecorded

Line = TypeVar("Line", bound=AuditRecorded)
LOOKS = ("_listed", "_read", "_exported")
"""Endings of what only reads: of the operator's staff it is a look."""


class AuditLines(Generic[Line]):
    """Makes the lines of one service: ``audit_line = AuditLines(DocumentsAuditRecorded)``."""

    def __init__(self, kind: type[Line]) -> None:
        self._kind = kind

    def __call__(  # one argument for each thing a line says
        self,
        what: str,
        by: Identity,
        on: str | None,
        now: datetime,
        *,
        customer_id: UUID | None = None,
        result: Literal["done", "looked", "refused"] | None = None,
    ) -> Line:
        """One line.

        Args:
            what: ``invoice_read``, past participle last.
            by: The caller.
            on: Kind and id of what it was done on, as ``document/...``.
            now: When.
            customer_id: Where it is another than the open one, as on the operator's pages.
            result: Default: a look where the operator's staff reads, else done.
        """
        looked = by.is_operator and what.endswith(LOOKS)
        return self._kind(
            what=what,
            result=result or ("looked" if looked else "done"),
            actor_id=by.user_id if by.is_person else None,
            actor=None if by.is_person else by.sub,
            acting_as=UUID(by.act) if by.act else None,
            customer_id=customer_id or (UUID(by.cust) if by.cust else None),
            on=on,
            address=by.ip or None,
            factor="api_token" if "api_token" in by.amr else "totp" if "otp" in by.amr else None,
            request_id=by.rid or None,
            occurred_at=now,
        )
