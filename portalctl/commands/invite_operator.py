"""Invite somebody of the operator's staff. The link comes by mail; the same address again gets a new link."""

import argparse
import asyncio

from chassis.brand import load_brand
from portalctl.attach import attach
from portalctl.console import say
from portalctl.database import transaction
from services.users.people import invite_operator
from services.users.settings import settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Who."""
    parser.add_argument("--email", required=True, help="the user name")
    parser.add_argument("--given-name", required=True)
    parser.add_argument("--family-name", required=True)
    parser.add_argument("--staff-role", choices=("administrator", "agent"), default="administrator")
    parser.add_argument("--language", choices=("de", "en"), default="de")


def run(chosen: argparse.Namespace) -> None:
    """Write it; the running services do the rest."""
    attach()
    asyncio.run(_invite(chosen))
    say(f"The invitation for {chosen.email} is on its way.")


async def _invite(chosen: argparse.Namespace) -> None:
    async with transaction(settings().database_url) as session:
        await invite_operator(
            session,
            email=chosen.email,
            given_name=chosen.given_name,
            family_name=chosen.family_name,
            staff_role=chosen.staff_role,
            language=chosen.language,
            company=load_brand(settings().brand_file).name,
        )
