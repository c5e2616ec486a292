"""Large bodies past the event loop: a thread carries their bytes from one socket to the other.

The loop hands over only when nothing of the body lies in its own buffers any more, and moves no byte of it until the
thread has ended. The parser of the side they come from never sees them: that connection carries no further message.
"""

import asyncio
import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

LARGE_BYTES = 1024 * 1024
"""Less is not worth a thread."""
MOST_AT_ONCE = 48
BUFFER_BYTES = 512 * 1024
LOOK_SECONDS = 0.1


class SourceEnded(Exception):
    """Before all bytes were there."""


class TargetGone(Exception):
    """It takes no more."""


class Express:
    """A few threads for large bodies. When all are busy, bodies go through the loop as all others do."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="express")
        self._busy = 0

    @property
    def has_room(self) -> bool:
        """One more may begin."""
        return self._busy < MOST_AT_ONCE

    async def carry(
        self,
        source: asyncio.Transport,
        target: asyncio.Transport,
        count: int,
        *,
        idle_seconds: float,
        stop: Callable[[], bool],
    ) -> int:
        """So many bytes between their sockets; fewer when ``stop`` says so. Returns how many.

        Raises:
            SourceEnded: it closed too early.
            TargetGone: it closed.
            TimeoutError: nothing moved for so long.
        """
        halted = threading.Event()
        self._busy += 1
        # copies of the descriptors: whatever becomes of the originals, nobody else's connection gets their numbers
        ends = _end_of(source), _end_of(target)
        moving = asyncio.get_running_loop().run_in_executor(
            self._threads, _move, *ends, count, idle_seconds, lambda: halted.is_set() or stop()
        )
        try:
            return await asyncio.shield(moving)
        finally:
            halted.set()
            moving.add_done_callback(lambda _moving: self._ended(*ends))
            with contextlib.suppress(Exception):
                await asyncio.shield(moving)

    def close(self) -> None:
        """No more."""
        self._threads.shutdown(wait=False)

    def _ended(self, *ends: socket.socket) -> None:
        self._busy -= 1
        for one in ends:
            one.close()


async def written(transport: asyncio.Transport) -> None:
    """Until nothing of what was said before waits in this process."""
    # transports tell nobody when they are empty
    while transport.get_write_buffer_size():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def _end_of(transport: asyncio.Transport) -> socket.socket:
    return socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))


def _move(
    source: socket.socket, target: socket.socket, count: int, idle_seconds: float, stop: Callable[[], bool]
) -> int:
    buffer = memoryview(bytearray(min(BUFFER_BYTES, count)))
    moved = 0
    while moved < count and not stop():
        try:
            arrived = source.recv_into(buffer[: min(len(buffer), count - moved)])
        except BlockingIOError:
            _wait(source, select.POLLIN, idle_seconds, stop)
            continue
        except OSError as error:
            raise SourceEnded from error
        if not arrived:
            raise SourceEnded
        sent = 0
        while sent < arrived and not stop():
            try:
                sent += target.send(buffer[sent:arrived])
            except BlockingIOError:
                _wait(target, select.POLLOUT, idle_seconds, stop)
            except OSError as error:
                raise TargetGone from error
        moved += sent
    return moved


def _wait(end: socket.socket, what: int, idle_seconds: float, stop: Callable[[], bool]) -> None:
    """Until something can move, or looking is needed again."""
    waiting = select.poll()
    waiting.register(end, what)
    until = time.monotonic() + idle_seconds
    while not waiting.poll(LOOK_SECONDS * 1000) and not stop():
        if time.monotonic() > until:
            raise TimeoutError
