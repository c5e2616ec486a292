"""One HTTP/1.1 connection to a service: streamed both ways, no work that a proxy does not need.

Strict where a lenient reader would let two messages blur: an answer must say its length or be chunked, a connection is
used again only after request and answer were both whole, and whatever arrives unasked closes it.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from typing import cast

import httptools

from gateway.batch import BATCH

HeaderList = list[tuple[bytes, bytes]]

BUFFERED_BYTES = 256 * 1024


class UpstreamDown(Exception):
    """No connection, or it broke before the answer began."""


class UpstreamBroke(Exception):
    """The connection broke in the middle of an answer, which must not look whole."""


class Connection(asyncio.Protocol):
    """One connection; one exchange at a time."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: HeaderList = []
        self.born = time.monotonic()
        self.idle_since = self.born
        self.used = False
        self.head_done = False
        self.head_due = math.inf
        """Until when, by the loop's clock."""
        self.complete = True
        self._framed = False
        self._broken = False
        self._informational = False
        self._expired = False
        self._bodiless = False
        self._chunks: deque[bytes] = deque()
        self._buffered = self._arrived = 0
        self._reading_paused = False
        self._writing_paused = False
        self._waiter = self._drained = cast("asyncio.Future[None] | None", None)
        self.on_news: Callable[[], None] | None = None
        """Told of whatever arrives, instead of a coroutine that waits for it."""
        self._parser = httptools.HttpResponseParser(self)
        self.transport: asyncio.Transport = None  # type: ignore[assignment]  # set by connection_made

    @property
    def usable(self) -> bool:
        """Nothing is open on it and it still stands."""
        return self.complete and not self._broken and not self.transport.is_closing()

    @property
    def waits(self) -> bool:
        """Neither an answer has begun nor is it clear that none will."""
        return not (self.head_done or self._broken or self._expired)

    def begin(self, head: bytes, *, bodiless: bool) -> None:
        """Send a request's head (and body where it is known); ``bodiless`` for HEAD, whose answer has no body."""
        self.used = self.status != 0
        self.head_due = math.inf
        self.head_done = self.complete = self._framed = False
        self._bodiless = bodiless
        self._chunks.clear()
        self._buffered = self._arrived = 0
        BATCH.write(self.transport, head)

    async def write(self, data: bytes) -> None:
        """A piece of the request's body; waits while the service is slow to take it, until it answers."""
        if self._broken:
            raise UpstreamBroke
        BATCH.flush()
        self.transport.write(data)
        if self._writing_paused and not self.head_done:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained

    async def head(self, seconds: float) -> None:
        """Until ``status`` and ``headers`` are there.

        Raises:
            UpstreamDown: they will not come.
            TimeoutError: they have not come in time.
        """
        self.head_due = asyncio.get_running_loop().time() + seconds
        while not self.head_done:
            if self._expired:
                raise TimeoutError
            if self._broken:
                raise UpstreamDown("closed before it answered")
            await self._news()

    def taken(self) -> bytes:
        """What has arrived of the body."""
        if not self._chunks:
            return b""
        data = self._chunks.popleft() if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()
        return data

    async def chunk(self) -> bytes:
        """The next piece of the body; empty when it is whole.

        Raises:
            UpstreamBroke: it will never be whole.
        """
        while not self._chunks:
            if self.complete:
                return b""
            if self._broken:
                raise UpstreamBroke
            await self._news()
        return self.taken()

    @property
    def stops_taking(self) -> bool:
        """It has answered, or is gone."""
        return self.head_done or self._broken

    @property
    def expected(self) -> int:
        """How many bytes of the body are still to come from the service; 0 where nobody knows."""
        length = next((int(value) for name, value in self.headers if name == b"content-length"), 0)
        return max(0, length - self._arrived)

    def take_rest(self) -> bytes:
        """Leave the rest of the body to somebody who reads the socket himself; returns what is here already."""
        self.transport.pause_reading()
        self._reading_paused = False
        self._broken = True
        return self.taken()

    def abort(self) -> None:
        """Cut it: the other side must not take what it got for a whole message."""
        self._broken = True
        self.transport.abort()

    async def _news(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def look_at_clock(self, now: float) -> None:
        """Wake whoever waits too long for an answer's head."""
        if now >= self.head_due and not self.head_done:
            self._expired = True
            self._wake()

    def _wake(self) -> None:
        if self.on_news is not None:
            self.on_news()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one without being a subclass

    def connection_lost(self, _exc: Exception | None) -> None:
        """Asyncio's: wake whoever waits."""
        self._broken = True
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Asyncio's: the service is slow."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Asyncio's: the service takes more."""
        self._writing_paused = False
        self._write_on()

    def _write_on(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Asyncio's: feed the parser."""
        if self.complete or self._broken:
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.abort()
        self._wake()

    def on_message_begin(self) -> None:
        """The parser's."""
        if self.head_done:
            raise ValueError("a second answer")
        self.headers = []
        self._framed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser's."""
        name = name.lower()
        if name in (b"content-length", b"transfer-encoding"):
            self._framed = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The parser's: enough to answer with."""
        status = self._parser.get_status_code()
        self._informational = status < 200
        if self._informational:
            if status == 101:
                raise ValueError("nobody asked to switch protocols")
            return
        if not self._framed and status not in (204, 304) and not self._bodiless:
            raise ValueError("an answer without its length")
        self.status = status
        self.head_done = True
        self._write_on()
        if self._bodiless or (status == 304 and self._framed):
            # The parser would wait for the body that the length speaks of.
            self.complete = self._broken = True

    def on_body(self, body: bytes) -> None:
        """The parser's: hold it until it is fetched, and stop reading when it is much."""
        if self._bodiless:
            return
        self._chunks.append(body)
        self._buffered += len(body)
        self._arrived += len(body)
        if self._buffered > BUFFERED_BYTES and not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()

    def on_message_complete(self) -> None:
        """The parser's."""
        if self._informational:
            return
        self.complete = True
        if not self._parser.should_keep_alive():
            self._broken = True
