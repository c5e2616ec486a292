"""One OpenAPI document of everything in the routing table, put together from what each service says of itself."""

import hashlib
import json
import re
import time
from typing import Any

from chassis.errors import (
    BadRequest,
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NotFound,
    NotSignedIn,
    SecondFactorRequired,
    TooLarge,
    TooMany,
    Unavailable,
    UnsupportedMedia,
    UpstreamTimeout,
    problems,
)
from chassis.logging import log
from gateway.brand import PublicBrand
from gateway.call import Call
from gateway.caller import ForeignOrigin
from gateway.connection import UpstreamDown
from gateway.dashboard import ContactsToConfirm, LineLoad, PartMissing, UsersWaiting
from gateway.greeting import Greeting
from gateway.headers import API_POLICY
from gateway.proxy import RequestTimeout
from gateway.routing import PREFIX, Route, Table
from gateway.upstream import Upstream
from gateway.weather import WeatherOut
from gateway.webapp import ASK_AGAIN

FRESH_SECONDS = 60.0
FETCH_SECONDS = 5.0
SHARED = ("Problem", "FieldProblem")
_REF = "#/components/schemas/"
_JSON = "application/json"


class Description:
    """Fetched when somebody asks, kept for a minute; a service that is away is described as it last was."""

    def __init__(self, services: dict[str, Upstream], table: Table, *, session_cookie: str) -> None:
        self._services = services
        self._table = table
        self._session_cookie = session_cookie
        self._said: dict[str, dict[str, Any]] = {}
        self._merged = b""
        self._etag = b""
        self._fresh_until = 0.0

    async def serve(self, call: Call) -> None:
        """``GET /openapi.json``.

        Raises:
            Unavailable: a service has never answered yet; half a description would mislead.
        """
        if time.monotonic() >= self._fresh_until:
            await self._fetch()
        headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", ASK_AGAIN),
            (b"etag", self._etag),
            (b"content-security-policy", API_POLICY),
        ]
        if call.headers.get(b"if-none-match") == self._etag:
            await call.answer(304, b"", headers)
        else:
            await call.answer(200, self._merged, headers)

    async def _fetch(self) -> None:
        for name, service in self._services.items():
            head = b"GET /openapi.json HTTP/1.1\r\nhost: %b\r\naccept: application/json\r\n\r\n" % service.host_header
            try:
                answer = await service.call(head, seconds=FETCH_SECONDS)
                if answer.status != 200:
                    raise UpstreamDown(f"status {answer.status}")
                self._said[name] = json.loads(answer.body)
            except (UpstreamDown, ValueError) as error:
                log.warning("description_missing", upstream=name, cause=str(error)[:200])
                if name not in self._said:
                    raise Unavailable(headers={"Retry-After": "2"}) from None
        document = merged(self._said, self._table, session_cookie=self._session_cookie)
        self._merged = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        self._etag = b'"%b"' % hashlib.sha256(self._merged).hexdigest()[:32].encode()
        self._fresh_until = time.monotonic() + FRESH_SECONDS


def merged(said: dict[str, dict[str, Any]], table: Table, *, session_cookie: str) -> dict[str, Any]:
    """The document: the table decides what is in it, the services say what it is like."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {}
    for route in table.routes:
        service = said.get(route.target)
        if service is not None:
            _add_operations(paths, service, route)
    for name, service in said.items():
        schemas |= _schemas(name, service)
    _add_own(paths, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kundenportal", "version": "1"},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": session_cookie},
                "token": {"type": "http", "scheme": "bearer", "description": "An API token, `kp_...`"},
            },
        },
    }


def _add_operations(paths: dict[str, dict[str, Any]], service: dict[str, Any], route: Route) -> None:
    described = next((item for path, item in service.get("paths", {}).items() if _same(path, route.path)), None)
    path = next((path for path in service.get("paths", {}) if _same(path, route.path)), "")
    for method in route.methods.lower().split():
        operation = (described or {}).get(method)
        if operation is None:
            continue
        operation = _renamed(operation, route.target)
        operation["operationId"] = f"{route.target}_{operation.get('operationId', method)}"
        operation["tags"] = [route.target]
        operation["security"] = [] if route.public else [{"session": []}, {"token": []}]
        operation["responses"] = own_problems(route, method) | operation.get("responses", {})
        paths.setdefault(PREFIX + path, {})[method] = operation


def _same(path: str, pattern: str) -> bool:
    """The names of parameters do not matter, what stands behind them does."""
    return re.sub(r"\{[^/}]*\}", "{}", path) == re.sub(r"\{[^/}]*\}", "{}", pattern)


def own_problems(route: Route, method: str) -> dict[int | str, Any]:
    """What the gateway itself may answer on this route."""
    kinds = [BadRequest, TooMany, InternalError, Unavailable, UpstreamTimeout, RequestTimeout]
    kinds += [] if route.public else [NotSignedIn, SecondFactorRequired]
    kinds += [NotFound] if "{" in route.path else []
    kinds += [] if method == "get" else [ForeignOrigin, Forbidden, TooLarge, UnsupportedMedia]
    return {str(status): answer for status, answer in problems(*kinds).items()}


def _schemas(name: str, service: dict[str, Any]) -> dict[str, Any]:
    own = service.get("components", {}).get("schemas", {})
    return {key if key in SHARED else f"{name}_{key}": _renamed(schema, name) for key, schema in own.items()}


def _renamed(value: Any, service: str) -> Any:
    """A copy whose references point to the service's own schemas."""
    if isinstance(value, dict):
        return {key: _renamed(inner, service) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, service) for inner in value]
    if isinstance(value, str) and value.startswith(_REF):
        name = value.removeprefix(_REF)
        return value if name in SHARED else f"{_REF}{service}_{name}"
    return value


