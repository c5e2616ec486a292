"""One call gives a service everything: database, bus, relay, consumer, identity, errors, telemetry, health."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.access import CHECKS
from chassis.bus import Bus
from chassis.collecting import keep_what_is_loaded
from chassis.consumer import Consumer, EventRouter
from chassis.db import Database, Limits
from chassis.errors import (
    Forbidden,
    Invalid,
    NotSignedIn,
    Problem,
    TooMany,
    Unavailable,
    install_error_handlers,
    problems,
)
from chassis.identity import Verifier
from chassis.inbox import forget_for_ever
from chassis.leaving import LeavingServer
from chassis.logging import configure_logging, log
from chassis.outbox import Relay
from chassis.settings import ServiceSettings
from chassis.spans import finish, request_span, start_tracing
from chassis.telemetry import REQUEST_SECONDS
from chassis.tenancy import NOBODY, acting_for
from events.registry import consumers

Background = Callable[[FastAPI], Awaitable[None]]


@dataclass(frozen=True)
class Service:
    """What makes one service different from the others."""

    name: str
    settings: ServiceSettings
    routers: Sequence[APIRouter]
    handlers: EventRouter | None = None
    background: Sequence[Background] = ()
    """Loops that run while the process lives, such as a mail outbox; restarted when they fail."""
    state: dict[str, Any] = field(default_factory=dict)
    """Adapters that endpoints find as ``request.app.state.<name>``."""


def create_service(service: Service) -> FastAPI:
    """The ASGI application.

    Raises:
        TypeError: a route without exactly one access check.
    """
    settings = service.settings
    app = FastAPI(
        title=service.name,
        lifespan=_lifespan(service),
        docs_url=None,
        redoc_url=None,
        # FastAPI's own spans name the path and the caller's address.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        separate_input_output_schemas=False,
    )
    install_error_handlers(app)
    standard = problems(NotSignedIn, Forbidden, Invalid, TooMany, Unavailable)
    for router in service.routers:
        app.include_router(router, responses=standard)
        for route in api_routes(router):
            _require_one_check(route)
    _add_inner_routes(app)
    _describe_problems(app)
    app.add_middleware(_Observed, service=service.name)
    app.state.service = service.name
    app.state.settings = settings
    app.state.handlers = service.handlers
    limits = Limits(settings.statement_timeout, settings.lock_timeout)
    app.state.database = Database(settings.database_url, pool_size=settings.database_pool_size, limits=limits)
    app.state.verifier = Verifier(service.name, settings.identity_keys_url)
    password = settings.nats_password.get_secret_value()
    app.state.bus = Bus(service.name, settings.nats_url, user=settings.nats_user, password=password)
    for name, value in service.state.items():
        setattr(app.state, name, value)
    return app


def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Run until SIGTERM, and as long as callers need to go elsewhere; open requests get five seconds."""
    configure_logging(app.state.service, settings.log_level)
    start_tracing(app.state.service, settings.otlp_endpoint)
    keep_what_is_loaded()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        timeout_graceful_shutdown=5,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
    )
    server = LeavingServer(config, leave_after_seconds=settings.leave_after.total_seconds())
    server.run()
    if not server.started:
        sys.exit(3)


def _lifespan(service: Service) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(_deliver(app, service))]
        tasks += [asyncio.create_task(_kept_running(loop, app)) for loop in service.background]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(Exception):
                await app.state.bus.close()
            await app.state.database.close()

    return lifespan


async def _deliver(app: FastAPI, service: Service) -> None:
    """Connect, then relay and consume. A broker that is away never stops the requests."""
    database, bus, settings = app.state.database, app.state.bus, service.settings
    relay = Relay(service.name, database, bus.publish, poll=settings.relay_poll_interval, kept=settings.outbox_kept)
    loops: list[Background] = [lambda _app: relay.run()]
    if service.handlers:
        consumer = Consumer(service.handlers, database, bus, retry_delays_seconds=settings.retry_delays_seconds)
        streams = [stream for stream, listener in consumers() if listener == service.name]
        loops.append(lambda _app: consumer.run(streams))
        loops.append(lambda _app: forget_for_ever(database, kept=settings.inbox_kept))
    await bus.connect()
    await asyncio.gather(*(_kept_running(loop, app) for loop in loops))


async def _kept_running(loop: Background, app: FastAPI) -> None:
    while True:
        try:
            await loop(app)
            return
        except Exception as error:
            log.error("background_loop_failed", exc_info=error)
            await asyncio.sleep(1)


def api_routes(router: APIRouter) -> Iterator[APIRoute]:
    """All endpoints of a router, also of those it includes."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif inner := getattr(route, "original_router", None):
            yield from api_routes(inner)


def _checks_of(dependant: Dependant) -> int:
    own = 1 if dependant.call in CHECKS else 0
    return own + sum(_checks_of(inner) for inner in dependant.dependencies)


def _require_one_check(route: APIRoute) -> None:
    if _checks_of(route.dependant) != 1:
        raise TypeError(f"{sorted(route.methods or ())} {route.path} has no access check")


def _add_inner_routes(app: FastAPI) -> None:
    async def alive() -> JSONResponse:
        """The event loop turns."""
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> JSONResponse:
        """Database reachable and broker connected."""
        database: Database = request.app.state.database
        async with asyncio.timeout(2), database.reading() as session:
            await (await session.connection()).exec_driver_sql("SELECT 1")
        connected = request.app.state.bus.is_connected
        return JSONResponse({"status": "ok" if connected else "broker"}, 200 if connected else 503)

    async def telemetry() -> Response:
        """Prometheus text format."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    for path, endpoint in (("/healthz", alive), ("/readyz", ready), ("/telemetry", telemetry)):
        app.add_api_route(path, endpoint, include_in_schema=False)


def _describe_problems(app: FastAPI) -> None:
    """The OpenAPI document says problem+json wherever FastAPI would promise its own error shape."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = build()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= {**problem.pop("$defs", {}), "Problem": problem}
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


class _Observed:
    """Request id, log context, duration by route; raw ASGI, so streams stay streams."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = headers.get(b"x-request-id", b"").decode("latin-1")[:64] or uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode("latin-1"))]
            await send(message)

        sent_by = headers.get(b"traceparent")
        carrier = {"traceparent": sent_by.decode("latin-1")} if sent_by else None
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            request_span(scope["method"], request_id, carrier) as span,
            acting_for(NOBODY),
        ):
            try:
                await self._app(scope, receive, observed)
            finally:
                route = getattr(scope.get("route"), "path", "other")
                seconds = time.perf_counter() - started
                REQUEST_SECONDS.of(self._service, scope["method"], route, str(status))(seconds)
                finish(span, scope["method"], route, status)
