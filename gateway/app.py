"""The public port: a plain ASGI application. Each request is found in the table, weighed, recognised, then carried."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from starlette.types import Receive, Scope, Send

from chassis.errors import AppError, InternalError, MethodNotAllowed, NotFound, NotSignedIn, SecondFactorRequired
from chassis.logging import log
from chassis.spans import finish, request_span, traceparent
from chassis.telemetry import REQUEST_SECONDS
from gateway.call import Call, ClientGone
from gateway.caller import (
    SAFE_METHODS,
    Credential,
    address_of,
    credential_of,
    network_of,
    require_own_page,
)
from gateway.connection import Connection, HeaderList
from gateway.headers import COOKIES, read_cookies, read_once, request_lines
from gateway.limits import RateLimit, declared_length, require_fitting_body
from gateway.passage import Passage
from gateway.proxy import Proxy
from gateway.routing import PREFIX, Route, Table
from gateway.sessions import Known, Sessions
from gateway.settings import Settings
from gateway.telemetry import REFUSED
from gateway.webapp import WebApp
from gateway.wire import Cycle

Handler = Callable[[Call], Awaitable[None]]

MAILBOX = {path: Route("GET", path, "mailbox", public=True) for path in ("/dev/mail", "/dev/mail.json")}
"""Outside ``/api/v1`` and in embedded mode only."""

REFRESHING = ("auth", "users")
"""After an unsafe call to one of these the caller's own rights may be others."""


class _Heard(NamedTuple):
    """What the headers of a connection's last read said."""

    raw: HeaderList
    headers: dict[bytes, bytes]
    length: int | None
    address: str
    cookies: dict[str, bytes]
    credential: Credential | None
    lines: bytes