def _add_own(paths: dict[str, dict[str, Any]], schemas: dict[str, Any]) -> None:
    """What the gateway answers itself."""
    for model in (PublicBrand, Greeting, WeatherOut, PartMissing, LineLoad, ContactsToConfirm, UsersWaiting):
        own = model.model_json_schema(mode="serialization", ref_template=_REF + "gateway_{model}")
        schemas |= {f"gateway_{key}": schema for key, schema in own.pop("$defs", {}).items()}
        schemas[f"gateway_{model.__name__}"] = own
    schemas["gateway_Dashboard"] = _dashboard(schemas)
    content = {_JSON: {"schema": {"$ref": f"{_REF}gateway_PublicBrand"}}}
    _own(paths, "/brand", "Name, logo, colours, support, legal links.", content, public=True)
    _own(paths, "/openapi.json", "This document.", {_JSON: {"schema": {"type": "object"}}}, public=True)
    events = {"text/event-stream": {"schema": {"type": "string"}}}
    summary = (
        "Server-sent events `invoice_filed`, `document_filed`, `contract_changed`, `contract_cancelled`, "
        "`notice_approaching`, `contact_changed`, `contact_confirmed`, `review_due` (id, kind, number, link), "
        "`file_shared`, `file_quarantined`, `file_opened` (also side: who brought it), and `resync`."
    )
    _own(paths, "/live", summary, events, public=False)
    content = {_JSON: {"schema": {"$ref": f"{_REF}gateway_Dashboard"}}}
    summary = "The start page: each part as it is, or why it is missing; what the reader may not see is not there."
    _own(paths, "/dashboard", summary, content, public=False)


def _dashboard(schemas: dict[str, Any]) -> dict[str, Any]:
    """Lists hold what the services' own lists hold."""

    def schema(name: str) -> dict[str, Any]:
        return {"$ref": _REF + name} if name in schemas else {"type": "object", "additionalProperties": True}

    def items(name: str = "") -> dict[str, Any]:
        return {"type": "array", "items": schema(name)}

    parts = {
        "weather": schema("gateway_WeatherOut"),
        "documents": items("documents_DocumentOut"),
        "lines": items("gateway_LineLoad"),
        "deadlines": items("contracts_DeadlineOut"),
        "contacts_to_confirm": schema("gateway_ContactsToConfirm"),
        "users_waiting": schema("gateway_UsersWaiting"),
        "objections": items(),
        "exchange": items(),
    }
    missing = schema("gateway_PartMissing")
    own = {"greeting": schema("gateway_Greeting")}
    properties = own | {name: {"anyOf": [part, missing]} for name, part in parts.items()}
    return {"title": "Dashboard", "type": "object", "required": ["greeting"], "properties": properties}


def _own(paths: dict[str, dict[str, Any]], path: str, summary: str, content: Any, *, public: bool) -> None:
    route = Route("GET", path, "gateway", public=public)
    refusals = own_problems(route, "get")
    if not public:
        refusals |= {str(status): answer for status, answer in problems(Forbidden, MethodNotAllowed).items()}
    paths[PREFIX + path] = {
        "get": {
            "summary": summary,
            "operationId": "gateway_" + path.strip("/").replace(".", "_"),
            "tags": ["gateway"],
            "security": [] if public else [{"session": []}],
            "responses": refusals | {"200": {"description": "OK", "content": content}},
        }
    }
