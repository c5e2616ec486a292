"""Print the current six digits of a demo user's authenticator app. Each code works once, for half a minute."""

import argparse

from chassis.db import utc_now
from portalctl.console import Failed, say
from portalctl.home import Home
from services.auth.totp import code_at, step_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Whose."""
    parser.add_argument("user", help="the user name, such as anna@beispiel-logistik.example")


def run(chosen: argparse.Namespace) -> None:
    """The code and nothing else."""
    people = (Home.chosen().read("demo.json") or {}).get("people", [])
    secrets = {person["username"]: person["secret"] for person in people}
    if chosen.user not in secrets:
        known = ", ".join(secrets) or "nobody; the demo data is not loaded"
        raise Failed(f"{chosen.user} is not a demo user who can sign in. Known: {known}")
    say(code_at(secrets[chosen.user], step_of(utc_now())))
