"""`/authorize` on the inner port: a proxy asks for each request whether it may pass, and as whom (ADR 0008).

In the way of nginx's ``auth_request`` (``X-Original-Method``, ``X-Original-URI``), Traefik's ForwardAuth
(``X-Forwarded-Method``, ``X-Forwarded-Uri``) and Envoy's ``ext_authz`` over HTTP (the original path behind
``/authorize``). The answer is 200 with ``X-Identity``, ``X-Request-Id`` and ``X-Service``, else 401 or 403 with the
problem: the proxy then sends the request to the gateway itself, which refuses it in the documented form.
"""

import json

from starlette.types import Receive, Scope, Send

from chassis.errors import PROBLEM_JSON, AppError, Forbidden, problem_body
from chassis.logging import log
from gateway.app import Gateway
from gateway.call import Call
from gateway.connection import HeaderList
from gateway.headers import read_once
from gateway.proxy import Proxy
from gateway.routing import Route
from gateway.wire import Cycle

AUTHORIZE = "/authorize"
CARRIED = ("documents", "metrics", "contracts", "contacts")
"""Services whose bytes a proxy may carry. After a call to `auth` or `users` the gateway has to forget what it knows of
the caller, so these stay with it, and so does what it answers itself."""
_ORIGINAL = (b"x-original-method", b"x-original-uri")
_FORWARDED = (b"x-forwarded-method", b"x-forwarded-uri")
_WAYS = (_ORIGINAL, _FORWARDED)
_OF_BODY = (b"x-original-length", b"x-original-coding", b"x-original-connection")
_TOLD = frozenset((*_ORIGINAL, *_FORWARDED, *_OF_BODY))


class NotCarried(Forbidden):
    """This call goes through the gateway itself."""

    de = "Dieser Aufruf geht durch das Gateway selbst."


class Authorize:
    """One answer for each request of a proxy; the gateway's own rules and caches decide."""

    def __init__(self, gateway: Gateway, proxy: Proxy) -> None:
        self._gateway = gateway
        self._proxy = proxy

    def begin(self, cycle: Cycle) -> bool:
        """The usual question, without a task; false, and nothing is done, where it is not as usual."""
        call = Call(cycle.scope, cycle.receive, cycle.send)  # type: ignore[arg-type]  # uvicorn's names for the same
        try:
            _turn_to_original(call)
            self._gateway.read(call)
            route = self._gateway.weigh_at_once(call)
            if route is None or not cycle.takes or not _is_carried(call, route):
                return False
            headers = self._passes(call, route)
            self._gateway.count(call)
        except AppError:
            return False
        cycle.answer(200, headers, b"")
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, for paths that begin with `AUTHORIZE`."""
        call = Call(scope, receive, send)
        try:
            _turn_to_original(call)
            route = await self._gateway.weigh(call)
            if not _is_carried(call, route):
                raise NotCarried
            await _answer(call, 200, self._passes(call, route))
        except AppError as error:
            await _refuse(call, error)
        except Exception as error:
            log.error("authorize_failed", exc_info=error, request_id=call.request_id)
            await _refuse(call, Forbidden())

    def _passes(self, call: Call, route: Route) -> HeaderList:
        token = self._proxy.identity_token(call, route.target)
        return _with_own(call, [(b"x-identity", token), (b"x-service", route.target.encode())], 0)


def _is_carried(call: Call, route: Route) -> bool:
    return route.target in CARRIED and (call.length is not None or route.flows)


def _turn_to_original(call: Call) -> None:
    """The call becomes the request that the proxy holds, without its body.

    Raises:
        Forbidden: it is not said which, or in two ways: one of them may be the client's own.
        BadRequest: a header that may not be repeated is.
    """
    about: HeaderList = []
    headers: HeaderList = []
    for pair in call.scope["headers"]:
        if pair[0] in _TOLD:
            about.append(pair)
        elif pair[0] != b"content-length":
            headers.append(pair)
    told = read_once(about)
    if told.get(b"x-original-connection", b"").lower() not in (b"", b"close", b"keep-alive"):
        # it names headers that end here, which the proxy would pass on
        raise NotCarried
    if length := told.get(b"x-original-length"):
        headers.append((b"content-length", length))
    if coding := told.get(b"x-original-coding"):
        headers.append((b"transfer-encoding", coding))
    method, path, query = _asked(call, told)
    call.scope = {**call.scope, "method": method, "raw_path": path, "query_string": query, "headers": headers}
    call.method, call.path, call.target = method, path.decode("ascii"), path


def _asked(call: Call, told: dict[bytes, bytes]) -> tuple[str, bytes, bytes]:
    method, path, query = call.method, call.target[len(AUTHORIZE) :], call.scope["query_string"]
    if not path:
        said, uri = _one_way(told)
        method = said.decode("latin-1")
        path, _, query = uri.partition(b"?")
    if not method or not path.startswith(b"/") or not path.isascii():
        raise Forbidden
    return method, path, query


def _one_way(told: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    ways = [names for names in _WAYS if names[0] in told or names[1] in told]
    if len(ways) != 1:
        raise Forbidden
    method, uri = ways[0]
    return told.get(method, b""), told.get(uri, b"")


def _with_own(call: Call, headers: HeaderList, length: int) -> HeaderList:
    headers += [(b"cache-control", b"no-store"), (b"x-request-id", call.request_id.encode("ascii"))]
    headers.append((b"content-length", str(length).encode("ascii")))
    return headers


async def _answer(call: Call, status: int, headers: HeaderList, body: bytes = b"") -> None:
    await call.send({"type": "http.response.start", "status": status, "headers": headers})
    await call.send({"type": "http.response.body", "body": body})


async def _refuse(call: Call, error: AppError) -> None:
    """Proxies understand two refusals; the problem tells which it really is."""
    body = json.dumps(problem_body(error, call.language, call.request_id), ensure_ascii=False).encode()
    headers = _with_own(call, [(b"content-type", PROBLEM_JSON.encode())], len(body))
    await _answer(call, 401 if error.status == 401 else 403, headers, body)
