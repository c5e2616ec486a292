"""The audit log: append-only, each line's hash covers the one before, so a changed or missing line shows. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from chassis.identity import Identity
from events.users import UsersAuditRecorded

BEGINNING = "0" * 64


def audit_line(
    what: str,
    by: Identity,
    on: str | None,
    now: datetime,
    *,
    customer_id: UUID | None = None,
    result: Literal["done", "looked", "refused"] = "done",
) -> UsersAuditRecorded:
    """Who did what, for which customer (default: the open one), from where."""
    opened = UUID(by.cust) if by.cust else None
    return UsersAuditRecorded(
        what=what,
        result=result,
        actor_id=by.user_id if by.is_person else None,
        actor=None if by.is_person else by.sub,
        acting_as=UUID(by.act) if by.act else None,
        customer_id=customer_id or opened,
        on=on,
        address=by.ip or None,
        factor="totp" if "otp" in by.amr else None,
        request_id=by.rid or None,
        occurred_at=now,
    )


def line_hash(previous: str, line: Mapping[str, Any]) -> str:
    """SHA-256 over the previous hash, a newline, and the line in canonical JSON (sorted keys, no blanks, UTF-8)."""
    text = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def first_break(
    lines: Iterable[tuple[int, Mapping[str, Any], str]], *, after: tuple[int, str] = (0, BEGINNING)
) -> int | None:
    """The position of the first line whose hash is wrong; none when the chain is whole.

    Args:
        lines: (position, line, hash) in order.
        after: Position and hash of the line before the first of them.
    """
    position, previous = after
    for expected, (found, line, digest) in enumerate(lines, position + 1):
        if found != expected or line_hash(previous, line) != digest:
            return expected
        previous = digest
    return None
