"""Where a child cannot be tied to its parent by the system (all but Linux): a small process at the end of a pipe.

The supervisor writes ``+pid`` and ``-pid``; when the pipe closes, however that came, what is left is killed.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable


class Leash:
    """The supervisor's end."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "portalctl.supervisor.leash"],
            stdin=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
        )

    def hold(self, pid: int) -> None:
        """This one dies with us."""
        self._tell(f"+{pid}")

    def release(self, pid: int) -> None:
        """It is gone; its number may be somebody else's soon."""
        self._tell(f"-{pid}")

    def let_go(self) -> None:
        """All have ended; the leash may end too."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process.wait(5)

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(f"{line}\n")


def held_at_the_end(lines: Iterable[str]) -> set[int]:
    """The pids that were held and never released."""
    held: set[int] = set()
    for line in lines:
        pid = int(line[1:])
        if line.startswith("+"):
            held.add(pid)
        else:
            held.discard(pid)
    return held


def main() -> None:
    """Until the pipe closes."""
    for pid in held_at_the_end(sys.stdin):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
