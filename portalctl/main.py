"""`portalctl`: finds the command's file, lets it read its arguments, and runs it."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from portalctl.console import Failed, complain, sentences

COMMANDS = {
    "run": "start everything on this machine, with demo data",
    "serve": "run one process in the foreground: auth, users, documents, contacts, contracts, metrics or gateway",
    "migrate": "bring databases to the newest revision",
    "nats": "declare streams and consumers (`nats apply`)",
    "check": "look at everything the portal needs, before it starts",
    "nginx": "print the configuration of an nginx that carries the bytes",
    "storage": "make the bucket of `documents` (`storage apply`)",
    "secrets": "make the secrets of an installation: `.env` for compose and the gateway's signing key",
    "create-token": "make the API token of a machine",
    "invite-operator": "invite somebody of the operator's staff",
    "publish-invoice": "publish an invoice as a billing system would",
    "dead-letters": "list, show, retry or drop events that could not be handled",
    "heal": "after a database was put back: handle again what the streams keep, and say what it healed",
    "republish": "let a service tell its current state again",
    "demo": "load the demo data into a running installation",
    "demo-code": "print the current six digits of a demo user's authenticator app",
}
"""Each lives in `portalctl/commands/<name>.py`; only the one that is asked for is imported."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in COMMANDS:
        return _help(given)
    name = given[0]
    command = importlib.import_module(f"portalctl.commands.{name.replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=f"portalctl {name}", description=command.__doc__)
    command.arguments(parser)
    try:
        return int(command.run(parser.parse_args(given[1:])) or 0)
    except Failed as failed:
        complain(str(failed))
        return failed.exit_code
    except ValidationError as wrong:
        # of settings: nothing else is checked here without being said by its command
        complain("; ".join(sentences("", wrong)))
        return 2
    except KeyboardInterrupt:
        return 130


def _help(given: Sequence[str]) -> int:
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:<{width}}  {what}" for name, what in COMMANDS.items())
    text = f"usage: portalctl COMMAND ...   (portalctl COMMAND --help says more)\n\n{lines}\n"
    asked = not given or given[0] in ("-h", "--help", "help")
    if not asked:
        complain(f"no command {given[0]!r}")
    (sys.stdout if asked else sys.stderr).write(text)
    return 0 if asked else 2


if __name__ == "__main__":
    sys.exit(main())
