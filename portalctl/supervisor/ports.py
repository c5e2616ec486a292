"""Ports: which are free, and who holds one that is not."""

import contextlib
import random
import socket
from collections.abc import Iterator
from pathlib import Path

INNER_PORTS = range(10_000, 30_000)
"""Below the range from which the system takes ports for outgoing connections, so nobody slips in during a restart."""

_LISTENING = "0A"


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """True when one could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def pick(wanted: int | None, taken: set[int]) -> int:
    """The wanted port if it is free, else another one; notes it as taken."""
    candidate = wanted or random.choice(INNER_PORTS)  # noqa: S311  # no secret
    while candidate in taken or not is_free(candidate):
        candidate = random.choice(INNER_PORTS)  # noqa: S311
    taken.add(candidate)
    return candidate


def holder(port: int) -> str:
    """Who listens on a port, in words: pid and command where the system lets us see them; else empty."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*") if sockets else ():
        if not sockets.isdisjoint(_open_files(process)):
            with contextlib.suppress(OSError):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
                return f"pid {process.name}, {command[:80]}"
    return ""


def _open_files(process: Path) -> Iterator[str]:
    """Those we may see; some vanish while we look."""
    with contextlib.suppress(OSError):
        for link in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                yield str(link.readlink())


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if table.exists():
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found
