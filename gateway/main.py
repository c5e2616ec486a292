"""The routing table, and the process: a public port and an inner one."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from chassis.brand import Brand, load_brand
from chassis.bus import Bus
from chassis.collecting import keep_what_is_loaded
from chassis.leaving import end_connections
from chassis.logging import configure_logging, log
from chassis.spans import start_tracing
from gateway.app import Gateway
from gateway.authorize import Authorize
from gateway.brand import BrandPage
from gateway.connection import HeaderList
from gateway.dashboard import Dashboard
from gateway.headers import security_headers
from gateway.inner import Inner
from gateway.listening import Listener
from gateway.live import Live
from gateway.met_norway import MetNorway
from gateway.openapi import Description
from gateway.principals import Directory
from gateway.proxy import Proxy
from gateway.routing import ANY_SIZE, CSV, FORM, LINES, MIB, OFFSETS, PROTOBUF, Route, Table
from gateway.sessions import Sessions
from gateway.settings import Settings, settings
from gateway.signing import Signer
from gateway.upstream import Upstream
from gateway.weather import DemoWeather, Weather
from gateway.webapp import StaticFile, WebApp, media_type_of
from gateway.wire import PatientProtocol

ROUTES = (
    # before sign-in, and between its two steps: the token, the ticket or nothing is the key
    Route("GET", "/auth/password-rules", "auth", public=True),
    Route("POST", "/auth/invitations/check", "auth", public=True),
    Route("POST", "/auth/invitations/accept", "auth", public=True),
    Route("POST", "/auth/invitations/renew", "auth", public=True),
    Route("POST", "/auth/login", "auth", public=True),
    Route("POST", "/auth/login/second-factor", "auth", public=True),
    Route("POST", "/auth/second-factor/enrolment", "auth", public=True),
    Route("POST", "/auth/second-factor/enrolment/confirm", "auth", public=True),
    Route("POST", "/auth/password-reset", "auth", public=True),
    Route("POST", "/auth/password-reset/check", "auth", public=True),
    Route("POST", "/auth/password-reset/complete", "auth", public=True),
    Route("POST", "/auth/email/confirm", "auth", public=True),
    # one's own session
    Route("GET DELETE", "/auth/session", "auth"),
    Route("POST", "/auth/session/customer", "auth"),
    Route("POST", "/auth/step-up", "auth"),
    # one's own access
    Route("PUT", "/auth/password", "auth"),
    Route("POST", "/auth/email", "auth"),
    Route("POST", "/auth/recovery-codes", "auth"),
    Route("GET", "/auth/sessions", "auth"),
    Route("DELETE", "/auth/sessions/{id}", "auth"),
    Route("GET", "/auth/sign-ins", "auth"),
    Route("GET POST", "/auth/api-tokens", "auth"),
    Route("DELETE", "/auth/api-tokens/{id}", "auth"),
    Route("GET", "/auth/operator/health", "auth"),
    Route("GET", "/auth/operator/mails", "auth"),
    Route("POST", "/auth/operator/mails/{id}/retry", "auth"),
    Route("POST", "/auth/operator/mails/{id}/drop", "auth"),
    Route("GET", "/auth/operator/dead-letters", "auth"),
    Route("POST", "/auth/operator/dead-letters/{id}/retry", "auth"),
    Route("POST", "/auth/operator/dead-letters/{id}/drop", "auth"),
    # people and customers
    Route("GET PATCH", "/users/me", "users"),
    Route("GET PUT", "/users/me/notifications", "users"),
    Route("GET", "/users/operator/health", "users"),
    Route("GET", "/users/operator/mails", "users"),
    Route("POST", "/users/operator/mails/{id}/retry", "users"),
    Route("POST", "/users/operator/mails/{id}/drop", "users"),
    Route("GET", "/users/operator/dead-letters", "users"),
    Route("POST", "/users/operator/dead-letters/{id}/retry", "users"),
    Route("POST", "/users/operator/dead-letters/{id}/drop", "users"),
    Route("GET POST", "/users", "users"),
    Route("GET", "/users/audit", "users"),
    Route("GET", "/users/audit.csv", "users", seconds=60),
    Route("GET", "/users/access-matrix", "users"),
    Route("GET", "/users/access-matrix.csv", "users"),
    Route("GET", "/users/rules", "users"),
    Route("POST", "/users/review", "users"),
    Route("POST", "/users/import", "users", body_bytes=16 * MIB, media=CSV, seconds=60),
    Route("GET PATCH DELETE", "/users/{id}", "users"),
    Route("POST", "/users/{id}/invitation", "users"),
    Route("POST", "/users/{id}/second-factor-reset", "users"),
    Route("GET POST", "/customers", "users"),
    Route("POST", "/customers/import", "users", body_bytes=16 * MIB, media=CSV, seconds=60),
    Route("GET PATCH", "/customers/{id}", "users"),
    Route("GET POST", "/staff", "users"),
    Route("PATCH", "/staff/{id}", "users"),
    # invoices and what hangs on them
    Route("GET", "/documents", "documents"),
    Route("GET", "/documents/folders", "documents"),
    Route("GET", "/documents/{id}", "documents"),
    Route("GET HEAD", "/documents/{id}/files/{file_id}", "documents", seconds=30),
    Route("GET", "/documents/operator/health", "documents"),
    Route("GET", "/documents/operator/parked", "documents"),
    Route("GET", "/documents/operator/refused", "documents"),
    Route("GET", "/documents/operator/conflicts", "documents"),
    Route("GET", "/documents/operator/dead-letters", "documents"),
    Route("POST", "/documents/operator/parked/{id}/retry", "documents"),
    Route("POST", "/documents/operator/parked/{id}/drop", "documents"),
    Route("POST", "/documents/operator/refused/{id}/retry", "documents"),
    Route("POST", "/documents/operator/refused/{id}/drop", "documents"),
    Route("POST", "/documents/operator/conflicts/{id}/retry", "documents"),
    Route("POST", "/documents/operator/conflicts/{id}/drop", "documents"),
    Route("POST", "/documents/operator/dead-letters/{id}/retry", "documents"),
    Route("POST", "/documents/operator/dead-letters/{id}/drop", "documents"),
    # large files, both ways
    Route("GET", "/exchange/entries", "documents"),
    Route("GET PATCH DELETE", "/exchange/entries/{id}", "documents"),
    Route("POST", "/exchange/entries/{id}/restore", "documents"),
    Route("POST", "/exchange/folders", "documents"),
    Route("GET", "/exchange/folders/{id}/archive", "documents", seconds=60, flows=True),
    Route("GET", "/exchange/trash", "documents"),
    Route("GET", "/exchange/usage", "documents"),
    Route("GET", "/exchange/files/{id}/versions", "documents"),
    Route("GET HEAD", "/exchange/files/{id}/content", "documents", seconds=30, flows=True),
    Route("OPTIONS", "/exchange/uploads", "documents"),
    Route("POST", "/exchange/uploads", "documents", body_bytes=ANY_SIZE, media=OFFSETS, seconds=60, flows=True),
    Route("HEAD DELETE", "/exchange/uploads/{id}", "documents"),
    Route("PATCH", "/exchange/uploads/{id}", "documents", body_bytes=ANY_SIZE, media=OFFSETS, seconds=60, flows=True),
    # the feeds' door
    Route("POST", "/billing/invoices", "documents", body_bytes=8 * MIB, media=FORM, seconds=60),
    Route("POST", "/billing/documents", "documents", body_bytes=8 * MIB, media=FORM, seconds=60),
    Route("POST", "/billing/payments", "documents", body_bytes=8 * MIB),
    Route("GET", "/billing/events/{event_id}", "documents"),
    # what flows through the lines
    Route("GET", "/metrics/lines", "metrics"),
    Route("GET", "/metrics/lines/{id}", "metrics"),
    Route("GET PUT", "/metrics/lines/{id}/thresholds", "metrics"),
    Route("GET", "/metrics/groups", "metrics"),
    Route("GET", "/metrics/lines/{id}/bandwidth", "metrics"),
    Route("GET", "/metrics/lines/{id}/bandwidth.csv", "metrics"),
    Route("GET", "/metrics/lines/{id}/bandwidth.svg", "metrics"),
    Route("GET", "/metrics/lines/{id}/volume", "metrics"),
    Route("GET", "/metrics/lines/{id}/volume.csv", "metrics"),
    Route("GET", "/metrics/lines/{id}/percentile", "metrics"),
    Route("GET", "/metrics/groups/{id}/bandwidth", "metrics"),
    Route("GET", "/metrics/groups/{id}/bandwidth.csv", "metrics"),
    Route("GET", "/metrics/groups/{id}/bandwidth.svg", "metrics"),
    Route("GET", "/metrics/groups/{id}/volume", "metrics"),
    Route("GET", "/metrics/groups/{id}/volume.csv", "metrics"),
    Route("GET", "/metrics/groups/{id}/percentile", "metrics"),
    Route("GET", "/metrics/operator/health", "metrics"),
    Route("GET", "/metrics/operator/parked", "metrics"),
    Route("GET", "/metrics/operator/refused", "metrics"),
    Route("GET", "/metrics/operator/dead-letters", "metrics"),
    Route("POST", "/metrics/operator/parked/{id}/retry", "metrics"),
    Route("POST", "/metrics/operator/parked/{id}/drop", "metrics"),
    Route("POST", "/metrics/operator/refused/{id}/drop", "metrics"),
    Route("POST", "/metrics/operator/dead-letters/{id}/retry", "metrics"),
    Route("POST", "/metrics/operator/dead-letters/{id}/drop", "metrics"),
    # the collectors' doors
    Route("POST", "/metrics/ingest/prometheus", "metrics", body_bytes=8 * MIB, media=PROTOBUF, seconds=60),
    Route("POST", "/metrics/ingest/influx", "metrics", body_bytes=8 * MIB, media=LINES, seconds=60),
    # whom to call, at the operator and at the customer
    Route("GET POST", "/contacts", "contacts"),
    Route("GET", "/contacts/review", "contacts"),
    Route("GET", "/contacts/approvals", "contacts"),
    Route("POST", "/contacts/approvals/{id}", "contacts"),
    Route("GET", "/contacts.vcf", "contacts"),
    Route("GET", "/contacts.csv", "contacts"),
    Route("GET", "/contacts/{id}.vcf", "contacts"),
    Route("GET PATCH DELETE", "/contacts/{id}", "contacts"),
    Route("POST", "/contacts/{id}/confirmation", "contacts"),
    Route("GET", "/contacts/operator/health", "contacts"),
    Route("GET", "/contacts/operator/parked", "contacts"),
    Route("GET", "/contacts/operator/refused", "contacts"),
    Route("GET", "/contacts/operator/conflicts", "contacts"),
    Route("GET", "/contacts/operator/dead-letters", "contacts"),
    Route("POST", "/contacts/operator/parked/{id}/retry", "contacts"),
    Route("POST", "/contacts/operator/parked/{id}/drop", "contacts"),
    Route("POST", "/contacts/operator/refused/{id}/retry", "contacts"),
    Route("POST", "/contacts/operator/refused/{id}/drop", "contacts"),
    Route("POST", "/contacts/operator/conflicts/{id}/retry", "contacts"),
    Route("POST", "/contacts/operator/conflicts/{id}/drop", "contacts"),
    Route("POST", "/contacts/operator/dead-letters/{id}/retry", "contacts"),
    Route("POST", "/contacts/operator/dead-letters/{id}/drop", "contacts"),
    # contracts; the calendar's address is the secret
    Route("GET", "/contracts", "contracts"),
    Route("GET", "/contracts/calendar", "contracts"),
    Route("GET POST DELETE", "/contracts/calendar/token", "contracts"),
    Route("GET", "/contracts/calendar/{token}.ics", "contracts", public=True),
    Route("GET", "/contracts/{id}", "contracts"),
    Route("GET", "/contracts/operator/health", "contracts"),
    Route("GET", "/contracts/operator/parked", "contracts"),
    Route("GET", "/contracts/operator/refused", "contracts"),
    Route("GET", "/contracts/operator/dead-letters", "contracts"),
    Route("POST", "/contracts/operator/parked/{id}/retry", "contracts"),
    Route("POST", "/contracts/operator/parked/{id}/drop", "contracts"),
    Route("POST", "/contracts/operator/refused/{id}/retry", "contracts"),
    Route("POST", "/contracts/operator/refused/{id}/drop", "contracts"),
    Route("POST", "/contracts/operator/dead-letters/{id}/retry", "contracts"),
    Route("POST", "/contracts/operator/dead-letters/{id}/drop", "contracts"),
    # answered here
    Route("GET", "/brand", "gateway", public=True),
    Route("GET", "/openapi.json", "gateway", public=True),
    Route("GET", "/live", "gateway"),
    Route("GET", "/dashboard", "gateway"),
)
"""Every call that exists; what is not here is answered 404. A test holds it against what the services serve."""


DOCS = Path(__file__).parent / "docs"


@dataclass(frozen=True, slots=True)
class Parts:
    """A gateway put together, before it listens."""

    public: Gateway
    inner: Inner
    sessions: Sessions
    live: Live
    bus: Bus
    upstreams: dict[str, Upstream]
    weather: Weather | None


def create(config: Settings, table: Table) -> Parts:
    """Everything but the ports.

    Raises:
        OSError: the signing key or the brand cannot be read.
        ValueError: they can, but are not what they should be.
    """
    signer = Signer.from_file(config.signing_key_file)
    brand = load_brand(config.brand_file)
    urls = config.services | ({"mailbox": config.mailbox_url} if config.mailbox_url else {})
    upstreams = {name: Upstream(name, url, in_flight=config.in_flight_per_service) for name, url in urls.items()}
    services = {name: upstreams[name] for name in config.services}
    sessions = Sessions(Directory(services["auth"], services["users"], signer, {}), config)
    live = Live(sessions, config)
    web = WebApp(config.web_folder, brand.legal.security_txt)
    for path, name in (("/docs", "docs.html"), ("/docs/docs.js", "docs.js"), ("/docs/docs.css", "docs.css")):
        web.add(path, StaticFile.of(media_type_of(name), (DOCS / name).read_bytes()))
    proxy = Proxy(upstreams, signer, cookie_prefix=config.cookie_prefix)
    public = Gateway(config, table, proxy, sessions, web)
    public.own["/live"] = live.serve
    public.own["/brand"] = BrandPage(brand, config.brand_file.parent, web).serve
    public.own["/openapi.json"] = Description(services, table, session_cookie=config.cookie_prefix + "session").serve
    weather = _weather(config, brand)
    public.own["/dashboard"] = Dashboard(services, signer, weather, brand.sites).serve
    password = config.nats_password.get_secret_value()
    bus = Bus("gateway", config.nats_url, user=config.nats_user, password=password)
    return Parts(public, Inner(signer.public(), Authorize(public, proxy)), sessions, live, bus, upstreams, weather)


def _weather(config: Settings, brand: Brand) -> Weather | None:
    if config.weather == "met":
        who = f"Kundenportal/1 {config.public_url} {brand.support.email}"
        return MetNorway(config.weather_url, user_agent=who)
    return DemoWeather() if config.weather == "demo" else None


class _Port(uvicorn.Server):
    """One of two servers of a process that has its own signal handling."""

    def __init__(self, config: uvicorn.Config, always: HeaderList) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()
        # uvicorn puts them here, and the date beside them, only when it begins to look at the clock
        self.server_state.default_headers = always

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when it listens; uvicorn itself only ends the process when it cannot."""
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Left to `run`."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second, as long as it serves."""
        if counter % 5 == 0:
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.server_state.connections):
                cast("PatientProtocol", connection).look_at_clock(now)
        return await super().on_tick(counter)

    @property
    def number(self) -> int:
        """The port it got."""
        return int(self.servers[0].sockets[0].getsockname()[1])


