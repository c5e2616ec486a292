"""Cursors: what went in comes out; what nobody handed out is refused before the database sees it."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.errors import Invalid
from chassis.paging import cursor_of, key_of

NOON = datetime(2026, 11, 2, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("key", [(NOON, uuid4()), (date(2026, 11, 2), uuid4()), (7,), ("Müller & Söhne 李", uuid4())])
def test_a_cursor_brings_its_key_back(key: tuple[Any, ...]) -> None:
    assert key_of(cursor_of(*key), *map(type, key)) == key


@pytest.mark.parametrize(
    ("key", "types"),
    [
        ((), (int,)),
        ((1, 2), (int,)),
        ((None,), (int,)),
        (("x",), (int,)),
        ((2**63,), (int,)),
        ((-(10**30),), (int,)),
        ((1e400,), (int,)),
        (("2026-11-02T00:00:00",), (datetime,)),
        (("2026-13-02",), (date,)),
        ((7,), (UUID,)),
        (("a\x00",), (str,)),
        (("\ud800",), (str,)),
    ],
)
def test_a_made_up_cursor_is_refused(key: tuple[Any, ...], types: tuple[type, ...]) -> None:
    with pytest.raises(Invalid):
        key_of(cursor_of(*key), *types)


@pytest.mark.parametrize("cursor", ["", "x", "nonsense", "\x00", "ü", "e30", "eyJhIjoxfQ"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid):
        key_of(cursor, int)
