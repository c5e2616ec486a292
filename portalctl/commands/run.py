"""Start everything on this machine: broker, services, gateway, mailbox; on the first start with demo data.

State lies in `PORTAL_HOME` (.portal). `PORTAL_DATABASE` takes a PostgreSQL server instead of SQLite. Ctrl-C ends it.
"""

import argparse
import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable

from portalctl.console import say
from portalctl.home import Home
from portalctl.supervisor.installation import Installation, plan
from portalctl.supervisor.supervisor import Supervisor
from portalctl.supervisor.welcome import first_operator, show_demo, show_empty

FIRST_OPERATOR = "operator@nordwelle.example"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Port, demo or not, whom to invite first."""
    parser.add_argument("--port", type=_port, default=_port(os.environ.get("PORT") or "8080"))
    parser.add_argument("--no-demo", dest="demo", action="store_false", default=os.environ.get("DEMO", "1") != "0")
    parser.add_argument("--operator-email", default=FIRST_OPERATOR, help="whom a start without demo data invites")


def _port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port lies between 1 and 65535")
    return number


def run(chosen: argparse.Namespace) -> int:
    """Until Ctrl-C or SIGTERM."""
    home = Home.chosen()
    with home.locked():
        (home / "run.json").unlink(missing_ok=True)
        started = time.monotonic()
        installation = plan(home, chosen.port)
        return asyncio.run(_supervise(installation, _first_start(installation, chosen), started))


def _first_start(installation: Installation, chosen: argparse.Namespace) -> Callable[[Supervisor], Awaitable[None]]:
    async def demo(supervisor: Supervisor) -> None:
        if installation.home.read("demo.json") is None:
            say("Loading the demo data ...")
            await supervisor.command("demo", shown=True)
        show_demo(installation)

    async def empty(supervisor: Supervisor) -> None:
        await first_operator(supervisor, chosen.operator_email)
        show_empty(installation)

    return demo if chosen.demo else empty


async def _supervise(
    installation: Installation, first_start: Callable[[Supervisor], Awaitable[None]], started: float
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    supervisor = Supervisor(installation)

    async def bring_up() -> None:
        await supervisor.start()
        say(f"Ready after {time.monotonic() - started:.1f} s.")
        await first_start(supervisor)

    coming_up = asyncio.create_task(bring_up())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({coming_up, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if coming_up.done():
            coming_up.result()
        await stopping
        say("\nStopping ...")
    finally:
        coming_up.cancel()
        await asyncio.gather(coming_up, return_exceptions=True)
        await supervisor.stop()
    say("Stopped. Everything is kept in " + str(installation.home.folder))
    return 0
