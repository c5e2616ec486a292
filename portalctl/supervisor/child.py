"""One process under the supervisor: started again when it dies, and gone when the supervisor is gone."""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from portalctl.console import say

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
STEADY_SECONDS = 30.0
LARGEST_LOG_BYTES = 10 * 1024 * 1024

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
"""Loaded before the fork: afterwards nothing may be allocated."""


@dataclass(frozen=True)
class Recipe:
    """How a process is started."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    port: int


def pause_after(lived_seconds: float, pause_before: float) -> float:
    """How long to wait before the next start: doubling to five seconds, anew after thirty steady ones."""
    if lived_seconds >= STEADY_SECONDS or not pause_before:
        return FIRST_PAUSE_SECONDS
    return min(pause_before * 2, LONGEST_PAUSE_SECONDS)


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
    return f"ended with code {code}"


def tied_to(parent: int) -> Callable[[], None]:
    """What a child does before it becomes the program: die with its parent, whatever ends that one (Linux)."""

    def tie() -> None:
        if sys.platform == "linux":
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return tie


class Child:
    """A process that is kept running until it is told to stop."""

    def __init__(
        self, recipe: Recipe, on_start: Callable[[int], None], on_end: Callable[[int], None] = lambda _pid: None
    ) -> None:
        self.recipe = recipe
        self._on_start = on_start
        self._on_end = on_end
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def pid(self) -> int:
        """Of the process that runs now, or ran last."""
        return self._process.pid if self._process else 0

    @property
    def is_running(self) -> bool:
        """Started, and not ended yet."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it, and keep it running from now on."""
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.recipe.name}")

    async def _spawn(self) -> None:
        """Its own session: Ctrl-C in the terminal reaches the supervisor alone, which then stops all in order."""
        with _opened_log(self.recipe.log) as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.recipe.command,
                env=dict(self.recipe.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=tied_to(os.getpid()),
            )
        self._on_start(self._process.pid)

    async def _keep(self) -> None:
        pause = 0.0
        while True:
            assert self._process is not None
            started = time.monotonic()
            code = await self._process.wait()
            self._on_end(self._process.pid)
            if self._stopping:
                return
            pause = pause_after(time.monotonic() - started, pause)
            say(f"  {self.recipe.name} {how_it_ended(code)}; starting it again (its words: {self.recipe.log})")
            await asyncio.sleep(pause)
            if self._stopping:
                return
            await self._spawn()

    def ask_to_stop(self) -> None:
        """SIGTERM; it is not started again."""
        self._stopping = True
        self._signal(signal.SIGTERM)

    async def stop(self, *, within_seconds: float) -> None:
        """SIGTERM, and SIGKILL when it has not gone in time."""
        self.ask_to_stop()
        if self._process is not None and self._process.returncode is None:
            try:
                await asyncio.wait_for(self._process.wait(), max(within_seconds, 0.01))
            except TimeoutError:
                self._signal(signal.SIGKILL)
                await self._process.wait()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    def _signal(self, number: signal.Signals) -> None:
        if self.is_running and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


def _opened_log(path: Path) -> "contextlib.AbstractContextManager[int]":
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LARGEST_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return _Descriptor(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))


class _Descriptor(contextlib.AbstractContextManager[int]):
    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> int:
        return self._number

    def __exit__(self, *_: object) -> None:
        os.close(self._number)
