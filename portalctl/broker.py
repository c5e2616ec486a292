"""The broker as the command line reaches it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from chassis.bus import Bus, BusDown, connected_bus
from chassis.logging import configure_logging
from portalctl.attach import Settings
from portalctl.console import Failed

PATIENCE_SECONDS = 10.0
PUBLISH_SECONDS = 60.0

As = Literal["portalctl", "billing", "crm", "network"]


@asynccontextmanager
async def broker(settings: Settings, user: As = "portalctl") -> AsyncIterator[Bus]:
    """A connection for the block, as the operator or as one of the feeds.

    Raises:
        Failed: nobody answers.
    """
    configure_logging("portalctl", "error")
    name, password = settings.nats_user, settings.nats_password
    if user != "portalctl" and (own := getattr(settings, f"{user}_user")):
        name, password = own, getattr(settings, f"{user}_password")
    connecting = connected_bus(
        user,
        settings.nats_url,
        user=name,
        password=password.get_secret_value(),
        replicas=settings.nats_replicas,
    )
    try:
        bus = await asyncio.wait_for(connecting, PATIENCE_SECONDS)
    except TimeoutError:
        raise Failed(f"no broker answers at {settings.nats_url}; is the portal running?") from None
    try:
        yield bus
    finally:
        await bus.close()


async def publish(bus: Bus, subject: str, payload: bytes, headers: dict[str, str]) -> None:
    """Until the broker has acknowledged it: a time-out means unknown, and the same ``Nats-Msg-Id`` may come again.

    Raises:
        Failed: not within a minute.
    """
    end = asyncio.get_running_loop().time() + PUBLISH_SECONDS
    while True:
        try:
            await bus.publish(subject, payload, headers)
            return
        except BusDown as down:
            if asyncio.get_running_loop().time() > end:
                raise Failed(f"the broker did not acknowledge {headers['Nats-Msg-Id']}: {down}") from down
            await asyncio.sleep(0.2)
