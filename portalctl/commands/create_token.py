"""Make the API token of a machine, such as the billing system. It is printed once and kept only as a hash."""

import argparse
import asyncio
from datetime import timedelta

from chassis.db import utc_now
from portalctl.attach import attach
from portalctl.console import Failed, say
from portalctl.database import transaction
from services.auth.models.tokens import MACHINE_SCOPES, create_machine_token
from services.auth.settings import settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Name, scopes, lifetime."""
    parser.add_argument("name", help="its events get the source /billing/NAME")
    parser.add_argument("--scope", action="append", required=True, choices=MACHINE_SCOPES, help="may be repeated")
    parser.add_argument("--days", type=int, help="until it expires; without: until it is withdrawn")


def run(chosen: argparse.Namespace) -> None:
    """Print the token and nothing else, so that scripts can take it."""
    attach()
    if chosen.days is not None and not 1 <= chosen.days <= 3650:
        raise Failed("--days lies between 1 and 3650")
    try:
        say(asyncio.run(_create(chosen)))
    except ValueError as refused:
        raise Failed(str(refused)) from None


async def _create(chosen: argparse.Namespace) -> str:
    expires_at = utc_now() + timedelta(days=chosen.days) if chosen.days else None
    async with transaction(settings().database_url) as session:
        return create_machine_token(session, name=chosen.name, scopes=chosen.scope, expires_at=expires_at)
