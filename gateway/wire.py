"""The connections of the public port: uvicorn's, with an end to patience and problems instead of plain text."""

import asyncio
import json
import os
import re
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from chassis.errors import PROBLEM_JSON, BadRequest, problem_body

HEAD_SECONDS = 15.0
LINGER_SECONDS = 10.0
HEAD_BYTES = 32 * 1024
MOST_HEADERS = 100
UNACKNOWLEDGED_MS = 30_000


_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)


def _without_upgrade(data: bytes) -> bytes:
    """Offered protocols may be ignored (RFC 9110, 7.8), but the parser stops at them: hide the offer from it.

    Some clients (Java's) offer HTTP/2 with every request on plain http. Only a head that comes in pieces is not seen
    here; such a request is answered and its connection ends, or it is refused when it bears a body.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nx-upgrade:", head) + end + rest


class PatientProtocol(HttpToolsProtocol):
    """Bounds what a client may send before its request is understood."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._upgraded = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new client; one that stops reading is cut by the kernel."""
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
        self._deadline = self.loop.call_later(HEAD_SECONDS, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left."""
        self._patience_ends_not()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a head are counted; after an upgrade that we do not offer nothing more is read."""
        if self._upgraded or self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
            if self._deadline is None:
                self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)
            if b"pgrade:" in data:
                data = _without_upgrade(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES:
            self.send_400_response("The head of the request is too large.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One more header."""
        super().on_header(name, value)
        if len(self.headers) > MOST_HEADERS:
            raise ValueError("too many headers")

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._patience_ends_not()
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            raise ValueError("another version")
        self._upgraded = self.parser.should_upgrade()
        if self._upgraded and any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers):
            raise ValueError("the parser would lose this body")
        super().on_headers_complete()
        if self._upgraded:
            self.cycle.keep_alive = False
            self.cycle.more_body = False

    def on_message_complete(self) -> None:
        """The request is whole; a next one may begin in the same bytes."""
        super().on_message_complete()
        self._patience_ends_not()
        self._in_head = True
        self._head_bytes = 0

    def on_response_complete(self) -> None:
        """Answered; the rest of the request is read, so that the client sees the answer, but not for long."""
        super().on_response_complete()
        if not self._in_head and self._deadline is None and self.cycle.response_complete:
            self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def send_400_response(self, msg: str) -> None:
        """What cannot be read as a request gets a problem and the end of the connection."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.close()
            return
        body = json.dumps(problem_body(BadRequest(detail=msg), "en", os.urandom(16).hex())).encode()
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {len(body)}\r\n"
            "cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Not worth a line: clients offer h2c by themselves."""

    def _patience_ends_not(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
