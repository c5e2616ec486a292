"""Real parts: PostgreSQL (one per worker), nats-server, and a fresh migrated database for each test on both kinds."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from chassis.testing import NatsServer, fresh_database, nats_server, postgres_server
from tests.portal import Portal, running_portal

NewDatabase = Callable[[str], Awaitable[str]]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> NewDatabase:
    """Makes a migrated database of a service; each test runs on SQLite and on PostgreSQL."""
    base = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None

    async def make(service: str) -> str:
        return await fresh_database(service, base, tmp_path)

    return make


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The whole portal with its supervisor, empty at first, one per worker; attach through ``portal.run``."""
    with running_portal(tmp_path_factory.mktemp("portal"), GATEWAY_REQUESTS_PER_WINDOW="50000") as started:
        yield started
