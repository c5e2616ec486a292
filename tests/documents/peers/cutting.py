"""A way to a server on which connections are cut at random bytes, as mobile networks do."""

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class CuttingProxy:
    """Carries bytes both ways; cuts after a random number of them, so many times in all."""

    upstream_port: int
    cuts: int
    most_bytes: int
    seed: int
    port: int = 0
    cut: int = 0
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        there, back = await asyncio.open_connection("127.0.0.1", self.upstream_port)
        left = self.chance.randrange(1, self.most_bytes) if self.cut < self.cuts else None
        # now and then it is the answer that gets lost
        answers_left = 0 if left is not None and self.chance.random() < 0.1 else None
        ways = [
            asyncio.create_task(self._carry(reader, back, left)),
            asyncio.create_task(self._carry(there, writer, answers_left)),
        ]
        try:
            done, _pending = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            self.cut += any(task.result() for task in done)
        finally:
            for task in ways:
                task.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for one in (writer, back):
                one.transport.abort()
                with contextlib.suppress(ConnectionError):
                    await one.wait_closed()

    @staticmethod
    async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None) -> bool:
        """True: it was cut on purpose."""
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if left is not None and len(data) > left:
                    writer.write(data[:left])
                    await writer.drain()
                    return True
                left = None if left is None else left - len(data)
                writer.write(data)
                await writer.drain()
        return False


@contextlib.contextmanager
def cutting(proxy: CuttingProxy) -> Iterator[CuttingProxy]:
    """In a thread of its own, because the clients block."""
    loop = asyncio.new_event_loop()

    async def listen() -> asyncio.Server:
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        return server

    server = loop.run_until_complete(listen())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def end() -> None:
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
