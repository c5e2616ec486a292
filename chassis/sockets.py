"""Bytes straight from and to sockets, for bodies so large that parser and loop would cost more than the bytes.

The loop lets go of a body only when nothing of it lies in its own buffers, and moves none of it from then on. What the
parser has not seen it never sees: the connection ends with its answer.
"""

import asyncio
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

LARGE_BYTES = 1024 * 1024
"""Less is not worth a thread."""
LOOK_SECONDS = 0.1
DISCARD_SECONDS = 5.0


class Threads:
    """A few of them for large bodies only. When all are busy, bodies go through the loop as all others do."""

    def __init__(self, name: str, most: int) -> None:
        self._pool = ThreadPoolExecutor(most, thread_name_prefix=name)
        self._most = most
        self._busy = 0

    @property
    def has_room(self) -> bool:
        """One more may begin."""
        return self._busy < self._most

    def take(self) -> None:
        """One body more."""
        self._busy += 1

    def give_back(self) -> None:
        """One body less."""
        self._busy -= 1

    def run(self, blocking: Callable[..., Any], *arguments: Any) -> "asyncio.Future[Any]":
        """In one of them."""
        return asyncio.get_running_loop().run_in_executor(self._pool, blocking, *arguments)


def end_of(transport: asyncio.BaseTransport) -> socket.socket:
    """A descriptor of one's own: whatever becomes of the transport, no other connection gets this number."""
    return socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))


def wait_for(end: socket.socket, what: int, idle_seconds: float, stop: Callable[[], bool]) -> None:
    """Until something can move, or looking is needed again.

    Raises:
        TimeoutError: nothing for so long.
    """
    waiting = select.poll()
    waiting.register(end, what)
    until = time.monotonic() + idle_seconds
    while not waiting.poll(LOOK_SECONDS * 1000) and not stop():
        if time.monotonic() > until:
            raise TimeoutError


class RestOfBody:
    """What is still to come of a request's body, read from the socket in a thread."""

    def __init__(self, threads: Threads, transport: asyncio.BaseTransport, arrived: bytes, left: int) -> None:
        self._threads = threads
        self._end = end_of(transport)
        self._arrived = arrived
        self._left = left
        self._halted = threading.Event()
        self._reading: asyncio.Future[Any] | None = None
        threads.take()

    async def piece(self) -> tuple[bytes | memoryview, bool]:
        """The next bytes, as many as are there up to a mebibyte, and whether there are more; none: the client is gone.

        May be cancelled; then nothing more may be asked of it.
        """
        if self._arrived:
            piece, self._arrived = self._arrived, b""
            self._left -= len(piece)
            return piece, self._left > 0
        self._reading = self._threads.run(self._received)
        found: memoryview = await self._reading
        self._left -= len(found)
        return found, self._left > 0

    def close(self) -> None:
        """Let go. What is still coming is thrown away for a while: else its sender would lose the answer."""
        self._halted.set()
        last = self._threads.run(self._discard if self._left else lambda: None)
        last.add_done_callback(lambda _last: self._let_go())

    def _let_go(self) -> None:
        self._end.close()
        self._threads.give_back()

    def _received(self) -> memoryview:
        buffer = memoryview(bytearray(min(LARGE_BYTES, self._left)))
        count = 0
        while count < len(buffer) and not self._halted.is_set():
            try:
                more = self._end.recv_into(buffer[count:])
            except BlockingIOError:
                if count:
                    break
                wait_for(self._end, select.POLLIN, float("inf"), self._halted.is_set)
                continue
            except OSError:
                return buffer[:0]
            if not more:
                return buffer[:0] if not count else buffer[:count]
            count += more
        return buffer[:count]

    def _discard(self) -> None:
        until, scrap = time.monotonic() + DISCARD_SECONDS, bytearray(LARGE_BYTES)
        while time.monotonic() < until:
            try:
                if not self._end.recv_into(scrap):
                    return
            except BlockingIOError:
                try:
                    wait_for(self._end, select.POLLIN, DISCARD_SECONDS, lambda: False)
                except TimeoutError:
                    return
            except OSError:
                return


def rest_of_body(receive: Any, left: int, threads: Threads) -> RestOfBody | None:
    """The rest of a large body behind an ASGI ``receive``, where it is uvicorn's and there is a thread for it.

    ``left`` is what `receive` has not handed out yet. It must not be called any more.
    """
    cycle = getattr(receive, "__self__", None)
    if not isinstance(cycle, RequestResponseCycle) or left < LARGE_BYTES or not threads.has_room or cycle.disconnected:
        return None
    cycle.flow.pause_reading()
    arrived, cycle.body = bytes(cycle.body), bytearray()
    cycle.keep_alive = False
    return RestOfBody(threads, cycle.transport, arrived, left)
