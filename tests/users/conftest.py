"""A `users` without broker: requests through ASGI, on each kind of database; a real mail server beside it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI

from services.users.main import create_with
from services.users.settings import Settings
from tests.mailbox import Mailbox, mailbox
from tests.users.mailing import Office

__all__ = ["mailbox"]


@pytest.fixture
async def app(new_database: Any) -> AsyncIterator[FastAPI]:
    app = create_with(Settings(database_url=await new_database("users")))
    yield app
    await app.state.database.close()


@pytest.fixture
async def make_office(
    new_database: Callable[[str], Awaitable[str]], mailbox: Mailbox
) -> AsyncIterator[Callable[..., Awaitable[Office]]]:
    made: list[Office] = []

    async def make(**changes: Any) -> Office:
        usual = {"smtp_port": mailbox.port, "mail_retry_delays_seconds": (30, 60)}
        settings = Settings(database_url=await new_database("users"), **usual | changes)
        made.append(Office(create_with(settings), mailbox))
        return made[-1]

    yield make
    for office in made:
        await office.database.close()


@pytest.fixture
async def office(make_office: Callable[..., Awaitable[Office]]) -> Office:
    return await make_office()
