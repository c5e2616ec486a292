"""The adapter that visits SQLite's thread once per statement answers as the original one does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from chassis.db import Database

SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT count(*) FROM n"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT UNIQUE)"))
    yield database
    await database.close()


async def test_rows_columns_and_counts(database: Database) -> None:
    async with database.transaction() as session:
        many = [{"word": word} for word in ("eins", "zwei", "drei")]
        inserted = await session.execute(text("INSERT INTO words (word) VALUES (:word)"), many)
        changed = await session.execute(text("UPDATE words SET word = word || '!' WHERE word LIKE '%ei%'"))
        returned = await session.execute(text("INSERT INTO words (word) VALUES ('vier') RETURNING id"))
        found = await session.execute(text("SELECT id, word FROM words ORDER BY id"))

        assert (inserted.rowcount, changed.rowcount) == (3, 3)
        assert returned.scalar_one() == 4
        assert list(found.keys()) == ["id", "word"]
        assert found.all() == [(1, "eins!"), (2, "zwei!"), (3, "drei!"), (4, "vier")]


async def test_streamed_rows(database: Database) -> None:
    async with database.reading() as session:
        numbers = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT i FROM n")
        streamed = await session.stream(numbers)

        assert [row[0] async for row in streamed] == list(range(1, 2501))


async def test_errors_keep_their_kind_and_the_transaction_is_rolled_back(database: Database) -> None:
    async def run(*statements: str) -> None:
        async with database.transaction() as session:
            for statement in statements:
                await session.execute(text(statement))

    with pytest.raises(IntegrityError):
        await run("INSERT INTO words (word) VALUES ('eins')", "INSERT INTO words (word) VALUES ('eins')")
    with pytest.raises(OperationalError):
        await run("INSERT INTO words (word) VALUES ('eins')", "SELECT nothing FROM nowhere")

    async with database.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM words")) == 0


async def test_a_cancelled_statement_leaves_nothing_behind(database: Database) -> None:
    started = asyncio.Event()

    async def insert_and_take_long() -> None:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO words (word) VALUES ('eins')"))
            started.set()
            await session.execute(text(SLOW))

    task = asyncio.create_task(insert_and_take_long())
    await started.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM words")) == 0
        await session.execute(text("INSERT INTO words (word) VALUES ('eins')"))
