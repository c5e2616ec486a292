"""Load the demo data into the installation of `PORTAL_HOME`, or the one at an address. What is there stays as it is."""

import argparse
import asyncio

from portalctl.attach import attach
from portalctl.console import Failed, say
from portalctl.demo.load import Loading
from portalctl.demo.visitor import Doors
from portalctl.home import Home
from services.users.settings import settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """None for `portalctl run`."""
    parser.add_argument("--at", default="", metavar="URL", help="where the gateway answers; PORTAL_HOME keeps the apps")
    parser.add_argument("--mailpit", default="", metavar="URL", help="where Mailpit shows the invitations")


def run(chosen: argparse.Namespace) -> None:
    """Once."""
    home = Home.chosen()
    reach = attach()
    if settings().production:
        raise Failed("production takes no demo data")
    if home.read("demo.json") is not None:
        say("The demo data is loaded already.")
        return
    if not chosen.at:
        running = home.read("run.json")
        if running is None:
            raise Failed(f"no portal runs in {home.folder}; start it with `portalctl run`")
        chosen.at = running["public_url"]
    home.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(Loading(home, Doors(chosen.at, settings().public_url, chosen.mailpit)).run(reach))
