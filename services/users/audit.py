"""The audit log: append-only, each line's hash covers the one before, so a changed or missing line shows. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

BEGINNING = "0" * 64


def line_hash(previous: str, line: Mapping[str, Any]) -> str:
    """SHA-256 over the previous hash and the line in canonical JSON (sorted keys, no blanks)."""
    text = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def first_break(lines: Iterable[tuple[int, Mapping[str, Any], str]]) -> int | None:
    """The position of the first line whose hash is wrong; none when the chain is whole.

    Args:
        lines: (position, line, hash) from the first line on.
    """
    previous = BEGINNING
    for expected, (position, line, digest) in enumerate(lines, 1):
        if position != expected or line_hash(previous, line) != digest:
            return expected
        previous = digest
    return None
