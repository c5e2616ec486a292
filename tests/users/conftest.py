"""A `users` without broker: requests through ASGI, on each kind of database."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI

from services.users.main import create_with
from services.users.settings import Settings


@pytest.fixture
async def app(new_database: Any) -> AsyncIterator[FastAPI]:
    app = create_with(Settings(database_url=await new_database("users")))
    yield app
    await app.state.database.close()
