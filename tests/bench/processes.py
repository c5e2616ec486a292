"""Processes of a bench: started, waited for, measured, ended."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from chassis.bus import connected_bus
from chassis.testing import NatsServer, nats_server, wait_until

ROOT = Path(__file__).parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")


def program(name: str) -> str | None:
    """A program of the system, also where only root usually looks."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None, port: int = 0
) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the block; with a port, once it listens there."""
    with log.open("ab") as words:
        process = subprocess.Popen(command, stdout=words, stderr=words, env=os.environ | (environment or {}), cwd=ROOT)
    try:
        if port:
            wait_until(lambda: process.poll() is not None or listens(port), seconds=30)
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended at once: {log.read_text()[-2000:]}")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def broker() -> Iterator[NatsServer]:
    """With all streams, so that services listen and tell as they always do."""

    async def declare(url: str) -> None:
        bus = await connected_bus("portalctl", url)
        await bus.apply()
        await bus.close()

    with nats_server() as server:
        asyncio.run(declare(server.url))
        yield server


def served_by_uvicorn(
    application: str, port: int, log: Path
) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """A small ASGI application of this folder in a process of its own, as fast as uvicorn can."""
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), "--no-access-log"]
    return running([*command, "--log-level", "warning"], log=log, port=port)


def listens(port: int) -> bool:
    """Somebody takes connections there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its children that live."""
    return sum(_own_cpu_seconds(one) for one in (pid, *children(pid)))


def children(pid: int) -> list[int]:
    """Direct ones."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def parent(pid: int) -> int:
    """Who started it."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _own_cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mib(pid: int) -> tuple[float, float]:
    """Resident, and with shared pages divided among those who share them."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    found = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in rollup}
    return found["Rss"], found["Pss"]
