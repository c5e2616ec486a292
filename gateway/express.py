"""Large bodies past the event loop: a thread carries them from one socket to the other (see `chassis.sockets`)."""

import asyncio
import contextlib
import select
import socket
import threading
from collections.abc import Callable

from chassis.sockets import Threads, end_of, wait_for

MOST_AT_ONCE = 48
BUFFER_BYTES = 512 * 1024


class SourceEnded(Exception):
    """Before all bytes were there."""


class TargetGone(Exception):
    """It takes no more."""


class Express:
    """A few threads for large bodies. When all are busy, bodies go through the loop as all others do."""

    def __init__(self) -> None:
        self._threads = Threads("express", MOST_AT_ONCE)

    @property
    def has_room(self) -> bool:
        """One more may begin."""
        return self._threads.has_room

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
        self._threads.take()
        # copies of the descriptors: whatever becomes of the originals, nobody else's connection gets their numbers
        ends = end_of(source), end_of(target)
        moving = self._threads.run(_move, *ends, count, idle_seconds, lambda: halted.is_set() or stop())
        try:
            return int(await asyncio.shield(moving))
        finally:
            halted.set()
            moving.add_done_callback(lambda _moving: self._ended(*ends))
            with contextlib.suppress(Exception):
                await asyncio.shield(moving)

    def _ended(self, *ends: socket.socket) -> None:
        self._threads.give_back()
        for one in ends:
            one.close()


async def written(transport: asyncio.Transport) -> None:
    """Until nothing of what was said before waits in this process."""
    # transports tell nobody when they are empty
    while transport.get_write_buffer_size():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def _move(
    source: socket.socket, target: socket.socket, count: int, idle_seconds: float, stop: Callable[[], bool]
) -> int:
    buffer = memoryview(bytearray(min(BUFFER_BYTES, count)))
    moved = 0
    while moved < count and not stop():
        try:
            arrived = source.recv_into(buffer[: min(len(buffer), count - moved)])
        except BlockingIOError:
            wait_for(source, select.POLLIN, idle_seconds, stop)
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
                wait_for(target, select.POLLOUT, idle_seconds, stop)
            except OSError as error:
                raise TargetGone from error
        moved += sent
    return moved
