"""How a process that serves HTTP ends without one request lost, while others take its place.

Whoever holds a connection open may send on it in the very moment in which it is closed, and cannot know whether that
was heard. So before the port closes, each answer ends its connection and the next one is made to somebody else.
"""

import asyncio
from types import FrameType

import uvicorn

CLOSE = (b"connection", b"close")


def end_connections(server: uvicorn.Server) -> None:
    """From here on each answer is the last one on its connection (RFC 9112, 9.6)."""
    if CLOSE not in server.config.encoded_headers:
        server.config.encoded_headers.append(CLOSE)
        server.server_state.default_headers = [*server.server_state.default_headers, CLOSE]


class LeavingServer(uvicorn.Server):
    """Told to end, it goes on for a while, ending connections."""

    def __init__(self, config: uvicorn.Config, *, leave_after_seconds: float) -> None:
        super().__init__(config)
        self._leave_after = leave_after_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Of the first signal; a second one ends it at once."""
        if not self._leave_after:
            super().handle_exit(sig, frame)
            return
        seconds, self._leave_after = self._leave_after, 0.0
        end_connections(self)
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(lambda: loop.call_later(seconds, self.handle_exit, sig, frame))
