"""Load: wrk for how much goes through, and an own client that sends at set times for how long an answer takes."""

import asyncio
import contextlib
import re
import selectors
import statistics
import subprocess
import time
from collections import deque
from dataclasses import dataclass

CONNECTIONS = 32


@dataclass(frozen=True)
class Target:
    """Where requests go, and how they look."""

    name: str
    port: int
    path: str
    cookie: str

    @property
    def request(self) -> bytes:
        lines = (f"GET {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Cookie: {self.cookie}", "", "")
        return "\r\n".join(lines).encode()


def requests_per_second(wrk: str, target: Target, seconds: int) -> float:
    """With one thread and 32 connections, each sending again as soon as it has its answer.

    Raises:
        RuntimeError: an answer was not 200, or a connection broke; such a round measures something else.
    """
    url = f"http://127.0.0.1:{target.port}{target.path}"
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", f"Cookie: {target.cookie}", url]
    words = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", words)
    if rate is None or "Non-2xx" in words or "Socket errors" in words:
        raise RuntimeError(f"{target.name}: {words}")
    return float(rate[1])


class _Connection(asyncio.Protocol):
    """Kept open; one request at a time."""

    def __init__(self, client: "_Client") -> None:
        self._client = client
        self._data = b""
        self._due = 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, due: float) -> None:
        assert self.transport is not None
        self._due, self._data = due, b""
        self.transport.write(self._client.request)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, parted, body = self._data.partition(b"\r\n\r\n")
        if not parted:
            return
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if length is None or not head.startswith(b"HTTP/1.1 200"):
            self._client.fail(head)
        elif len(body) >= int(length[1]):
            self._client.answered(self, self._due)

    def connection_lost(self, _error: Exception | None) -> None:
        self._client.fail(b"connection lost")


class _Client:
    """Sends at the times it was told, whether answers have come or not: what waits, waits on the clock."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.milliseconds: list[float] = []
        self._idle: deque[_Connection] = deque()
        self._waiting: deque[float] = deque()
        self._all: list[_Connection] = []
        self._expected: int | None = None
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(CONNECTIONS):
            _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", port)
            self._all.append(connection)
        self._idle.extend(self._all)

    async def paced(self, rate: float, seconds: float) -> None:
        clock = time.perf_counter
        start = clock()
        total = int(rate * seconds)
        for number in range(total):
            due = start + number / rate
            await asyncio.sleep(max(due - clock(), 0))
            if self._idle:
                self._idle.popleft().send(due)
            else:
                self._waiting.append(due)
        self._expected = total
        self._look()
        await self._done

    def answered(self, connection: _Connection, due: float) -> None:
        self.milliseconds.append((time.perf_counter() - due) * 1000)
        if self._waiting:
            connection.send(self._waiting.popleft())
        else:
            self._idle.append(connection)
        self._look()

    def _look(self) -> None:
        if len(self.milliseconds) == self._expected and not self._done.done():
            self._done.set_result(None)

    def fail(self, words: bytes) -> None:
        if not self._done.done():
            self._done.set_exception(RuntimeError(words.decode("latin-1")[:500]))

    def close(self) -> None:
        for connection in self._all:
            if connection.transport is not None:
                connection.transport.abort()


@dataclass(frozen=True)
class Latency:
    """Of one round, in milliseconds from the moment a request was due."""

    median: float
    p99: float


def latency(target: Target, *, rate: float, seconds: float) -> Latency:
    """At a set rate over kept connections.

    On `select`, because it is the one selector that waits in microseconds; the others round to whole milliseconds.

    Raises:
        RuntimeError: an answer was not 200.
    """

    async def measured() -> list[float]:
        client = _Client(target.request)
        await client.connect(target.port)
        with contextlib.closing(client):
            await asyncio.wait_for(client.paced(rate, seconds), seconds + 30)
            return client.milliseconds

    def new_loop() -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(selectors.SelectSelector())

    with asyncio.Runner(loop_factory=new_loop) as runner:
        found = runner.run(measured())
    return Latency(statistics.median(found), statistics.quantiles(found, n=100)[98])
