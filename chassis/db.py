"""Databases: engines, transactions, column types. SQLite (WAL, full sync) and PostgreSQL behave alike through it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import DateTime, Dialect, MetaData, Numeric, String, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session as PlainSession
from sqlalchemy.types import TypeDecorator, TypeEngine

from chassis.sqlite import OneVisit
from chassis.tenancy import TenantSession

NAMING = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}

OpenSession = Callable[[], AbstractAsyncContextManager[AsyncSession]]
"""Opens a session whose transaction is committed at the end of the block."""


def new_metadata() -> MetaData:
    """Metadata with this project's constraint names."""
    return MetaData(naming_convention=NAMING)


def utc_now() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


class Utc(TypeDecorator[datetime]):
    """A point in time; aware on both sides, UTC in the store."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses naive times: nobody knows what they mean."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite hands naive times back: they are UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """Two decimal places, exact: NUMERIC in PostgreSQL, text in SQLite (whose NUMERIC is a float)."""

    impl = Numeric(14, 2)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text where the database has no exact decimals."""
        return dialect.type_descriptor(String(20) if dialect.name == "sqlite" else Numeric(14, 2))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Exactly two places, never rounded silently."""
        if value is None:
            return None
        exact = value.quantize(Decimal("0.01"))
        if exact != value:
            raise ValueError("more than two decimal places")
        return str(exact) if dialect.name == "sqlite" else exact

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Always a Decimal."""
        return None if value is None else Decimal(value)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long PostgreSQL lets us keep others waiting."""

    statement: timedelta = timedelta(seconds=30)
    lock: timedelta = timedelta(seconds=10)

    def settings(self) -> dict[str, str]:
        """As the server takes them, in milliseconds."""
        return {
            "statement_timeout": str(int(self.statement.total_seconds() * 1000)),
            "lock_timeout": str(int(self.lock.total_seconds() * 1000)),
            "idle_in_transaction_session_timeout": "60000",
        }


class Database:
    """One service's database: read sessions, and write transactions that are committed as a whole."""

    def __init__(self, url: str, *, pool_size: int = 10, limits: Limits | None = None) -> None:
        """``url`` is ``sqlite+aiosqlite:///...`` or ``postgresql+asyncpg://...``."""
        self.is_sqlite = url.startswith("sqlite")
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": 10}
        if self.is_sqlite:
            options["module"] = OneVisit()
        else:
            options |= {"pool_pre_ping": True, "connect_args": {"server_settings": (limits or Limits()).settings()}}
        self.engine = create_async_engine(url, **options)
        self._changed: list[Callable[[], None]] = []
        self._writing = asyncio.Lock()
        self._writer: asyncio.Task[Any] | None = None
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        writing = self.engine.execution_options(begin="IMMEDIATE")
        kind = PlainSession if self.is_sqlite else TenantSession
        self._read = async_sessionmaker(self.engine, expire_on_commit=False, sync_session_class=kind)
        self._write = async_sessionmaker(writing, expire_on_commit=False, sync_session_class=kind)

    def on_emitted(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` after each commit that wrote to the outbox."""
        self._changed.append(wake)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A write transaction: committed at the end, rolled back on any error.

        SQLite has one writer: here they queue fairly instead of polling the file's lock. A second write transaction
        inside the first would wait for itself, so it is refused.
        """
        if not self.is_sqlite:
            async with self._write.begin() as session:
                yield session
            self._wake(session)
            return
        if self._writer is asyncio.current_task():
            raise RuntimeError("a write transaction inside a write transaction")
        async with self._writing:
            self._writer = asyncio.current_task()
            try:
                async with self._write.begin() as session:
                    yield session
            finally:
                self._writer = None
        self._wake(session)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session for reading only, in one snapshot where the database has them."""
        async with self._read() as session:
            yield session

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()

    def _wake(self, session: AsyncSession) -> None:
        if session.info.pop("emitted", False):
            for wake in self._changed:
                wake()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    raw: Any = connection.connection.dbapi_connection
    raw.begin(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")


async def insert_new(session: AsyncSession, table: Any, **values: Any) -> bool:
    """Insert a row unless one with its key exists; true when it was new. One statement, no race."""
    if session.new or session.dirty or session.deleted:
        await session.flush()
    result: Any = await session.execute(_insert_or_nothing(table, session.get_bind().dialect.name), values)
    return bool(result.rowcount == 1)


@cache
def _insert_or_nothing(table: Any, dialect_name: str) -> Any:
    """Built once: building a statement with its values costs more than SQLite needs to run it."""
    dialect = sqlite if dialect_name == "sqlite" else postgresql
    return dialect.insert(table.__table__).on_conflict_do_nothing()


async def add_up(session: AsyncSession, table: Any, key: dict[str, Any], counter: str, **newest: Any) -> None:
    """Add one to the counter of the row with this key, and write what is newest beside it. One statement, no race."""
    upsert = _insert_or_add(table, session.get_bind().dialect.name, tuple(key), counter, tuple(newest))
    await session.execute(upsert, {**key, counter: 1, **newest})


@cache
def _insert_or_add(table: Any, dialect_name: str, key: tuple[str, ...], counter: str, newest: tuple[str, ...]) -> Any:
    first: Any = (sqlite if dialect_name == "sqlite" else postgresql).insert(table.__table__)
    one_more = {counter: table.__table__.c[counter] + 1, **{name: first.excluded[name] for name in newest}}
    return first.on_conflict_do_update(index_elements=list(key), set_=one_more)


async def _session(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.database.transaction() as session:
        yield session


async def _read_session(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.database.reading() as session:
        yield session


async def _open_session(request: Request) -> OpenSession:
    opener: OpenSession = request.app.state.database.transaction
    return opener


# scope="function": the commit happens before the answer leaves, so a failing commit is an error the client sees
Session = Annotated[AsyncSession, Depends(_session, scope="function")]
"""One write transaction per request."""
ReadSession = Annotated[AsyncSession, Depends(_read_session, scope="function")]
"""For GET: sees committed data, writes nothing."""
Transactions = Annotated[OpenSession, Depends(_open_session)]
"""For endpoints that need several transactions, such as counters that survive a refused request."""
