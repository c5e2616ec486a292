"""`portalctl check` and the start of a process: one sentence that says what is wrong and what to do."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from moto.server import ThreadedMotoServer

from chassis.bus import connected_bus
from chassis.testing import NatsServer, free_port, fresh_database, owner_of
from portalctl import checks
from services.contacts.settings import Settings as ContactsSettings
from services.documents.settings import Settings as DocumentsSettings
from services.users.settings import Settings as UsersSettings
from tests.portal import Portal

SAFE = {"production": True, "public_url": "https://portal.example", "nats_user": "u", "nats_password": "p"}


def test_in_a_running_portal_all_is_well(portal: Portal) -> None:
    done = portal.command("check", "--json", check=False)

    findings = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one for one in findings if not one["ok"]] == []
    assert done.returncode == 0
    about = {(one["of"], one["about"]) for one in findings}
    assert {
        ("documents", "store"),
        ("auth", "mail server"),
        ("gateway", "signing key"),
        ("portalctl", "streams"),
    } < about


@pytest.mark.parametrize(
    ("version", "payload", "said"),
    [
        ((2, 12, 0), 8 * 1024**2, ""),
        ((3, 0, 0), 64 * 1024**2, ""),
        ((2, 9, 25), 8 * 1024**2, "nats-server 2.9.25 is too old: install 2.12.0 or newer"),
        ((2, 15, 0), 1024**2, "max_payload is 1048576 bytes: set `max_payload: 8MB`"),
    ],
)
def test_a_broker_must_be_new_enough_and_take_an_invoice(
    version: tuple[int, int, int], payload: int, said: str
) -> None:
    wrong = checks.broker_wrong(version, payload)

    assert wrong.startswith(said) if said else wrong == ""


@pytest.mark.parametrize(("apart", "is_wrong"), [(0, False), (4, False), (-4, False), (6, True), (-90_000, True)])
def test_clocks_that_disagree_are_said(apart: int, is_wrong: bool) -> None:
    now = datetime.now(UTC)

    assert bool(checks.skew_wrong(now + timedelta(seconds=apart), now)) is is_wrong


async def test_a_database_is_asked_for_its_revision_and_its_role(postgres_url: str, tmp_path: Path) -> None:
    url = await fresh_database("contacts", postgres_url, tmp_path)
    empty = await fresh_database("contacts", postgres_url, tmp_path)
    bare = await asyncpg.connect(owner_of(empty).replace("+asyncpg", ""))
    await bare.execute("DROP TABLE alembic_version")
    await bare.close()
    old = await fresh_database("contacts", postgres_url, tmp_path)
    aged = await asyncpg.connect(owner_of(old).replace("+asyncpg", ""))
    await aged.execute("UPDATE alembic_version SET version_num = '0000'")
    await aged.close()
    nobody = f"postgresql+asyncpg://contacts@127.0.0.1:{free_port()}/contacts"

    said = {
        name: await checks.database("contacts", ContactsSettings(database_url=one))
        for name, one in {"good": url, "empty": empty, "old": old, "away": nobody}.items()
    }
    superuser = await checks.database("contacts", ContactsSettings(database_url=owner_of(url), **SAFE))
    safe = await checks.database("contacts", ContactsSettings(database_url=url, **SAFE))

    assert said["good"] == ""
    assert said["empty"] == "it is empty: run `portalctl migrate contacts`"
    assert "run `portalctl migrate contacts`" in said["old"]
    assert "check CONTACTS_DATABASE_URL" in said["away"]
    assert superuser.startswith("its role is a superuser")
    assert safe == ""
    lite = ContactsSettings(database_url=f"sqlite+aiosqlite:///{tmp_path / 'x.db'}", **SAFE)
    assert "production needs PostgreSQL" in await checks.database("contacts", lite)


async def test_what_apply_would_make_is_named(nats: NatsServer) -> None:
    bus = await connected_bus("portalctl", nats.url)
    before = await checks.streams(bus)
    await bus.apply()
    after = await checks.streams(bus)
    await bus._stream_api().delete_consumer("BILLING", "documents")
    later = await checks.streams(bus)
    await bus.close()

    assert "stream BILLING" in before and "portalctl nats apply" in before  # noqa: PT018
    assert after == ""
    assert later == "missing or other than declared: consumer documents on BILLING; run `portalctl nats apply`"


@pytest.fixture
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


async def test_a_store_is_probed_and_left_as_it_was(s3: str, tmp_path: Path) -> None:
    def settings(url: str) -> DocumentsSettings:
        return DocumentsSettings(storage_url=url, storage_access_key="a", storage_secret_key="b")

    good = settings(f"s3://probe?endpoint={s3}&region=x")
    without_bucket = await checks.storage(good)
    made = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "portalctl.main", "storage", "apply"],
        env=os.environ
        | {"DOCUMENTS_STORAGE_URL": good.storage_url}
        | {"DOCUMENTS_STORAGE_ACCESS_KEY": "a", "DOCUMENTS_STORAGE_SECRET_KEY": "b", "PORTAL_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "run `portalctl storage apply`" in without_bucket
    assert (made.returncode, made.stdout) == (0, "s3://probe: made\n"), made.stderr
    assert await checks.storage(good) == ""
    away = await checks.storage(settings(f"s3://probe?endpoint=http://127.0.0.1:{free_port()}&region=x"))
    assert "check DOCUMENTS_STORAGE_*" in away
    assert await checks.storage(settings(f"file:{tmp_path / 'objects'}")) == ""
    assert [file for file in (tmp_path / "objects").rglob("*") if file.is_file()] == []


async def test_a_mail_server_that_is_not_there_is_said_without_the_password(tmp_path: Path) -> None:
    settings = UsersSettings(smtp_port=free_port(), smtp_user="portal", smtp_password="streng-geheim")

    wrong = await checks.mail_server(settings)

    assert wrong.startswith("127.0.0.1:")
    assert "streng-geheim" not in wrong


@pytest.mark.parametrize(
    ("service", "environment", "said"),
    [
        ("auth", {"AUTH_SECRET_KEY": ""}, "AUTH_SECRET_KEY: secret_key must be the base64 of 32 bytes"),
        ("auth", {"AUTH_SMTP_TLS": "true"}, "production needs a secret_key of its own"),
        ("users", {}, "production needs smtp_tls (STARTTLS)"),
        ("contacts", {"CONTACTS_NATS_PASSWORD": ""}, "production needs nats_user and nats_password"),
        ("contracts", {"CONTRACTS_PUBLIC_URL": "http://portal.example"}, "production needs an https public_url"),
        (
            "documents",
            {"DOCUMENTS_STORAGE_URL": "s3://b?endpoint=https://s3.example"},
            "production needs storage_access",
        ),
        ("gateway", {"GATEWAY_WEATHER": "demo"}, "production refuses made-up weather"),
        ("metrics", {"METRICS_PORT": "streng-geheim"}, "METRICS_PORT: Input should be a valid integer"),
    ],
)
def test_a_process_with_an_unsafe_setting_ends_at_once_with_one_sentence(
    service: str, environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    name = service.upper()
    usual = {"PRODUCTION": "1", "PUBLIC_URL": "https://portal.example", "NATS_USER": "u", "NATS_PASSWORD": "p"}
    told = {f"{name}_{key}": value for key, value in usual.items()} | environment | {"PORTAL_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "portalctl.main", "serve", service],
        env=os.environ | told,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert "streng-geheim" not in done.stderr