def _port(app: ASGIApp, host: str, port: int, always: HeaderList) -> _Port:
    """``always``: headers of every answer."""
    return _Port(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=PatientProtocol,
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=5,
            backlog=2048,
            log_config=None,
            access_log=False,
            headers=[(name.decode("ascii"), value.decode("ascii")) for name, value in always],
            server_header=False,
            proxy_headers=False,
        ),
        always,
    )


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway that listens."""

    parts: Parts
    port: int
    inner_port: int


@contextlib.asynccontextmanager
async def running(config: Settings, table: Table) -> AsyncIterator[Running]:
    """Listen on both ports for the block."""
    parts = create(config, table)
    public = _port(parts.public, config.host, config.port, security_headers(https=config.secure_cookies))
    inner = _port(parts.inner, config.inner_host, config.inner_port, [])
    try:
        async with asyncio.TaskGroup() as group:
            serving = [group.create_task(port.serve()) for port in (inner, public)]
            background = [
                group.create_task(Listener(parts.bus, parts.sessions, parts.live).run()),
                group.create_task(_tidy(parts.sessions)),
            ]
            await asyncio.gather(inner.listens.wait(), public.listens.wait())
            try:
                yield Running(parts, public.number, inner.number)
            finally:
                parts.inner.stopping = True
                end_connections(public)
                await asyncio.sleep(config.leave_after.total_seconds())
                parts.live.close()
                public.should_exit = True
                await serving[1]
                inner.should_exit = True
                for task in background:
                    task.cancel()
    finally:
        await _closed(parts)


async def _tidy(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(10)
        sessions.sweep()


async def _closed(parts: Parts) -> None:
    with contextlib.suppress(Exception):
        await parts.bus.close()
    for upstream in parts.upstreams.values():
        await upstream.close()
    if parts.weather is not None:
        await parts.weather.close()


async def _until_told(config: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(config, Table(ROUTES)) as gateway:
        log.info("gateway_listens", port=gateway.port, inner_port=gateway.inner_port)
        await stop.wait()
    log.info("gateway_stopped")


def run() -> None:
    """Until SIGTERM or Ctrl-C; open requests get five seconds."""
    config = settings()
    configure_logging("gateway", config.log_level)
    start_tracing("gateway", config.otlp_endpoint)
    keep_what_is_loaded()
    with asyncio.Runner(loop_factory=uvicorn.Config("", log_config=None).get_loop_factory()) as runner:
        runner.run(_until_told(config))
