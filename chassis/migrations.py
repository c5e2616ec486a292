"""Alembic for every service, without an ini file: a service has a folder ``migrations/`` with numbered revisions.

Migrations keep the running version working: add first, remove two releases later.
"""

from pathlib import Path

from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.db import Utc

_ROOT = Path(__file__).parent.parent
_ONE_AT_A_TIME = 7_201_026  # any number: the advisory lock of migrations


async def migrate(service: str, database_url: str) -> str:
    """Bring a service's database to the newest revision; returns its name. Safe to run by several at once."""
    if database_url.startswith("sqlite"):
        Path(database_url.split("///", 1)[1]).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(database_url)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(_upgrade, service)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, service: str) -> str:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})")
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_ROOT / "chassis" / "migration_env"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(_ROOT / "services" / service / "migrations"))
    command.upgrade(config, "head")
    return ScriptDirectory.from_config(config).get_current_head() or "base"


def create_delivery_tables() -> None:
    """For a service's first revision: outbox, inbox, failed_events, idempotency_keys."""
    position = BigInteger().with_variant(Integer, "sqlite")
    op.create_table(
        "outbox",
        Column("position", position, autoincrement=True, nullable=False),
        Column("subject", String(200), nullable=False),
        Column("headers", JSON, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("created_at", Utc, nullable=False),
        Column("published_at", Utc, nullable=True),
        PrimaryKeyConstraint("position", name="outbox_pkey"),
        sqlite_autoincrement=True,
    )
    unpublished = text("published_at IS NULL")
    op.create_index(
        "outbox_unpublished_idx", "outbox", ["position"], sqlite_where=unpublished, postgresql_where=unpublished
    )
    op.create_table(
        "inbox",
        Column("source", String(256), nullable=False),
        Column("event_id", String(256), nullable=False),
        Column("subject", String(200), nullable=False),
        Column("handled_at", Utc, nullable=False),
        PrimaryKeyConstraint("source", "event_id", name="inbox_pkey"),
    )
    op.create_table(
        "failed_events",
        Column("id", position, autoincrement=True, nullable=False),
        Column("delivery", String(300), nullable=False),
        Column("subject", String(200), nullable=False),
        Column("headers", JSON, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("state", String(10), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("reason", String(64), nullable=False),
        Column("detail", String(2000), nullable=False),
        Column("received_at", Utc, nullable=False),
        Column("next_try_at", Utc, nullable=True),
        PrimaryKeyConstraint("id", name="failed_events_pkey"),
        UniqueConstraint("delivery", name="failed_events_delivery_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("failed_events_state_next_try_at_idx", "failed_events", ["state", "next_try_at"])
    op.create_table(
        "idempotency_keys",
        Column("principal", String(200), nullable=False),
        Column("route", String(200), nullable=False),
        Column("key", String(200), nullable=False),
        Column("body_sha256", String(64), nullable=False),
        Column("status", Integer, nullable=False),
        Column("answer", LargeBinary, nullable=False),
        Column("created_at", Utc, nullable=False),
        PrimaryKeyConstraint("principal", "route", "key", name="idempotency_keys_pkey"),
    )
