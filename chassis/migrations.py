"""Alembic for every service, without an ini file: a service has a folder ``migrations/`` with numbered revisions.

Migrations keep the running version working: add first, remove two releases later.
"""

from collections.abc import Mapping
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

_NAMED = "current_setting('portal.tenant', true)"
CUSTOMER = f"(SELECT CASE WHEN length({_NAMED}) = 36 THEN {_NAMED}::uuid END)"
"""SQL: the customer for whom the transaction works, or NULL; asked once per statement."""
PERSON = "(SELECT nullif(current_setting('portal.person', true), '')::uuid)"
"""SQL: who is signed in, or NULL."""
OWN = f"customer_id = {CUSTOMER}"
"""Whose customer is in the row itself."""
STAFF = "false"
"""Nobody's but the operator's and the system's."""


async def migrate(service: str, database_url: str, *, serving: str | None = None) -> str:
    """Bring a service's database to the newest revision; returns its name. Safe to run by several at once.

    ``serving`` is the PostgreSQL role as which the service works, where that is not the owner who migrates: it may
    read and write rows and nothing else.
    """
    if database_url.startswith("sqlite"):
        Path(database_url.split("///", 1)[1]).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(database_url)
    try:
        async with engine.begin() as connection:
            revision = await connection.run_sync(_upgrade, service)
            if serving and connection.dialect.name == "postgresql":
                await connection.run_sync(let_serve, serving)
            return revision
    finally:
        await engine.dispose()


def let_serve(connection: Connection, role: str) -> None:
    """The role may work on the rows of all tables there are."""
    quoted = connection.dialect.identifier_preparer.quote(role)
    rights = [
        "USAGE ON SCHEMA public",
        "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public",
        "USAGE ON ALL SEQUENCES IN SCHEMA public",
    ]
    # A service's partitions are reached through their table only, whose policy then counts.
    if connection.exec_driver_sql("SELECT 1 FROM pg_namespace WHERE nspname = 'partitions'").first():
        rights += ["USAGE ON SCHEMA partitions", "EXECUTE ON ALL FUNCTIONS IN SCHEMA partitions"]
    for right in rights:
        connection.exec_driver_sql(f"GRANT {right} TO {quoted}")


def protect_rows(tables: Mapping[str, str]) -> None:
    """On PostgreSQL: force row-level security on these tables, each with the SQL by which a row is the tenant's own.

    The operator and the system see all; whoever has named nobody (`chassis.tenancy`) sees and writes nothing, and
    neither does the owner of the table.
    """
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, own in tables.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        everybody = f"(SELECT {_NAMED} IN ('operator', 'system'))"
        op.execute(f"CREATE POLICY tenant ON {table} USING ({everybody} OR coalesce({own}, false))")


def own_with(column: str, parent: str, key: str = "id") -> str:
    """SQL: the row belongs to a row of another table, and is whose that is."""
    return f"{column} IN (SELECT {key} FROM {parent})"  # noqa: S608  # names from a migration


def _upgrade(connection: Connection, service: str) -> str:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})")
        connection.exec_driver_sql("SELECT set_config('portal.tenant', 'system', true)")
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_ROOT / "chassis" / "migration_env"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(_ROOT / "services" / service / "migrations"))
    command.upgrade(config, "head")
    return ScriptDirectory.from_config(config).get_current_head() or "base"


def index_inbox_age() -> None:
    """Old inbox rows are found by their age, so that they can go."""
    op.create_index("inbox_handled_at_idx", "inbox", ["handled_at"])


def create_delivery_tables() -> None:
    """For a service's first revision: outbox, inbox, failed_events, idempotency_keys; later `index_inbox_age`."""
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
