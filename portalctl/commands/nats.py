"""What the event registry in the code says of the broker: streams and durable consumers, and who may use which."""

import argparse
import asyncio
import sys

from chassis.bus import Bus, BusDown
from portalctl.attach import attach
from portalctl.broker import broker
from portalctl.console import Failed, say
from portalctl.permissions import shipped

PATIENCE_SECONDS = 60.0


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
        for line in await _applied(bus):
            say(line)


async def _applied(bus: Bus) -> list[str]:
    """A cluster that has just started has no leader for some seconds.

    Raises:
        Failed: it has none after a minute, or refuses.
    """
    end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        try:
            return await bus.apply()
        except BusDown as down:
            if asyncio.get_running_loop().time() > end:
                raise Failed(f"the broker did not take the streams: {down}. Have all its nodes joined?") from down
            await asyncio.sleep(0.5)
