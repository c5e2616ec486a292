"""The adapter that visits SQLite's thread once per statement answers as the original one does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiosqlite
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


async def test_one_visit_for_each_statement_and_one_for_the_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits: list[str] = []
    execute = aiosqlite.Connection._execute

    async def counted(connection: aiosqlite.Connection, function: Any, *given: Any, **named: Any) -> Any:
        visits.append(function.__name__)
        return await execute(connection, function, *given, **named)

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    async with database.reading() as session:
        await session.execute(text("SELECT count(*) FROM words"))
        await session.execute(text("SELECT max(word) FROM words"))
    assert visits == ["_visit", "_visit", "rollback"]

    visits.clear()
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO words (word) VALUES ('eins')"))
    assert visits == ["_visit", "commit"]

    visits.clear()
    async with database.transaction():
        pass
    assert visits == []


async def test_a_write_transaction_holds_the_file_from_its_first_question_on(
    database: Database, tmp_path: Path
) -> None:
    async with database.transaction() as session:
        await session.execute(text("SELECT count(*) FROM words"))
        async with aiosqlite.connect(tmp_path / "test.db", timeout=0) as other:
            with pytest.raises(aiosqlite.OperationalError, match="locked"):
                await other.execute("INSERT INTO words (word) VALUES ('zwei')")


async def test_two_questions_of_a_reader_see_the_same(database: Database) -> None:
    async with database.reading() as session:
        before = await session.scalar(text("SELECT count(*) FROM words"))
        async with database.transaction() as other:
            await other.execute(text("INSERT INTO words (word) VALUES ('eins')"))
        assert (before, await session.scalar(text("SELECT count(*) FROM words"))) == (0, 0)


async def test_a_stream_is_part_of_its_transaction(database: Database) -> None:
    async with database.reading() as session:
        first = await session.stream(text("SELECT count(*) FROM words"))
        before = (await first.one())[0]
        async with database.transaction() as other:
            await other.execute(text("INSERT INTO words (word) VALUES ('eins')"))
        assert (before, await session.scalar(text("SELECT count(*) FROM words"))) == (0, 0)


async def test_what_follows_an_error_is_a_new_transaction(database: Database) -> None:
    async with database.reading() as session:
        with pytest.raises(OperationalError):
            await session.execute(text("SELECT nothing FROM nowhere"))
        await session.rollback()
        await session.execute(text("SELECT 1"))
        assert await session.scalar(text("SELECT count(*) FROM words")) == 0
