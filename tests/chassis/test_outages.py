"""What is an outage, for which the consumer waits, and what is the event's own failure."""

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from chassis.consumer import DependencyDown, is_outage

OUTAGES = [
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    asyncpg.AdminShutdownError("terminating connection due to administrator command"),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    ConnectionRefusedError(111, "refused"),
    DependencyDown("object store"),
]
FAILURES = [
    asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    asyncpg.UniqueViolationError("duplicate key value"),
    asyncpg.UndefinedTableError("relation does not exist"),
    ValueError("a bug"),
]


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_dependency_that_is_down_is_an_outage(error: Exception, wrapped: bool) -> None:
    assert is_outage(
        DBAPIError("SELECT 1", None, error) if wrapped and isinstance(error, asyncpg.PostgresError) else error
    )


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("wrapped", [False, True])
def test_an_error_of_the_handler_is_none(error: Exception, wrapped: bool) -> None:
    assert not is_outage(DBAPIError("SELECT 1", None, error) if wrapped else error)
