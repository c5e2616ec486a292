"""A gateway on real ports, with services behind it that record what they get."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import aiohttp
import pytest
import uvloop
from aiohttp import web
from joserfc.jwk import OKPKey

from chassis.identity import Identity, Verifier
from chassis.testing import free_port
from gateway.main import ROUTES, Running, running
from gateway.routing import Route, Table
from gateway.settings import Settings

BRAND = (Path(__file__).parents[2] / "brand.toml").read_text("utf-8")
ALL_MODULES = ["invoices", "call_records", "exchange", "graphs", "contracts", "contacts"]


@dataclass
class Seen:
    """A request as a service got it."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for own, value in self.headers if own.lower() == name.lower()]

    def names(self) -> set[str]:
        return {name.lower() for name, _ in self.headers}


Responder = Callable[[web.Request], Any]


class FakeService:
    """A service on a real port: answers what it was told to, remembers what it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[Seen] = []
        self.answers: dict[str, Responder] = {}
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    async def start(self) -> None:
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_route("*", "/{rest:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        self.port = self.port or free_port()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        responder = self.answers.get(request.path)
        if getattr(responder, "streams", False):
            assert responder is not None
            return cast("web.StreamResponse", await responder(request))
        body = await request.read()
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers]
        self.seen.append(Seen(request.method, request.raw_path, headers, body))
        if responder is not None:
            return cast("web.StreamResponse", await responder(request))
        return web.json_response({"service": self.name, "bytes": len(body)})


def streaming(responder: Responder) -> Responder:
    """Marks one that reads the body itself."""
    responder.streams = True  # type: ignore[attr-defined]
    return responder


@dataclass
class People:
    """What the fake `auth` and `users` know."""

    auth: FakeService
    users: FakeService
    principals: dict[str, dict[str, Any]] = field(default_factory=dict)
    authorisations: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    asked_users: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.auth.answers["/inner/principal"] = self._principal
        self.users.answers["/inner/authorisation"] = self._authorisation

    async def _principal(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        secret = body.get("session") or body.get("ticket") or body.get("api_token")
        found = self.principals.get(secret)
        return web.json_response(found) if found else web.json_response({}, status=401)

    async def _authorisation(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked_users.append(body)
        found = self.authorisations.get(body["user_id"])
        return web.json_response(found or {"active": False})

    def session(self, secret: str = "", **claims: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """A complete session of a new person; its cookie value, principal and authorisation."""
        secret = secret or uuid4().hex
        principal = {
            "kind": "session",
            "user_id": str(uuid4()),
            "session_id": str(uuid4()),
            "customer_id": None,
            "amr": ["pwd", "otp"],
            "step_up_at": None,
            "scopes": [],
            "name": "",
            "expires_at": "2099-01-01T00:00:00Z",
        }
        authorisation = {
            "active": True,
            "name": "Anna Beispiel",
            "username": "anna@kunde.example",
            "language": "de",
            "role": "admin",
            "staff_role": None,
            "customer_id": str(uuid4()),
            "modules": ALL_MODULES,
        }
        principal |= {name: value for name, value in claims.items() if name in principal}
        authorisation |= {name: value for name, value in claims.items() if name in authorisation}
        self.principals[secret] = principal
        self.authorisations[str(principal["user_id"])] = authorisation
        return secret, principal, authorisation


@dataclass
class World:
    """Everything a test touches."""

    settings: Settings
    gateway: Running
    services: dict[str, FakeService]
    people: People
    http: aiohttp.ClientSession
    key: OKPKey

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.gateway.port}"

    @property
    def documents(self) -> FakeService:
        return self.services["documents"]

    def api(self, path: str) -> str:
        return f"{self.base}/api/v1{path}"

    def signed_in(self, **claims: Any) -> dict[str, str]:
        """Headers of a person with a complete session, as their browser would send them."""
        secret, _, _ = self.people.session(**claims)
        return {"Cookie": f"session={secret}", "Sec-Fetch-Site": "same-origin"}

    async def identity(self, service: str, seen: Seen) -> Identity:
        """What the service would make of the identity token it got."""
        verifier = Verifier(service, f"http://127.0.0.1:{self.gateway.inner_port}/identity-keys")
        return await verifier.verify(seen.values("x-identity")[0])


@pytest.fixture
def settings_of(tmp_path: Path) -> Callable[..., Settings]:
    key = OKPKey.generate_key("Ed25519", {"kid": "one"})
    key_file = tmp_path / "key.json"
    key_file.write_text(json.dumps(key.as_dict(private=True)))
    brand = tmp_path / "brand.toml"
    brand.write_text(BRAND)
    web_folder = tmp_path / "dist"
    (web_folder / "assets").mkdir(parents=True)
    (web_folder / "index.html").write_text("<!doctype html><title>Portal</title>" + "<p>x</p>" * 400)
    (web_folder / "assets" / "app-abc123.js").write_text("console.log('hello');\n" * 200)
    (web_folder / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")

    def make(**values: Any) -> Settings:
        usual: dict[str, Any] = {
            "port": 0,
            "inner_port": 0,
            "signing_key_file": key_file,
            "brand_file": brand,
            "web_folder": web_folder,
            "nats_url": "nats://127.0.0.1:9",
            "public_url": "http://portal.example",
        }
        return Settings(**usual | values)

    return make


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the process runs on: its transports differ from asyncio's."""
    return {"uvloop": uvloop.new_event_loop}


NewWorld = Callable[..., contextlib.AbstractAsyncContextManager[World]]


@pytest.fixture
def new_world(settings_of: Callable[..., Settings]) -> NewWorld:
    """Makes a gateway with other settings or another table."""

    @contextlib.asynccontextmanager
    async def make(routes: Sequence[Route] = ROUTES, **values: Any) -> AsyncIterator[World]:
        services = {
            name: FakeService(name) for name in ("auth", "users", "documents", "contacts", "contracts", "metrics")
        }
        async with contextlib.AsyncExitStack() as stack:
            for service in services.values():
                await service.start()
                stack.push_async_callback(service.stop)
            urls = {f"{name}_url": service.url for name, service in services.items()}
            config = settings_of(**urls | values)
            gateway = await stack.enter_async_context(running(config, Table(routes)))
            jar = aiohttp.DummyCookieJar()
            bare = aiohttp.ClientSession(
                cookie_jar=jar, auto_decompress=False, skip_auto_headers=("Accept-Encoding", "User-Agent", "Accept")
            )
            http = await stack.enter_async_context(bare)
            key = OKPKey.import_key(json.loads(config.signing_key_file.read_text()))
            people = People(services["auth"], services["users"])
            yield World(config, gateway, services, people, http, key)

    return make


@pytest.fixture
async def world(new_world: NewWorld) -> AsyncIterator[World]:
    async with new_world() as made:
        yield made


async def raw_exchange(port: int, request: bytes, *, seconds: float = 5) -> bytes:
    """Send bytes, read until the gateway closes or is silent; returns all it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        writer.write(request)
        await writer.drain()
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(seconds):
                while piece := await reader.read(65536):
                    received += piece
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return received
