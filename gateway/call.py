"""One request on its way through the gateway, and the answers the gateway gives itself."""

import json
import os
import time
from typing import Any

from starlette.types import Receive, Scope, Send

from chassis.errors import PROBLEM_JSON, AppError, problem_body
from gateway.caller import Credential, language_of
from gateway.connection import HeaderList
from gateway.headers import API_POLICY
from gateway.routing import Route
from gateway.sessions import Known


class ClientGone(Exception):
    """Nobody is there to read an answer."""


_IDS: list[str] = []


def _new_id() -> str:
    """32 hexadecimal digits by chance; many are drawn at once, for each draw is a call of the kernel."""
    digits = os.urandom(16 * 256).hex()
    _IDS.extend(digits[at : at + 32] for at in range(0, len(digits), 32))
    return _IDS.pop()


class Call:
    """What is known of the request so far."""

    __slots__ = (
        "address",
        "body_read",
        "cookies",
        "credential",
        "headers",
        "known",
        "length",
        "lines",
        "method",
        "path",
        "receive",
        "request_id",
        "route",
        "scope",
        "send",
        "started",
        "status",
        "target",
        "traceparent",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.started = time.perf_counter()
        self.request_id = _IDS.pop() if _IDS else _new_id()
        self.method: str = scope["method"]
        self.path: str = scope["raw_path"].decode("latin-1")
        self.target: bytes = scope["raw_path"]
        """The path at the service."""
        self.status = 0
        """Of the answer; 0 while it has not begun."""
        self.headers: dict[bytes, bytes] = {}
        self.lines = b""
        """What of the headers passes to a service, where that is known before."""
        self.cookies: dict[str, bytes] = {}
        self.address = ""
        self.length: int | None = 0
        self.body_read = False
        self.route: Route | None = None
        self.credential: Credential | None = None
        self.known: Known | None = None
        self.traceparent = b""
        """Of this call's span, where there is a collector; none from outside is ever passed on."""

    @property
    def language(self) -> str:
        """The reader's: what the browser says, else what the person has chosen."""
        said = self.headers.get(b"accept-language")
        if said is None and self.known is not None:
            return self.known.language
        return language_of(said)

    async def begin(self, status: int, headers: HeaderList) -> None:
        """The answer's head; the port adds what every answer has."""
        self.status = status
        headers.append((b"x-request-id", self.request_id.encode("ascii")))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def answer(self, status: int, body: bytes, headers: HeaderList) -> None:
        """A small answer of our own."""
        if status not in (204, 304):
            headers.append((b"content-length", str(len(body)).encode("ascii")))
        await self.begin(status, headers)
        await self.send({"type": "http.response.body", "body": b"" if self.method == "HEAD" else body})

    async def answer_json(self, value: Any, headers: HeaderList | None = None) -> None:
        """200 with JSON that is stored nowhere unless ``headers`` say so."""
        own = [(b"content-type", b"application/json"), (b"content-security-policy", API_POLICY)]
        own += headers if headers is not None else [(b"cache-control", b"no-store")]
        await self.answer(200, json.dumps(value, ensure_ascii=False).encode(), own)

    async def refuse(self, error: AppError) -> None:
        """A problem in the reader's language (RFC 9457)."""
        body = problem_body(error, self.language, self.request_id)
        headers = [
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-security-policy", API_POLICY),
            (b"cache-control", b"no-store"),
        ]
        headers += [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
        await self.answer(error.status, json.dumps(body, ensure_ascii=False).encode(), headers)
