"""The inner port: what only the operator's own network may ask."""

import json
from collections.abc import Callable
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Receive, Scope, Send

from chassis.errors import PROBLEM_JSON, NotFound, problem_body


class Inner:
    """``/healthz``, ``/readyz``, ``/telemetry`` and ``/identity-keys``."""

    def __init__(self, public_keys: dict[str, Any], not_ready: Callable[[], str]) -> None:
        """``not_ready`` says why no further request should come, or nothing."""
        self._keys = json.dumps(public_keys).encode()
        self._not_ready = not_ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
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
            reason = self._not_ready()
            return 503 if reason else 200, "application/json", json.dumps({"status": reason or "ok"}).encode()
        if path == "/telemetry":
            return 200, CONTENT_TYPE_LATEST, generate_latest()
        if path == "/identity-keys":
            return 200, "application/json", self._keys
        return 404, PROBLEM_JSON, json.dumps(problem_body(NotFound(), "en", "")).encode()
