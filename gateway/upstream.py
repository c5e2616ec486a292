"""The services: connections kept open, how much is on its way, and whether one seems dead."""

import asyncio
import contextlib
import time
from collections import deque
from typing import NamedTuple
from urllib.parse import urlsplit

from gateway.connection import Connection, HeaderList, UpstreamBroke, UpstreamDown

CONNECT_SECONDS = 2.0
IDLE_SECONDS = 20.0
LOOK_SECONDS = 0.25
CERTAIN_SECONDS = 1.0
"""What must not be sent twice goes on a connection that was used so recently, or on a new one. A service that leaves
ends each connection with an answer for longer than that before it closes what is idle (`chassis.leaving`)."""
LIFE_SECONDS = 60.0
FAILURES_TO_OPEN = 5
OPEN_SECONDS = 1.0


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
        if self._time_outs >= FAILURES_TO_OPEN:
            now = time.monotonic()
            if now < self._open_until:
                raise UpstreamDown("does not answer")
            self._open_until = now + OPEN_SECONDS
        connection = self._kept(idle_seconds)
        if connection is not None:
            return connection
        self._in_flight += 1
        try:
            connection = await self._connected()
        except BaseException:
            self._in_flight -= 1
            raise
        self._watch(connection)
        return connection

    def at_once(self) -> Connection | None:
        """As `acquire`, for what may be said twice; none where that would have to wait, or would fail."""
        if self._time_outs or self._in_flight >= self._most_in_flight:
            return None
        return self._kept(IDLE_SECONDS)

    def _kept(self, idle_seconds: float) -> Connection | None:
        now = time.monotonic()
        while self._idle:
            connection = self._idle.pop()
            idle = now - connection.idle_since
            if not connection.usable or idle >= IDLE_SECONDS or now - connection.born >= LIFE_SECONDS:
                connection.abort()
            elif idle < idle_seconds:
                self._in_flight += 1
                self._watch(connection)
                return connection
            else:
                self._idle.append(connection)
                break
        return None

    def _watch(self, connection: Connection) -> None:
        self._busy.add(connection)
        if not self._looks:
            self._looks = True
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look_at_clock)

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

    async def exchange(
        self,
        head: bytes,
        *,
        seconds: float,
        repeatable: bool,
        bodiless: bool = False,
        begun: Connection | None = None,
    ) -> Connection:
        """Send a request whose body, if any, is in ``head``, unless that was ``begun``; returns once the answer has.

        A kept connection may have been closed at the very moment it was taken: what may be said twice is said
        again on a new one.

        Raises:
            UpstreamDown: no answer.
            TimeoutError: none within so many seconds.
        """
        idle_seconds = IDLE_SECONDS if repeatable else CERTAIN_SECONDS
        while True:
            connection = begun or await self.acquire(idle_seconds=idle_seconds)
            try:
                if begun is None:
                    connection.begin(head, bodiless=bodiless)
                await connection.head(seconds)
            except UpstreamDown:
                self.give_up(connection)
                if not (repeatable and connection.used):
                    raise
                begun, idle_seconds = None, 0.0
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
