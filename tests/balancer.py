"""What stands before replicas: gives each new connection to one of them in turn, as a Kubernetes Service does."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator


class Balancer:
    """On one port, for several; who left gets no new connections and keeps those it has."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.backends: list[int] = []
        self._turn = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to whoever takes it."""
        there = None
        for _ in range(len(self.backends)):
            self._turn += 1
            with contextlib.suppress(OSError, ZeroDivisionError):
                there = await asyncio.open_connection("127.0.0.1", self.backends[self._turn % len(self.backends)])
                break
        if there is None:
            writer.transport.abort()
            return
        try:
            # Cancelled at the end of the block: nobody is there to hear of it.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(_carry(reader, there[1]), _carry(there[0], writer))
        finally:
            for one in (writer, there[1]):
                one.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One way, to its end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


@contextlib.contextmanager
def balancing(*balancers: Balancer) -> Iterator[None]:
    """All of them in one thread, for the block."""
    loop = asyncio.new_event_loop()
    servers = [loop.run_until_complete(asyncio.start_server(one.serve, "127.0.0.1", one.port)) for one in balancers]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def end() -> None:
        for server in servers:
            server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
