"""Words for the person at the terminal."""

import sys


class Failed(Exception):
    """The command cannot do what was asked. The message says why and what to do."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        self.exit_code = exit_code
        super().__init__(message)


def say(text: str = "") -> None:
    """One line, at once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """One line of bad news."""
    sys.stderr.write(f"portalctl: {text}\n")
    sys.stderr.flush()
