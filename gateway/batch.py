"""Small writes of one round of the event loop go out together.

Each write to a socket whose reader sleeps wakes it, and waking costs more than everything else a small request needs.
Written one after the other, the first one wakes the reader and the rest find it awake.
"""

import asyncio

SMALL_WRITE_BYTES = 16 * 1024
"""More than this is a write of its own, so that the transport's limits hold."""


class Batch:
    """Writes that wait for the end of the round; whoever writes directly flushes first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[asyncio.WriteTransport, bytes]] = []

    def write(self, transport: asyncio.WriteTransport, data: bytes) -> None:
        """Before the loop looks for news again."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.flush)
        self._waiting.append((transport, data))

    def flush(self) -> None:
        """At once."""
        waiting, self._waiting = self._waiting, []
        for transport, data in waiting:
            if not transport.is_closing():
                transport.write(data)


BATCH = Batch()
