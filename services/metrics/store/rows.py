"""Many rows in one statement: arrays for PostgreSQL, `executemany` and JSON for SQLite. No ORM objects."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

Row = tuple[Any, ...]


class Text(NamedTuple):
    """One statement in both languages."""

    sqlite: str
    """To write: one row's parameters. To read: one parameter, the rows as JSON."""
    postgresql: str
    """Each parameter is the array of one column; of whole numbers it may go as text: ``$1::text::bigint[]``."""


def both(text: str) -> Text:
    """A statement that both read, written for PostgreSQL: SQLite counts with ``?1`` and needs no casts."""
    return Text(re.sub(r"\$(\d+)", r"?\1", re.sub(r"::\w+", "", text)), text)


def is_postgresql(session: AsyncSession) -> bool:
    """Else it is SQLite."""
    return session.get_bind().dialect.name == "postgresql"


async def write(session: AsyncSession, text: Text, rows: Sequence[Row]) -> None:
    """Run it for all rows."""
    if not rows:
        return
    connection = await session.connection()
    if is_postgresql(session):
        await connection.exec_driver_sql(text.postgresql, _columns(text.postgresql, rows))
    else:
        await connection.exec_driver_sql(text.sqlite, list(rows))


async def read(session: AsyncSession, text: Text, given: Sequence[Row]) -> list[Row]:
    """What it finds for these rows, such as ranges."""
    return await _ask(session, text, given, wanted=True)


async def write_from(session: AsyncSession, text: Text, given: Sequence[Row]) -> None:
    """Run one statement over all these rows at once, such as an insert from a query."""
    await _ask(session, text, given, wanted=False)


async def _ask(session: AsyncSession, text: Text, given: Sequence[Row], *, wanted: bool) -> list[Row]:
    if not given:
        return []
    connection = await session.connection()
    if is_postgresql(session):
        result = await connection.exec_driver_sql(text.postgresql, _columns(text.postgresql, given))
    else:
        result = await connection.exec_driver_sql(text.sqlite, (json.dumps(given),))
    return list(result.cursor.fetchall()) if wanted and result.cursor else []


async def read_plain(session: AsyncSession, text: Text, *values: Any) -> list[Row]:
    """A query with plain values; rows as the driver has them."""
    connection = await session.connection()
    result = await connection.exec_driver_sql(text.postgresql if is_postgresql(session) else text.sqlite, values)
    return list(result.cursor.fetchall()) if result.cursor else []


def _columns(text: str, rows: Sequence[Row]) -> Row:
    columns = enumerate(zip(*rows, strict=True), start=1)
    return tuple(_as_text(column) if f"${number}::text::" in text else list(column) for number, column in columns)


def _as_text(numbers: Iterable[int]) -> str:
    """The driver asks of each element of an array whether it is an array itself: text costs a third of that."""
    return f"{{{','.join(map(str, numbers))}}}"
