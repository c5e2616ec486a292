"""Run one process of the portal in the foreground, with the settings of the environment."""

import argparse
import importlib

from pydantic import ValidationError

from portalctl.console import Failed, sentences
from portalctl.home import SERVICES


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which one."""
    parser.add_argument("service", choices=(*SERVICES, "gateway"))


def run(chosen: argparse.Namespace) -> None:
    """Until SIGTERM.

    Raises:
        Failed: a setting is missing or unsafe.
    """
    package = "gateway" if chosen.service == "gateway" else f"services.{chosen.service}"
    try:
        importlib.import_module(f"{package}.settings").settings()
    except ValidationError as wrong:
        raise Failed("; ".join(sentences(chosen.service, wrong)), exit_code=2) from None
    importlib.import_module(f"{package}.main").run()
