"""Bring the databases to the newest revision. Several may do so at once; a revision works with the version before."""

import argparse
import asyncio
import importlib

from sqlalchemy import make_url

from chassis.migrations import migrate
from portalctl.attach import attach
from portalctl.console import Failed, say
from portalctl.database import create_missing
from portalctl.home import SERVICES


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which services."""
    parser.add_argument("service", nargs="?", default="all", choices=("all", *SERVICES))


def run(chosen: argparse.Namespace) -> None:
    """One after the other; says each one's revision."""
    attach()
    names = SERVICES if chosen.service == "all" else (chosen.service,)
    for name in names:
        try:
            revision = asyncio.run(_migrated(name))
        except OSError as error:
            raise Failed(f"the database of {name} does not answer: {error}") from error
        say(f"{name}: {revision}")


async def _migrated(service: str) -> str:
    settings = importlib.import_module(f"services.{service}.settings").settings()
    url = settings.migration_database_url or settings.database_url
    await create_missing(url)
    return await migrate(service, url, serving=make_url(settings.database_url).username)
