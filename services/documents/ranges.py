"""Conditional and partial downloads, and what a browser is told about a file. Pure.

Sources: RFC 9110 sections 13 and 14, RFC 6266 and RFC 8187 (file names), docs/rules/invoices.md.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote

MOST_RANGES = 5
SHOWN_IN_THE_PAGE = frozenset({"application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp"})
_ONE = re.compile(r"(\d{0,18})-(\d{0,18})")


class NotSatisfiable(Exception):
    """No byte of the file lies in what was asked for, or too much was asked for at once."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes from ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many."""
        return self.last - self.first + 1

    def header(self, size: int) -> str:
        """``Content-Range``."""
        return f"bytes {self.first}-{self.last}/{size}"


def etag_of(sha256: str) -> str:
    """Strong: the name of the content itself."""
    return f'"{sha256}"'


def not_modified(if_none_match: str | None, etag: str) -> bool:
    """The reader has it already (weak comparison)."""
    if if_none_match is None:
        return False
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in known or etag in known


def spans(header: str | None, if_range: str | None, *, etag: str, changed_at: datetime, size: int) -> list[Span]:
    """The parts of the file that are wanted; none: the whole file.

    Raises:
        NotSatisfiable: answer 416.
    """
    if header is None or not header.startswith("bytes="):
        return []
    if if_range is not None and if_range.strip() not in (etag, http_date(changed_at)):
        return []
    wanted = [_ONE.fullmatch(part.strip()) for part in header.removeprefix("bytes=").split(",")]
    if not all(part and part[0] != "-" for part in wanted):
        return []  # not a byte range at all: ignored, says the RFC
    if len(wanted) > MOST_RANGES:
        raise NotSatisfiable
    found = [span for part in wanted if part and (span := _span(part[1], part[2], size))]
    if not found:
        raise NotSatisfiable
    return found


def _span(first: str, last: str, size: int) -> Span | None:
    if not first:
        length = min(int(last), size)
        return Span(size - length, size - 1) if length else None
    start, end = int(first), min(int(last), size - 1) if last else size - 1
    return Span(start, end) if start <= end else None


def http_date(moment: datetime) -> str:
    """RFC 9110 section 5.6.7."""
    return format_datetime(moment.replace(microsecond=0), usegmt=True)


def disposition(name: str, media_type: str, *, download: bool) -> str:
    """Shown in the page only if it is a PDF or an image and nobody wants to keep it."""
    manner = "inline" if media_type in SHOWN_IN_THE_PAGE and not download else "attachment"
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    return f"{manner}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
