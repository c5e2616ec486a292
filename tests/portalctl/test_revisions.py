"""The quick look at a database's revision."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chassis.migrations import migrate
from portalctl.home import SERVICES
from portalctl.supervisor.revisions import is_current, newest_revision


@pytest.mark.parametrize("service", SERVICES)
async def test_it_agrees_with_alembic(service: str, tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'a b#c.db'}"

    assert not is_current(service, url)
    assert await migrate(service, url) == newest_revision(service)
    assert is_current(service, url)


async def test_an_older_revision_is_not_current(tmp_path: Path) -> None:
    file = tmp_path / "users.db"
    await migrate("users", f"sqlite+aiosqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000_before'")

    assert not is_current("users", f"sqlite+aiosqlite:///{file}")


def test_of_another_database_it_says_nothing() -> None:
    assert not is_current("users", "postgresql+asyncpg://u@192.0.2.1/kundenportal_users")
