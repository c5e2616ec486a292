"""The service `users`: settings, routers, handlers and the mails put together."""

import asyncio

from fastapi import FastAPI

from chassis.app import Service, create_service, serve
from chassis.brand import load_brand
from chassis.postman import Postman
from services.users.api import ROUTERS
from services.users.handlers import handlers
from services.users.in_time import end_due, send_due
from services.users.mails.collecting import Collector
from services.users.mails.postman import Desk, tidy
from services.users.models import MailRow
from services.users.settings import Settings, settings


def create() -> FastAPI:
    """With the settings of the environment."""
    return create_with(settings())


def create_with(chosen: Settings) -> FastAPI:
    """With these settings."""
    return create_service(
        Service(
            name="users",
            settings=chosen,
            routers=ROUTERS,
            handlers=handlers,
            background=(collect_notices, deliver_mails, tidy_mails, send_invitations, tell_ends),
            state={"brand": load_brand(chosen.brand_file)},
        )
    )


async def collect_notices(app: FastAPI) -> None:
    """What was collected long enough becomes mails."""
    await collector_of(app).run()


async def deliver_mails(app: FastAPI) -> None:
    """The mail outbox's loop."""
    await postman_of(app).run()


async def send_invitations(app: FastAPI) -> None:
    """Those that wait for their turn."""
    while True:
        if await send_due(app.state.database) == 0:
            await asyncio.sleep(app.state.settings.mail_poll_interval.total_seconds())


async def tell_ends(app: FastAPI) -> None:
    """Whose last day is over."""
    while True:
        if await end_due(app.state.database) == 0:
            await asyncio.sleep(app.state.settings.ends_checked.total_seconds())


async def tidy_mails(app: FastAPI) -> None:
    """Once an hour; any number of processes may do it."""
    while True:
        await tidy(app.state.database, app.state.settings.mails_kept)
        await asyncio.sleep(3600)


def collector_of(app: FastAPI) -> Collector:
    """The collector with this app's parts."""
    return Collector(app.state.database, app.state.settings)


def postman_of(app: FastAPI) -> Postman[MailRow]:
    """The postman with this app's parts."""
    desk = Desk(app.state.settings, app.state.brand)
    state = app.state
    return Postman("users", MailRow, state.database, state.settings, state.brand.sender, desk.write)


def run() -> None:
    """Serve until SIGTERM."""
    serve(create(), settings())


if __name__ == "__main__":
    run()
