"""What the event registry in the code says of the broker: streams and durable consumers, and who may use which."""

import argparse
import asyncio
import sys

from portalctl.attach import attach
from portalctl.broker import broker
from portalctl.console import say
from portalctl.permissions import shipped


def arguments(parser: argparse.ArgumentParser) -> None:
    """`apply` declares, and may be repeated; `permissions` prints the users' part of nats-server's configuration."""
    parser.add_argument("action", choices=("apply", "permissions"))


def run(chosen: argparse.Namespace) -> None:
    """Create or update, or print."""
    if chosen.action == "permissions":
        sys.stdout.write(shipped())
        return
    asyncio.run(_apply())


async def _apply() -> None:
    async with broker(attach()) as bus:
        for line in await bus.apply():
            say(line)
