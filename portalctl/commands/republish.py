"""Let a service tell again: its current state, or with --outbox everything it emitted since a moment.

For listeners that lost something: a restored database, a broker that lost its disk. Who knows it already ignores it.
"""

import argparse
import asyncio
import importlib
from datetime import UTC, datetime, timedelta

from chassis.db import utc_now
from chassis.outbox import replay
from portalctl.attach import attach
from portalctl.console import Failed, say
from portalctl.database import transaction
from portalctl.home import SERVICES

STATES = {
    "users": "services.users.people",
    "documents": "services.documents.republish",
    "contacts": "services.contacts.republish",
    "contracts": "services.contracts.republish",
    "metrics": "services.metrics.republish",
}
"""Where each keeps its ``republish``. `auth` tells what happened, not what is: it has its outbox only."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which service, and how."""
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--outbox", action="store_true", help="the kept outbox rows instead of the current state")
    parser.add_argument("--since", type=moment, help="with --outbox: ISO 8601, in UTC unless it says otherwise")


def moment(text: str) -> datetime:
    """ISO 8601, in UTC unless it says otherwise."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def run(chosen: argparse.Namespace) -> None:
    """Write outbox rows; the running service's relay publishes them."""
    attach()
    if chosen.since and not chosen.outbox:
        raise Failed("--since goes with --outbox")
    if not chosen.outbox and chosen.service not in STATES:
        raise Failed(f"{chosen.service} tells what happened, not a state; add --outbox")
    count = asyncio.run(_again(chosen))
    say(f"{chosen.service}: {count} events will be published again")


async def _again(chosen: argparse.Namespace) -> int:
    settings = importlib.import_module(f"services.{chosen.service}.settings").settings()
    async with transaction(settings.database_url) as session:
        if chosen.outbox:
            return await replay(session, since=chosen.since or utc_now() - timedelta(days=35))
        return int(await importlib.import_module(STATES[chosen.service]).republish(session))
