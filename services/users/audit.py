"""The audit log: append-only, each line's hash covers the one before, so a changed or missing line shows. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from chassis.audit import AuditLines
from events.users import UsersAuditRecorded

BEGINNING = "0" * 64


audit_line = AuditLines(UsersAuditRecorded)


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
