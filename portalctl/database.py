"""The services' databases as the command line reaches them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database


async def create_missing(url: str) -> None:
    """Make a PostgreSQL database that is not there yet, where the role may; SQLite files make themselves."""
    if not url.startswith("postgresql"):
        return
    name = urlsplit(url).path.lstrip("/")
    plain = url.replace("+asyncpg", "")
    try:
        connection = await asyncpg.connect(plain)
    except asyncpg.InvalidCatalogNameError:
        connection = await asyncpg.connect(urlunsplit(urlsplit(plain)._replace(path="/postgres")))
        quoted = name.replace('"', '""')
        await connection.execute(f'CREATE DATABASE "{quoted}"')
    await connection.close()


@asynccontextmanager
async def transaction(url: str) -> AsyncIterator[AsyncSession]:
    """One write transaction on a service's database."""
    database = Database(url, pool_size=1)
    try:
        async with database.transaction() as session:
            yield session
    finally:
        await database.close()
