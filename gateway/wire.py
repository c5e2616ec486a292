"""The connections of the public port: uvicorn's, with an end to patience and problems instead of plain text."""

import asyncio
import json
import math
import os
import re
import socket
from collections.abc import Coroutine
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from chassis.errors import PROBLEM_JSON, BadRequest, problem_body
from chassis.leaving import CLOSE
from chassis.logging import log
from gateway.batch import BATCH, SMALL_WRITE_BYTES

HEAD_SECONDS = 15.0
LINGER_SECONDS = 10.0
IDLE_SECONDS = 75.0
HEAD_BYTES = 32 * 1024
MOST_HEADERS = 100
UNACKNOWLEDGED_MS = 30_000
CONNECTION = "kundenportal.connection"
"""The extension under which an application finds its `Cycle`."""


_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)


def _without_upgrade(data: bytes) -> bytes:
    """Offered protocols may be ignored (RFC 9110, 7.8), but the parser stops at them: hide the offer from it.

    Some clients (Java's) offer HTTP/2 with every request on plain http. Only a head that comes in pieces is not seen
    here; such a request is answered and its connection ends, or it is refused when it bears a body.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nx-upgrade:", head) + end + rest


class Cycle(RequestResponseCycle):
    """One answer; its head waits for the first bytes of its body, so that a small answer is one write."""

    access_log = False
    disconnected = False
    more_body = True
    response_started = False
    response_complete = False
    chunked_encoding = None
    expected_content_length = 0
    _head: bytes = b""
    _lingers = False
    """A client that is still sending would lose the answer if the connection were closed now."""

    def __init__(self, protocol: "PatientProtocol", *, keep_alive: bool) -> None:
        # uvicorn's own takes each of these as an argument; that is felt
        self.scope = protocol.scope
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.logger = protocol.logger
        self.default_lines = protocol.default_lines
        """Headers of every answer of this port."""
        self.message_event = asyncio.Event()
        self.on_response = protocol.on_response_complete
        self.start_task = protocol.start_task
        self.notes = protocol.notes
        """What the application keeps in mind as long as this connection stands."""
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = protocol.expect_100_continue
        self.body = bytearray()

    @property
    def takes(self) -> bool:
        """An answer need not wait for the client to take what it was given before."""
        return not self.flow.write_paused

    def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """A whole one, by an application that began it in `begin`."""
        if not self.disconnected:
            self._begin(status, headers)
            self._continue(body, more=False)

    def go_on(self, rest: Coroutine[Any, Any, None]) -> None:
        """Answer by a task after all."""
        self.start_task(self, rest)

    def take_rest(self) -> bytes:
        """Leave the rest of the request's body to somebody who reads the socket himself; returns what is here already.

        `receive` must not be called any more, and this connection ends with its answer: the parser has lost its place.
        """
        self.flow.pause_reading()
        data, self.body = bytes(self.body), bytearray()
        self.keep_alive, self._lingers = False, True
        return data

    def took_rest(self) -> None:
        """Nothing of it is left that the client would still be sending."""
        self._lingers = False

    def was_given(self, count: int) -> None:
        """So many bytes of the answer's body went past here."""
        self.expected_content_length -= count

    async def send(self, message: Any) -> None:
        """ASGI."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self._begin(message["status"], message["headers"])
        else:
            self._continue(message["body"], more=message.get("more_body", False))

    def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        lines = []
        for pair in headers:
            name = pair[0]
            if name == b"content-length":
                self.expected_content_length = int(pair[1])
                self.chunked_encoding = False
            elif name == b"connection" and pair[1].lower() == b"close":
                self.keep_alive = False
                continue
            lines.append(b"%b: %b\r\n" % pair)
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in (204, 304):
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
            raise ValueError("a line break in a header")
        if status in (204, 304):
            self.expected_content_length = 0  # what it says of a length is said of the body that is not sent
        self._head = STATUS_LINE[status] + self.default_lines + head + b"\r\n"

    def _continue(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            self.expected_content_length, body = 0, b""
        elif self.chunked_encoding:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more else b"0\r\n\r\n")
        else:
            self.expected_content_length -= len(body)
        if self._head:
            body, self._head = self._head + body, b""
        self._write(body, may_wait=self.keep_alive and not more)
        if more:
            return
        if self.expected_content_length:
            raise ValueError("the body has not the length that was said")
        self.response_complete = True
        # the scope holds this cycle and this cycle the scope: apart, both go at once, without the collector
        self.scope.pop("extensions", None)
        self.message_event.set()
        if not self.keep_alive and not self._lingers:
            self.transport.close()
        self.on_response()

    def _write(self, data: bytes, *, may_wait: bool) -> None:
        if may_wait and len(data) <= SMALL_WRITE_BYTES:
            BATCH.write(self.transport, data)
        elif data:
            BATCH.flush()
            self.transport.write(data)


class PatientProtocol(HttpToolsProtocol):
    """Bounds what a client may send before its request is understood.

    Its time runs out only when `look_at_clock` is called: limits of seconds want no timer for each request.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._upgraded = False
        self._begins = getattr(self.app, "begin", None)
        """Answers a `Cycle` without a task, or returns false and has done nothing."""
        self.notes: dict[str, Any] = {}
        self._ends = math.inf
        """When patience does, by the loop's clock."""
        self._defaults: list[tuple[bytes, bytes]] = []
        self.default_lines = b""
        self._leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new client; one that stops reading is cut by the kernel."""
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
        self._ends = self.loop.time() + HEAD_SECONDS

    def look_at_clock(self, now: float) -> None:
        """A head that does not come, a rest that does not end, a connection that nobody uses."""
        if now >= self._ends and not self.transport.is_closing():
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Bytes of a head are counted; after an upgrade that we do not offer nothing more is read."""
        if self._upgraded or self.transport.is_closing():
            return
        begins = self._in_head and not self._head_bytes
        if self._in_head:
            self._head_bytes += len(data)
            if b"pgrade:" in data:
                data = _without_upgrade(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        except httptools.HttpParserUpgrade:
            pass  # clients offer h2c by themselves
        else:
            if self._in_head and self._head_bytes:
                self._weigh_head(begins=begins)

    def _weigh_head(self, *, begins: bool) -> None:
        if self._head_bytes > HEAD_BYTES:
            self.send_400_response("The head of the request is too large.")
        elif begins:
            self._ends = self.loop.time() + HEAD_SECONDS

    def on_header(self, name: bytes, value: bytes) -> None:
        """One more header, or what is said after a chunked body."""
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))
        if len(self.headers) > MOST_HEADERS:
            raise ValueError("too many headers")

    def on_message_begin(self) -> None:
        """The first bytes of a request."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self.scope = {  # type: ignore[typeddict-item]  # the rest is known when the head is whole
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": "",
            "headers": self.headers,
        }

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._ends = math.inf
        parser, scope = self.parser, self.scope
        version = parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise ValueError("another version")
        self._upgraded = parser.should_upgrade()
        if self._upgraded and any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers):
            raise ValueError("the parser would lose this body")
        url = httptools.parse_url(self.url)
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["raw_path"] = url.path
        scope["path"] = url.path.decode("ascii")
        scope["query_string"] = url.query or b""
        self._see_lines_of_every_answer()
        before = self.cycle
        may_stay = version == "1.1" and not self._leaving and not self._upgraded and parser.should_keep_alive()
        self.cycle = cycle = Cycle(self, keep_alive=may_stay)
        cycle.more_body = not self._upgraded
        scope["extensions"] = {CONNECTION: cycle}  # type: ignore[dict-item]  # an extension of our own
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        try:
            if self._begins is not None and self._begins(cycle):
                return
        except Exception as error:
            log.error("begin_failed", exc_info=error)
        super()._start_asgi_task(cycle, app)

    def start_task(self, cycle: Cycle, rest: Coroutine[Any, Any, None]) -> None:
        """Of what was begun without one."""

        async def application(*_: object) -> None:
            await rest

        super()._start_asgi_task(cycle, application)

    def _see_lines_of_every_answer(self) -> None:
        """Made anew when the server has: once a second, for the date."""
        defaults = self.server_state.default_headers
        if defaults is not self._defaults:
            self._defaults = defaults
            self._leaving = CLOSE in defaults
            self.default_lines = b"".join(b"%b: %b\r\n" % pair for pair in defaults if pair != CLOSE)

    def on_message_complete(self) -> None:
        """The request is whole; a next one may begin in the same bytes."""
        self._in_head = True
        self._head_bytes = 0
        cycle = self.cycle
        if cycle.response_complete:
            self._ends = self.loop.time() + IDLE_SECONDS
        else:
            cycle.more_body = False
            cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Answered; the rest of the request is read, so that the client sees the answer, but not for long."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._in_head:
            self._ends = self.loop.time() + LINGER_SECONDS
        elif not self._head_bytes:
            self._ends = self.loop.time() + IDLE_SECONDS

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
            "cache-control: no-store\r\nconnection: close\r\n"
        )
        self._see_lines_of_every_answer()
        self.transport.write(head.encode("ascii") + self.default_lines + b"\r\n" + body)
        self.transport.close()
