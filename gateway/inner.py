"""The inner port: what only the operator's own network may ask."""

import json
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Receive, Scope, Send

from chassis.errors import PROBLEM_JSON, NotFound, problem_body
from gateway.authorize import AUTHORIZE, Authorize
from gateway.wire import Cycle


class Inner:
    """``/healthz``, ``/readyz``, ``/telemetry``, ``/identity-keys``; ``/authorize`` for a proxy that carries bytes."""

    def __init__(self, public_keys: dict[str, Any], authorize: Authorize) -> None:
        self._authorize = authorize
        self._keys = json.dumps(public_keys).encode()
        self.stopping = False
        """No further request should come."""

    def begin(self, cycle: Cycle) -> bool:
        """`Authorize.begin` for its paths; nothing else is asked often."""
        return self._authorize.begin(cycle) if cycle.scope["path"].startswith(AUTHORIZE) else False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        if scope["path"].startswith(AUTHORIZE):
            await self._authorize(scope, receive, send)
            return
        status, kind, body = self._answer(scope["path"])
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, path: str) -> tuple[int, str, bytes]:
        if path == "/healthz":
            return 200, "application/json", b'{"status": "ok"}'
        if path == "/readyz":
            if self.stopping:
                return 503, "application/json", b'{"status": "stopping"}'
            return 200, "application/json", b'{"status": "ok"}'
        if path == "/telemetry":
            return 200, CONTENT_TYPE_LATEST, generate_latest()
        if path == "/identity-keys":
            return 200, "application/json", self._keys
        return 404, PROBLEM_JSON, json.dumps(problem_body(NotFound(), "en", "")).encode()
