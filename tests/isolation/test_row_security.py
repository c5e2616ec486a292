"""The second wall (security.md, rule 3): PostgreSQL shows nothing foreign, even where the code forgot to ask.

The filter is broken for every query at once: whatever the code takes for the caller's customer is another one.
"""

import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.db import Database
from chassis.identity import Identity
from chassis.tenancy import NOBODY, Tenant, acting_for, as_system
from chassis.testing import calling, fresh_database, person
from portalctl.home import SERVICES
from services.contacts.main import create_with as create_contacts
from services.contacts.settings import Settings as ContactsSettings
from services.contracts.main import create_with as create_contracts
from services.contracts.settings import Settings as ContractsSettings
from services.documents.main import create_with as create_documents
from services.documents.models import Document, File
from services.documents.settings import Settings as DocumentsSettings
from services.metrics.main import create_with as create_metrics
from services.metrics.settings import Settings as MetricsSettings
from services.users.main import create_with as create_users
from services.users.settings import Settings as UsersSettings
from tests.conftest import NewDatabase
from tests.contacts.conftest import Portal as Contacts
from tests.contracts.conftest import Portal as Contracts
from tests.documents.conftest import Portal as Documents
from tests.metrics.conftest import Metrics
from tests.users.company import a_customer, a_row

CANARY = "Kanarienvogel"
DELIVERY = {"outbox", "inbox", "failed_events", "idempotency_keys", "alembic_version"}
OF_NOBODY = {
    # A person's, before it is known for which customer somebody signs in.
    "auth": {"accounts", "counters", "devices", "recovery_codes", "tickets", "totp_factors", "mail_outbox"},
    # Names of objects that are to be removed.
    "documents": {"drive_doomed_objects"},
}
"""Tables without row-level security, beside those with which every service delivers its events."""

Filled = tuple[FastAPI, UUID, list[str]]


async def documents(url: str, folder: Any) -> Filled:
    app = create_documents(DocumentsSettings(database_url=url, storage_url=f"file:{folder}"))
    portal = Documents(app)
    customer_id = await portal.customer()
    assert await portal.invoice(f"RE-{CANARY}") == "handled"
    return app, customer_id, ["/documents", f"/documents?q={CANARY}"]


async def contracts(url: str, _folder: Any) -> Filled:
    app = create_contracts(ContractsSettings(database_url=url))
    portal = Contracts(app)
    customer_id = await portal.customer()
    assert await portal.contract(name=CANARY) == "handled"
    return app, customer_id, ["/contracts", f"/contracts?q={CANARY}"]


async def contacts(url: str, _folder: Any) -> Filled:
    app = create_contacts(ContactsSettings(database_url=url))
    portal = Contacts(app)
    customer_id = await portal.customer()
    assert await portal.contact(family_name=CANARY) == "handled"
    return app, customer_id, ["/contacts", "/contacts.csv"]


async def metrics(url: str, _folder: Any) -> Filled:
    app = create_metrics(MetricsSettings(database_url=url))
    portal = Metrics(app)
    customer_id, _line = await portal.ready(name=CANARY)
    return app, customer_id, ["/metrics/lines"]


async def users(url: str, _folder: Any) -> Filled:
    app = create_users(UsersSettings(database_url=url))
    customer_id = await a_customer(app)
    await a_row(app, customer_id, "anna@kunde.example", family_name=CANARY)
    return app, UUID(customer_id), ["/users"]


Fill = Callable[[str, Any], Awaitable[Filled]]


@pytest.mark.parametrize("fill", [documents, contracts, contacts, metrics, users])
async def test_a_forgotten_filter_shows_nothing_foreign(
    fill: Fill, new_database: NewDatabase, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await new_database(fill.__name__)
    app, victim, paths = await fill(url, tmp_path)
    monkeypatch.setattr(Identity, "customer_id", property(lambda _self: victim))

    async with calling(app, person(cust=str(uuid4()))) as stranger:
        answers = [await stranger.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [200] * len(paths)

    # Without the wall the broken filter shows it: otherwise this test would prove nothing.
    assert [CANARY in answer.text for answer in answers] == [url.startswith("sqlite")] * len(paths)
    async with calling(app, person(cust=str(victim))) as owner:
        assert CANARY in (await owner.get(paths[0])).text
    await app.state.database.close()


@pytest.fixture
async def filed(postgres_url: str, tmp_path: Any) -> AsyncIterator[tuple[Database, UUID]]:
    """A database of `documents` with one invoice; its customer."""
    app, customer_id, _ = await documents(await fresh_database("documents", postgres_url, tmp_path), tmp_path)
    yield app.state.database, customer_id
    await app.state.database.close()


async def count_of(database: Database, tenant: Tenant) -> tuple[int, int]:
    with acting_for(tenant):
        async with database.reading() as session:
            return len((await session.scalars(select(Document))).all()), len(
                (await session.scalars(select(File))).all()
            )


async def test_who_names_nobody_sees_nothing(filed: tuple[Database, UUID]) -> None:
    database, customer_id = filed

    assert await count_of(database, NOBODY) == (0, 0)
    assert await count_of(database, Tenant(str(uuid4()))) == (0, 0)
    assert await count_of(database, Tenant(str(customer_id))) == (1, 1)
    assert await count_of(database, Tenant("operator")) == (1, 1)
    with acting_for(NOBODY):
        async with database.reading() as session:
            await as_system(session)
            assert (await session.scalars(select(Document))).all()
        # What one transaction was told, the next one on the same connection does not know.
        assert await count_of(database, NOBODY) == (0, 0)


async def test_nothing_is_written_for_another_customer(filed: tuple[Database, UUID]) -> None:
    database, customer_id = filed
    foreign = text("INSERT INTO drives (customer_id, used_bytes, reserved_bytes) VALUES (:customer_id, 0, 0)")

    with acting_for(Tenant(str(uuid4()))), pytest.raises(DBAPIError, match="row-level security"):
        async with database.transaction() as session:
            await session.execute(foreign, {"customer_id": customer_id})
    with acting_for(Tenant(str(customer_id))):
        async with database.transaction() as session:
            await session.execute(foreign, {"customer_id": customer_id})


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_is_behind_the_wall(service: str, postgres_url: str, tmp_path: Any) -> None:
    """A new table without a policy fails here, until somebody says whose it is."""
    importlib.import_module(f"services.{service}.models")
    engine = create_async_engine(await fresh_database(service, postgres_url, tmp_path))
    async with engine.connect() as connection:
        tables = await connection.execute(
            text(
                "SELECT relname, relrowsecurity AND relforcerowsecurity"
                " AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid) FROM pg_class"
                " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            )
        )
        walled = {name: safe for name, safe in tables}  # noqa: C416  # rows are no pairs to mypy
        role = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        assert not await connection.scalar(text(role))
        owned = await connection.scalar(text("SELECT count(*) FROM pg_tables WHERE tableowner = current_user"))
    await engine.dispose()

    assert {name for name, safe in walled.items() if not safe} == DELIVERY | OF_NOBODY.get(service, set())
    assert owned == 0
