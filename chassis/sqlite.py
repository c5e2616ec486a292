"""SQLite without needless waiting: a statement visits its connection's thread once.

SQLAlchemy's own adapter goes there four times (make a cursor, execute, fetch, close), once more to begin, and after
each transaction to roll back what has ended. Each visit wakes two threads that want the same lock; with some twenty
statements in a transaction that costs more than SQLite's own work.
"""

# ruff: noqa: SLF001  # an adapter of the adapter: it works on what SQLAlchemy and aiosqlite keep to themselves

import sqlite3
from collections import deque
from typing import Any

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """Has all rows and everything else about the statement when `execute` returns; nothing is left to close."""

    __slots__ = ("_description", "_last_row_id", "_row_count")

    _adapt_connection: "Connection"

    def __init__(self, adapt_connection: Any) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._rows = deque()
        self._description: Any = None
        self._row_count = -1
        self._last_row_id = 0

    @property
    def description(self) -> Any:
        """Of the columns, or None."""
        return self._description

    @property
    def rowcount(self) -> int:
        """Rows that were changed."""
        return self._row_count

    @property
    def lastrowid(self) -> int:
        """Of the row inserted last."""
        return self._last_row_id

    async def _async_soft_close(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Forget the rows."""
        self._rows.clear()

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        async with self._adapt_connection._execute_mutex:
            given = () if parameters is None else (parameters,)
            begin = self._adapt_connection.take_begin()
            await self._connection._execute(self._visit, begin, "execute", operation, *given)

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        async with self._adapt_connection._execute_mutex:
            begin = self._adapt_connection.take_begin()
            await self._connection._execute(self._visit, begin, "executemany", operation, seq_of_parameters)

    def _visit(self, begin: str, how: str, *arguments: Any) -> None:
        """In the connection's thread."""
        cursor = self._connection._conn.cursor()
        try:
            if begin:
                cursor.execute(begin)
            getattr(cursor, how)(*arguments)
            self._description = cursor.description
            self._row_count = cursor.rowcount
            self._last_row_id = cursor.lastrowid
            self._rows = deque(cursor.fetchall() if cursor.description else ())
        finally:
            cursor.close()


class Connection(AsyncAdapt_aiosqlite_connection):
    """Begins with its first statement; what was never begun, or has ended, is not ended again."""

    __slots__ = ("_begin",)

    _cursor_cls = _Cursor

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self._begin = ""

    def begin(self, words: str) -> None:
        """Such as ``BEGIN IMMEDIATE``, said right before the next statement."""
        self._begin = words

    def take_begin(self) -> str:
        """What is still to be said; empty when it was."""
        words, self._begin = self._begin, ""
        return words

    def cursor(self, server_side: bool = False) -> Any:
        """One that streams goes its own way to the thread."""
        if server_side and (begin := self.take_begin()):
            super().cursor().execute(begin)
        return super().cursor(server_side)

    def commit(self) -> None:
        """Nothing to do where nothing was asked."""
        if self._is_open():
            super().commit()

    def rollback(self) -> None:
        """SQLAlchemy's sessions do it twice: at their end, and when the connection goes back to the pool."""
        if self._is_open():
            super().rollback()

    def _is_open(self) -> bool:
        self._begin = ""
        raw = self._connection._connection
        return raw is not None and raw.in_transaction


class OneVisit(AsyncAdapt_aiosqlite_dbapi):
    """The ``module`` for `create_async_engine`."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *arg: Any, **kw: Any) -> AsyncAdapt_aiosqlite_connection:
        """As the original, with our cursors."""
        return Connection(self, super().connect(*arg, **kw)._connection)
