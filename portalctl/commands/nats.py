"""Declare what the event registry in the code says: streams and durable consumers. May be repeated."""

import argparse
import asyncio

from portalctl.attach import attach
from portalctl.broker import broker
from portalctl.console import say


def arguments(parser: argparse.ArgumentParser) -> None:
    """Only `apply` for now."""
    parser.add_argument("action", choices=("apply",))


def run(_chosen: argparse.Namespace) -> None:
    """Create or update."""
    asyncio.run(_apply())


async def _apply() -> None:
    async with broker(attach()) as bus:
        for line in await bus.apply():
            say(line)
