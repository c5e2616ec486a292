"""Each service's migrations build exactly the tables of its models, on both databases."""

import importlib
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine

import chassis.idempotency
import chassis.inbox
from chassis.migrations import migrate
from chassis.outbox import DeliveryBase
from tests.architecture.conftest import ROOT, tracked

WITH_TABLES = sorted(
    {path.relative_to(ROOT).parts[1] for path in tracked("services/*/models.py", "services/*/models/__init__.py")}
)
_LOADED = (chassis.idempotency, chassis.inbox)


def difference(connection: Connection, service: str) -> list[Any]:
    module = importlib.import_module(f"services.{service}.models")
    both = MetaData(naming_convention=module.Base.metadata.naming_convention)
    for metadata in (DeliveryBase.metadata, module.Base.metadata):
        for table in metadata.tables.values():
            table.to_metadata(both)
    options = {
        "compare_type": True,
        "include_object": lambda _o, name, kind, *_: not (kind == "table" and name == "alembic_version"),
    }
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, both))


@pytest.mark.parametrize("service", WITH_TABLES)
async def test_models_and_migrations_agree(service: str, new_database: Any) -> None:
    engine = create_async_engine(await new_database(service))
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(difference, service) == []
    finally:
        await engine.dispose()


@pytest.mark.parametrize("service", WITH_TABLES)
async def test_migrating_twice_changes_nothing(service: str, new_database: Any) -> None:
    url = await new_database(service)

    assert await migrate(service, url) == await migrate(service, url)