class Gateway:
    """The application; its parts are made in `main`."""

    def __init__(self, settings: Settings, table: Table, proxy: Proxy, sessions: Sessions, web: WebApp) -> None:
        self._table = table
        self._proxy = proxy
        self._sessions = sessions
        self._web = web
        self.own: dict[str, Handler] = {}
        """What the gateway answers itself, by the path in the table."""
        self._limit = RateLimit(settings.requests_per_window, settings.rate_window.total_seconds())
        self._has_mailbox = bool(settings.mailbox_url)
        self._trusted_proxies = settings.trusted_proxies
        self._origin = settings.public_url.rstrip("/").encode("ascii")
        self._cookie_names = {f"{settings.cookie_prefix}{name}".encode(): name for name in COOKIES}
        self._timers: dict[tuple[str, str | None, int], Callable[[float], None]] = {}
        self._traced = bool(settings.otlp_endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI; the server is told to speak only HTTP."""
        if scope["type"] != "http":
            return
        call = Call(scope, receive, send)
        if self._traced:
            with request_span(call.method, call.request_id) as span:
                call.traceparent = traceparent().encode("ascii")
                await self._answer(call, self._serve(call))
                finish(span, call.method, _name_of(call), call.status)
        else:
            await self._answer(call, self._serve(call))

    def begin(self, cycle: Cycle) -> bool:
        """The usual read, without a task; false, and nothing is done, where it is not as usual."""
        call = Call(cycle.scope, cycle.receive, cycle.send)  # type: ignore[arg-type]  # uvicorn's names for the same
        if call.method != "GET" or self._traced:
            return False
        try:
            self._hear(call, cycle.notes)
            route = self.weigh_at_once(call)
            service = self._proxy.service(route) if route is not None else None
            if route is None or service is None:
                return False
            head = self._proxy.head(call, service, b"")
            connection = service.at_once()
            if connection is None:
                return False
        except AppError:
            return False
        try:
            self.count(call)
        except AppError:
            service.release(connection)
            return False
        Passage(self._proxy, call, route, cycle, self._long_way, self._measure).begin(service, connection, head)
        return True

    async def _long_way(self, call: Call, route: Route, begun: Connection) -> None:
        await self._answer(call, self._proxy.carry(call, route, begun))

    async def _answer(self, call: Call, serving: Awaitable[None]) -> None:
        try:
            await serving
        except ClientGone:
            return
        except AppError as error:
            REFUSED.labels(error.code()).inc()
            await call.refuse(error)
        except Exception as error:
            log.error("request_failed", exc_info=error, request_id=call.request_id)
            if not call.status:
                await call.refuse(InternalError())
        self._measure(call)

    async def _serve(self, call: Call) -> None:
        # The query and fragment are no part of raw_path; a path that is not ASCII never gets here.
        if call.path.startswith(PREFIX + "/"):
            await self._serve_api(call)
        else:
            await self._serve_page(call)

    async def _serve_page(self, call: Call) -> None:
        call.headers = read_once(call.scope["headers"])
        call.length = declared_length(call.headers)
        if call.method not in SAFE_METHODS:
            raise MethodNotAllowed(headers={"Allow": "GET, HEAD"})
        if call.path in MAILBOX and self._has_mailbox:
            require_fitting_body(call.method, MAILBOX[call.path], call.headers, call.length)
            await self._proxy.carry(call, MAILBOX[call.path])
        else:
            await self._web.serve(call)

    async def weigh(self, call: Call) -> Route:
        """Everything before the call is carried: found in the table, counted, fitting, recognised.

        Raises:
            AppError: it must not pass.
        """
        self.read(call)
        route = self._find(call)
        await self._recognise(call)
        if not route.public:
            _require_complete(call.known)
        return route

    def weigh_at_once(self, call: Call) -> Route | None:
        """As `weigh`, of a call that was read and a caller who need not be asked about; `count` is left to do.

        None where it takes `weigh`.

        Raises:
            AppError: as `weigh` would say it.
        """
        route = self._find(call)
        credential = call.credential = call.credential or credential_of(call.headers, call.cookies)
        known = self._sessions.fresh(credential) if credential is not None else None
        if known is None or known.identity is None:
            return None
        call.known = known
        if not route.public:
            _require_complete(known)
        return route

    def count(self, call: Call) -> None:
        """Against the limit of a known caller.

        Raises:
            TooMany: too much was asked.
        """
        assert call.known is not None
        self._limit.take(call.known.limit_key)

    def _hear(self, call: Call, notes: dict[str, Any]) -> None:
        """As `read`: most requests of a connection say the same again."""
        raw = call.scope["headers"]
        before: _Heard | None = notes.get("heard")
        if before is not None and before.raw == raw:
            _, call.headers, call.length, call.address, call.cookies, call.credential, call.lines = before
            return
        self.read(call)
        call.lines = b"".join(request_lines(call.headers))
        call.credential = credential_of(call.headers, call.cookies)
        notes["heard"] = _Heard(raw, call.headers, call.length, call.address, call.cookies, call.credential, call.lines)

    def read(self, call: Call) -> None:
        """What its headers say."""
        call.headers = headers = read_once(call.scope["headers"])
        call.length = declared_length(headers)
        client = call.scope["client"]
        call.address = address_of(client[0] if client else "", headers.get(b"x-forwarded-for"), self._trusted_proxies)
        call.cookies = read_cookies(headers.get(b"cookie"), self._cookie_names)

    def _find(self, call: Call) -> Route:
        """What is asked, and whether it may be asked so."""
        if not call.path.startswith(PREFIX + "/"):
            raise NotFound
        call.route = route = self._table.find(call.method, call.path[len(PREFIX) :])
        call.target = call.target[len(PREFIX) :]
        require_own_page(call.method, call.headers, with_cookie=bool(call.cookies), origin=self._origin)
        require_fitting_body(call.method, route, call.headers, call.length)
        return route

    async def _serve_api(self, call: Call) -> None:
        route = await self.weigh(call)
        if route.target == "gateway":
            await self.own[route.path](call)
            return
        try:
            await self._proxy.carry(call, route)
        finally:
            if call.method not in SAFE_METHODS and route.target in REFRESHING and call.credential is not None:
                self._sessions.forget(call.credential)

    async def _recognise(self, call: Call) -> None:
        """Who it is, counted against the limit of that person, or of the address of a stranger."""
        network = network_of(call.address)
        try:
            credential = credential_of(call.headers, call.cookies)
        except NotSignedIn:
            self._limit.take(network)
            raise
        known = None
        if credential is not None:
            known = self._sessions.fresh(credential) or await self._asked(credential, network)
            if known.identity is None and credential.kind == "session" and "ticket" in call.cookies:
                # An old session's cookie lies beside the ticket of a new sign-in.
                credential = Credential("ticket", call.cookies["ticket"].decode("ascii"))
                known = self._sessions.fresh(credential) or await self._asked(credential, network)
            call.credential = credential
        if known is None or known.identity is None:
            self._limit.take(network)
            return
        call.known = known
        self._limit.take(known.limit_key)

    async def _asked(self, credential: Credential, network: str) -> Known:
        if not self._sessions.seen(credential):
            self._limit.check(network)
        return await self._sessions.resolve(credential)

    def _measure(self, call: Call) -> None:
        key = (call.method, call.route.path if call.route else None, call.status)
        observe = self._timers.get(key)
        if observe is None:
            method = call.method if call.route else "other"
            observe = self._timers[key] = REQUEST_SECONDS.of("gateway", method, _name_of(call), str(call.status))
        observe(time.perf_counter() - call.started)


def _name_of(call: Call) -> str:
    return PREFIX + call.route.path if call.route else "other"


def _require_complete(known: Known | None) -> None:
    """The first of two walls; the services' own checks are the second.

    Raises:
        NotSignedIn: nobody.
        SecondFactorRequired: the password alone.
    """
    if known is None or known.identity is None:
        raise NotSignedIn
    if known.half:
        raise SecondFactorRequired
