"""Lists by keyset: a cursor says after which row to go on; rows added meanwhile shift nothing."""

import base64
import json
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from chassis.errors import Invalid

Item = TypeVar("Item")
Limit = Annotated[int, Query(ge=1, le=200, description="how many at most")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before")]


class Page(BaseModel, Generic[Item]):
    """One page, and where the next one starts."""

    items: list[Item]
    next_cursor: str | None


def cursor_of(*key: Any) -> str:
    """An opaque text for the sort key of a page's last row."""
    return base64.urlsafe_b64encode(json.dumps(key, default=str).encode()).decode().rstrip("=")


def key_of(cursor: str, *types: type) -> tuple[Any, ...]:
    """The sort key in a cursor, each part built by its type (``date.fromisoformat`` for dates).

    Raises:
        Invalid: not a cursor of this list.
    """
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(parts, list) or len(parts) != len(types):
            raise ValueError
        key = tuple(getattr(kind, "fromisoformat", kind)(part) for kind, part in zip(types, parts, strict=True))
        if not all(map(_can_be_asked_for, key)):
            raise ValueError
        return key
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise Invalid(errors=[{"pointer": "/query/cursor", "detail": "not a cursor of this list"}]) from None


def _can_be_asked_for(part: Any) -> bool:
    """A made-up cursor must not bring anything to the database that it refuses with an error."""
    if isinstance(part, datetime):
        return part.tzinfo is not None
    if isinstance(part, int):
        return abs(part) < 2**63
    if isinstance(part, str):
        part.encode()  # a lone surrogate raises a ValueError
        return "\x00" not in part
    return True
