"""PostgreSQL keeps counters and slots apart by month (UTC), so that old ones go by dropping a table.

The tables stand in a schema of their own; they are made ahead, and at the latest by the batch that needs one, by
functions of the migration's role (``migrations/0003_row_security.py``): the service's own may not make tables. SQLite
has no partitions: there old rows are deleted.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.metrics.store.rows import is_postgresql

_PARTED = ("counters", "slots")
_ONE_AT_A_TIME = 7_201_027
_NAME = re.compile(r"(counters|slots)_(\d{4})_(\d\d)")

Month = tuple[int, int]


def month_of(at_ms: int) -> Month:
    """Year and month, UTC."""
    time = datetime.fromtimestamp(at_ms / 1000, UTC)
    return time.year, time.month


def following(month: Month) -> Month:
    """The next one."""
    year, number = month
    return (year + 1, 1) if number == 12 else (year, number + 1)


def start_ms(month: Month) -> int:
    """When it begins."""
    return int(datetime(*month, 1, tzinfo=UTC).timestamp()) * 1000


async def ensure(session: AsyncSession, months: Iterable[Month]) -> None:
    """Make what is missing. Before anything else in a transaction: it waits for those who use the table."""
    if not is_postgresql(session):
        return
    connection = await session.connection()
    wanted = {f"{table}_{year:04}_{month:02}": (table, (year, month)) for year, month in months for table in _PARTED}
    # asks the table of tables: `to_regclass` answers from a cache that waiting for the lock does not refresh
    missing = (
        "SELECT n FROM unnest($1::text[]) n WHERE NOT EXISTS"
        " (SELECT FROM pg_class WHERE relname = n AND relnamespace = 'partitions'::regnamespace)"
    )
    if not (await connection.exec_driver_sql(missing, (list(wanted),))).all():
        return
    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})")
    for (name,) in (await connection.exec_driver_sql(missing, (list(wanted),))).all():
        table, month = wanted[name]
        await connection.exec_driver_sql("SELECT partitions.make($1, $2, $3)", (table, *month))


async def drop_before(session: AsyncSession, at_ms: int) -> list[str]:
    """Drop the months that ended before; returns their names."""
    connection = await session.connection()
    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})")
    names = await connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'partitions'")
    dropped = []
    for (name,) in names.all():
        matched = _NAME.fullmatch(name)
        if matched and start_ms(following((int(matched[2]), int(matched[3])))) <= at_ms:
            await connection.exec_driver_sql("SELECT partitions.drop($1)", (name,))
            dropped.append(name)
    return dropped
