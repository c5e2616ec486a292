"""Load the demo data into the running installation of `PORTAL_HOME`. What is there already stays as it is."""

import argparse
import asyncio

from portalctl.attach import attach
from portalctl.console import Failed, say
from portalctl.demo.load import Loading
from portalctl.home import Home
from services.users.settings import settings


def arguments(_parser: argparse.ArgumentParser) -> None:
    """None."""


def run(_chosen: argparse.Namespace) -> None:
    """Once."""
    home = Home.chosen()
    reach = attach()
    if settings().production:
        raise Failed("production takes no demo data")
    if home.read("demo.json") is not None:
        say("The demo data is loaded already.")
        return
    running = home.read("run.json")
    if running is None:
        raise Failed(f"no portal runs in {home.folder}; start it with `portalctl run`")
    asyncio.run(Loading(home, running["public_url"]).run(reach))
