"""HTTP/1.1 towards the services: connections kept open, bodies streamed both ways, no work that a proxy does not need.

Strict where a lenient reader would let two messages blur: an answer must say its length or be chunked, a connection is
used again only after request and answer were both whole, and whatever arrives unasked closes it.
"""

import asyncio
import contextlib
import math
import time
from collections import deque
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools

from gateway.batch import BATCH

HeaderList = list[tuple[bytes, bytes]]

BUFFERED_BYTES = 256 * 1024
CONNECT_SECONDS = 2.0
IDLE_SECONDS = 20.0
LOOK_SECONDS = 0.25
CERTAIN_SECONDS = 1.0
"""What must not be sent twice goes on a connection that was used so recently, or on a new one. A service that leaves
ends each connection with an answer for longer than that before it closes what is idle (`chassis.leaving`)."""
LIFE_SECONDS = 60.0
FAILURES_TO_OPEN = 5
OPEN_SECONDS = 1.0


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
        self._parser = httptools.HttpResponseParser(self)
        self.transport: asyncio.Transport = None  # type: ignore[assignment]  # set by connection_made

    @property
    def usable(self) -> bool:
        """Nothing is open on it and it still stands."""
        return self.complete and not self._broken and not self.transport.is_closing()

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
        if self._waiter is not None and not self._waiter.done():
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


class Answer(NamedTuple):
    """A small answer, read whole."""

    status: int
    headers: HeaderList
    body: bytes


class Upstream:
    """One service: its idle connections, how many requests are on their way, and whether it seems dead."""

    def __init__(self, name: str, url: str, *, in_flight: int = 512) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        self.name = name
        self._host = parts.hostname
        self._port = parts.port or 80
        self.host_header = parts.netloc.encode("ascii")
        self._idle: deque[Connection] = deque()
        self._in_flight = 0
        self._most_in_flight = in_flight
        self._busy: set[Connection] = set()
        self._looks = False
        self._time_outs = 0
        self._open_until = 0.0

    async def acquire(self, *, idle_seconds: float = IDLE_SECONDS) -> Connection:
        """A connection of one's own until `release`, one that was used within so many seconds or a new one.

        Raises:
            UpstreamDown: refused, too busy, or it has not answered anything for a while.
        """
        if self._in_flight >= self._most_in_flight:
            raise UpstreamDown("too many requests on their way")
        now = time.monotonic()
        if self._time_outs >= FAILURES_TO_OPEN:
            if now < self._open_until:
                raise UpstreamDown("does not answer")
            self._open_until = now + OPEN_SECONDS
        self._in_flight += 1
        while self._idle:
            connection = self._idle.pop()
            idle = now - connection.idle_since
            if not connection.usable or idle >= IDLE_SECONDS or now - connection.born >= LIFE_SECONDS:
                connection.abort()
            elif idle < idle_seconds:
                return self._taken(connection)
            else:
                self._idle.append(connection)
                break
        try:
            return self._taken(await self._connected())
        except BaseException:
            self._in_flight -= 1
            raise

    def _taken(self, connection: Connection) -> Connection:
        self._busy.add(connection)
        if not self._looks:
            self._looks = True
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look_at_clock)
        return connection

    def _look_at_clock(self) -> None:
        """One timer for all that is under way; limits of seconds want none for each request."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in tuple(self._busy):
            connection.look_at_clock(now)
        self._looks = bool(self._busy)
        if self._looks:
            loop.call_later(LOOK_SECONDS, self._look_at_clock)

    async def _connected(self) -> Connection:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                loop = asyncio.get_running_loop()
                _, connection = await loop.create_connection(Connection, self._host, self._port)
                return connection
        except (OSError, TimeoutError) as error:
            raise UpstreamDown(repr(error)) from None

    def release(self, connection: Connection, *, sent_whole: bool = True) -> None:
        """Keep it for the next one, if nothing is left over on it."""
        self._in_flight -= 1
        self._busy.discard(connection)
        if connection.head_done:
            self._time_outs = 0
        if sent_whole and connection.usable:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.abort()

    def give_up(self, connection: Connection) -> None:
        """Close it; what is under way on it is of no use to anybody."""
        self._in_flight -= 1
        self._busy.discard(connection)
        connection.abort()

    def timed_out(self) -> None:
        """Another request in a row that got no answer at all."""
        self._time_outs += 1
        if self._time_outs >= FAILURES_TO_OPEN:
            self._open_until = time.monotonic() + OPEN_SECONDS

    async def exchange(self, head: bytes, *, seconds: float, repeatable: bool, bodiless: bool = False) -> Connection:
        """Send a request whose body, if any, is in ``head``; returns once the answer has begun.

        A kept connection may have been closed at the very moment it was taken: what may be said twice is said
        again on a new one.

        Raises:
            UpstreamDown: no answer.
            TimeoutError: none within so many seconds.
        """
        idle_seconds = IDLE_SECONDS if repeatable else CERTAIN_SECONDS
        while True:
            connection = await self.acquire(idle_seconds=idle_seconds)
            try:
                connection.begin(head, bodiless=bodiless)
                await connection.head(seconds)
            except UpstreamDown:
                self.give_up(connection)
                if not (repeatable and connection.used):
                    raise
                idle_seconds = 0.0
            except BaseException:
                self.give_up(connection)
                raise
            else:
                return connection

    async def call(self, head: bytes, *, seconds: float, most_bytes: int = 16 * 1024 * 1024) -> Answer:
        """A small call of the gateway's own that may be repeated.

        Raises:
            UpstreamDown: no whole answer, whatever the cause.
        """
        connection = None
        try:
            async with asyncio.timeout(seconds):
                connection = await self.exchange(head, seconds=seconds, repeatable=True)
                return await _whole(connection, most_bytes)
        except TimeoutError:
            self.timed_out()
            raise UpstreamDown("took too long") from None
        except UpstreamBroke:
            raise UpstreamDown("broke") from None
        finally:
            if connection is not None:
                self.release(connection)

    async def close(self) -> None:
        """Let go of the idle connections."""
        while self._idle:
            with contextlib.suppress(Exception):
                self._idle.pop().abort()


async def _whole(connection: Connection, most_bytes: int) -> Answer:
    body = bytearray()
    while piece := await connection.chunk():
        body += piece
        if len(body) > most_bytes:
            raise UpstreamBroke
    return Answer(connection.status, connection.headers, bytes(body))
