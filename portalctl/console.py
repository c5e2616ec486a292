"""Words for the person at the terminal."""

import sys

from pydantic import ValidationError


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


def sentences(service: str, wrong: ValidationError) -> list[str]:
    """What is wrong with the environment of a process, each with the variable's name; values are never repeated."""
    said = []
    for error in wrong.errors(include_input=False, include_url=False):
        name = "_".join(map(str, error["loc"][:1])).upper()
        parts = [service.upper()] if not name.startswith("OTEL_") else []
        variable = "_".join(part for part in (*parts, name) if part) or "settings"
        said.append(f"{variable}: {error['msg'].removeprefix('Value error, ')}")
    return said
