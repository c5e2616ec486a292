"""What must be there before anything starts: each check says in a sentence what is wrong and what to do, or nothing."""

import asyncio
import hashlib
import secrets
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosmtplib
import asyncpg

from chassis.bus import LOWEST_SERVER, Bus, connected_bus
from chassis.consumer import DependencyDown
from chassis.mail import MailSettings
from chassis.settings import ServiceSettings
from gateway.settings import Settings as GatewaySettings
from gateway.signing import Signer
from portalctl.supervisor.revisions import newest_revision
from services.documents.clamd import Clamd, ScannerDown
from services.documents.settings import Settings as DocumentsSettings
from services.documents.storage import ObjectMissing, Storage, storage_at

ANSWER_SECONDS = 10.0
SKEW_SECONDS = 5.0
FREE_BYTES = 1024**3
OLDEST_POSTGRES = 150_000
LEAST_PAYLOAD = 8 * 1024**2


@dataclass(frozen=True, slots=True)
class Finding:
    """One check; ``wrong`` is empty when all is well."""

    of: str
    about: str
    wrong: str


Check = Callable[[], Awaitable[str]]


async def found(of: str, about: str, check: Check) -> Finding:
    """Run one; whatever it meets becomes a sentence."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS * 3):
            return Finding(of, about, await check())
    except TimeoutError:
        return Finding(of, about, f"no answer within {ANSWER_SECONDS * 3:.0f} s; is the way there open?")
    except Exception as error:
        return Finding(of, about, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")


def version_wrong(name: str, found_version: tuple[int, ...], oldest: tuple[int, ...]) -> str:
    """Empty when it is new enough."""
    if found_version >= oldest:
        return ""
    said, wanted = (".".join(map(str, one)) for one in (found_version, oldest))
    return f"{name} {said} is too old: install {wanted} or newer"


def skew_wrong(theirs: datetime, ours: datetime) -> str:
    """Empty when both clocks agree."""
    apart = abs((theirs - ours).total_seconds())
    if apart <= SKEW_SECONDS:
        return ""
    return f"its clock is {apart:.0f} s from ours: let NTP run on both, or sign-in codes and links will be refused"


async def database(service: str, settings: ServiceSettings) -> str:
    """Reachable, new enough, at the newest revision, with a role that may no more than it must."""
    if settings.database_url.startswith("sqlite"):
        return await asyncio.to_thread(_sqlite, Path(settings.database_url.split("///", 1)[1]), settings)
    try:
        connection = await asyncpg.connect(settings.database_url.replace("+asyncpg", ""), timeout=ANSWER_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        return f"PostgreSQL does not let us in ({error}): check {service.upper()}_DATABASE_URL and that the server runs"
    try:
        return await _postgres(connection, service, settings)
    finally:
        await connection.close()


async def _postgres(connection: Any, service: str, settings: ServiceSettings) -> str:
    number = int(await connection.fetchval("SHOW server_version_num"))
    if number < OLDEST_POSTGRES:
        return version_wrong("PostgreSQL", (number // 10_000,), (OLDEST_POSTGRES // 10_000,))
    if wrong := skew_wrong(await connection.fetchval("SELECT clock_timestamp()"), datetime.now(UTC)):
        return wrong
    role = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    if settings.production and await connection.fetchval(role):
        return "its role is a superuser or bypasses row-level security: give the service a role of its own without both"
    owned = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user)"
    if settings.production and await connection.fetchval(owned):
        setting = f"{service.upper()}_MIGRATION_DATABASE_URL"
        return f"its role owns the tables: let another one migrate ({setting}), and this one only serve"
    if not await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
        return f"it is empty: run `portalctl migrate {service}`"
    revision = await connection.fetchval("SELECT max(version_num) FROM alembic_version")
    wanted = newest_revision(service)
    return (
        "" if revision == wanted else f"it is at revision {revision}, not {wanted}: run `portalctl migrate {service}`"
    )


def _sqlite(file: Path, settings: ServiceSettings) -> str:
    if settings.production:
        return "production needs PostgreSQL: set the database URL to postgresql+asyncpg://..."
    folder = next(one for one in (file.parent, *file.parent.parents) if one.exists())
    free = shutil.disk_usage(folder).free
    return "" if free >= FREE_BYTES else f"only {free // 1024**2} MiB are free in {folder}: make room"


async def broker(settings: ServiceSettings, user: str) -> str:
    """The broker lets us in and is new enough."""
    connecting = connected_bus(
        user, settings.nats_url, user=settings.nats_user, password=settings.nats_password.get_secret_value()
    )
    try:
        bus = await asyncio.wait_for(connecting, ANSWER_SECONDS)
    except TimeoutError:
        name = user.upper()
        return f"no broker lets us in at {settings.nats_url}: check {name}_NATS_URL, _USER and _PASSWORD"
    try:
        return broker_wrong(*bus.server)
    finally:
        await bus.close()


def broker_wrong(version: tuple[int, int, int], max_payload: int) -> str:
    """Of a nats-server with this version and limit."""
    if wrong := version_wrong("nats-server", version, (*LOWEST_SERVER, 0)):
        return wrong
    if max_payload < LEAST_PAYLOAD:
        return f"max_payload is {max_payload} bytes: set `max_payload: 8MB` in its configuration, invoices need it"
    return ""


async def streams(bus: Bus) -> str:
    """Everything that `nats apply` would make is there."""
    missing = await bus.missing()
    return f"missing or other than declared: {', '.join(missing)}; run `portalctl nats apply`" if missing else ""


async def storage(settings: DocumentsSettings) -> str:
    """A probe goes in, comes back in part, grows, and is gone again."""
    secret = settings.storage_secret_key.get_secret_value()
    store = storage_at(settings.storage_url, access_key=settings.storage_access_key, secret_key=secret)
    try:
        return await _probe(store)
    except DependencyDown as down:
        return f"the store does not do it ({down}): check DOCUMENTS_STORAGE_*, and run `portalctl storage apply`"
    except OSError as error:
        return f"the folder cannot be written ({error}): check DOCUMENTS_STORAGE_URL"


async def _probe(store: Storage) -> str:
    content = secrets.token_bytes(64 * 1024)
    name = hashlib.sha256(content).hexdigest()
    await store.put(name, content)
    try:
        part = b"".join([chunk async for chunk in store.open(name, offset=1000, length=2000)])
        if part != content[1000:3000]:
            return "it does not give parts of an object (HTTP Range): downloads cannot resume; use another store"
        about = await store.about(name)
        if about is None or about.size_bytes != len(content):
            return "it does not tell the size of what it keeps: use another store"
        if wrong := skew_wrong(about.stored_at, datetime.now(UTC)):
            return wrong
    finally:
        await store.delete(name, stored_before=datetime.now(UTC) + timedelta(days=1))
    try:
        _ = [chunk async for chunk in store.open(name)]
    except ObjectMissing:
        return ""
    return "what is removed is still there (versioning?): switch it off for this bucket"


async def mail_server(settings: MailSettings) -> str:
    """Greets, speaks TLS where that is wanted, knows our password."""
    server = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_user or None,
        password=settings.smtp_password.get_secret_value() or None,
        start_tls=settings.smtp_tls,
        timeout=ANSWER_SECONDS,
    )
    try:
        await server.connect()
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        where = f"{settings.smtp_host}:{settings.smtp_port}"
        why = " ".join(str(error).split())[:200]
        return f"{where} does not take our mail ({why}): check SMTP_HOST, _PORT, _USER, _PASSWORD, _TLS"
    await server.quit()
    return ""


async def scanner(settings: DocumentsSettings) -> str:
    """It reads a stream and finds nothing in nothing."""
    try:
        async with Clamd(settings.clamd_url, timeout_seconds=ANSWER_SECONDS).scan() as scan:
            await scan.feed(b"portalctl check")
            verdict = await scan.verdict()
    except ScannerDown as down:
        return f"clamd does not answer ({down}): check DOCUMENTS_CLAMD_URL; until it does new files are held back"
    return "" if verdict.state == "clean" else f"it finds {verdict.detail} in plain words: look at its configuration"


async def signing_key(settings: GatewaySettings) -> str:
    """An Ed25519 key that others cannot read."""
    file = settings.signing_key_file
    try:
        await asyncio.to_thread(Signer.from_file, file)
    except (OSError, ValueError) as error:
        return f"{file} is no usable Ed25519 key ({error}): make one with `portalctl secrets`"
    mode = (await asyncio.to_thread(file.stat)).st_mode
    if settings.production and mode & 0o002:
        return f"{file} can be written by anybody: chmod 0400"
    return ""
