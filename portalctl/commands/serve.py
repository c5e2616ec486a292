"""Run one process of the portal in the foreground, with the settings of the environment."""

import argparse
import importlib

from portalctl.home import SERVICES


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which one."""
    parser.add_argument("service", choices=(*SERVICES, "gateway"))


def run(chosen: argparse.Namespace) -> None:
    """Until SIGTERM."""
    package = "gateway" if chosen.service == "gateway" else f"services.{chosen.service}"
    importlib.import_module(f"{package}.main").run()
