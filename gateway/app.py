"""The public port: a plain ASGI application. Each request is found in the table, weighed, recognised, then carried."""

import time
from collections.abc import Awaitable, Callable

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
from gateway.headers import COOKIES, read_cookies, read_once
from gateway.limits import RateLimit, declared_length, require_fitting_body
from gateway.proxy import Proxy
from gateway.routing import PREFIX, Route, Table
from gateway.sessions import Known, Sessions
from gateway.settings import Settings
from gateway.telemetry import REFUSED
from gateway.webapp import WebApp

Handler = Callable[[Call], Awaitable[None]]

MAILBOX = {path: Route("GET", path, "mailbox", public=True) for path in ("/dev/mail", "/dev/mail.json")}
"""Outside ``/api/v1`` and in embedded mode only."""

REFRESHING = ("auth", "users")
"""After an unsafe call to one of these the caller's own rights may be others."""


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
        self._timers: dict[tuple[str, str, int], Callable[[float], None]] = {}
        self._traced = bool(settings.otlp_endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI; the server is told to speak only HTTP."""
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        call = Call(scope, receive, send)
        if self._traced:
            with request_span(call.method, call.request_id) as span:
                call.traceparent = traceparent().encode("ascii")
                answered = await self._answer(call)
                finish(span, call.method, _name_of(call), call.status)
        else:
            answered = await self._answer(call)
        if answered:
            self._measure(call, time.perf_counter() - started)

    async def _answer(self, call: Call) -> bool:
        """False when nobody was there any more to read an answer."""
        try:
            await self._serve(call)
        except ClientGone:
            return False
        except AppError as error:
            REFUSED.labels(error.code()).inc()
            await call.refuse(error)
        except Exception as error:
            log.error("request_failed", exc_info=error, request_id=call.request_id)
            if not call.status:
                await call.refuse(InternalError())
        return True

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
        if not call.path.startswith(PREFIX + "/"):
            raise NotFound
        call.headers = headers = read_once(call.scope["headers"])
        call.length = declared_length(headers)
        call.route = route = self._table.find(call.method, call.path[len(PREFIX) :])
        call.target = call.target[len(PREFIX) :]
        client = call.scope["client"]
        call.address = address_of(client[0] if client else "", headers.get(b"x-forwarded-for"), self._trusted_proxies)
        call.cookies = read_cookies(headers.get(b"cookie"), self._cookie_names)
        require_own_page(call.method, headers, with_cookie=bool(call.cookies), origin=self._origin)
        require_fitting_body(call.method, route, headers, call.length)
        await self._recognise(call)
        if not route.public:
            _require_complete(call.known)
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

    def _measure(self, call: Call, seconds: float) -> None:
        name = _name_of(call)
        key = (call.method, name, call.status)
        observe = self._timers.get(key)
        if observe is None:
            method = call.method if call.route else "other"
            observe = REQUEST_SECONDS.labels("gateway", method, name, str(call.status)).observe
            self._timers[key] = observe
        observe(seconds)


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
    identity = known.identity
    if identity.is_person and not identity.complete:
        raise SecondFactorRequired
