"""The service `contacts`: settings, routers, handlers and its two loops put together."""

from fastapi import FastAPI

from chassis.app import Service, create_service, serve
from chassis.brand import load_brand
from services.contacts.api import ROUTERS
from services.contacts.filing.release import release_for_ever
from services.contacts.filing.reminders import tell_for_ever
from services.contacts.handlers import handlers
from services.contacts.settings import Settings, settings


def create() -> FastAPI:
    """With the settings of the environment."""
    return create_with(settings())


def create_with(chosen: Settings) -> FastAPI:
    """With these settings."""
    return create_service(
        Service(
            name="contacts",
            settings=chosen,
            routers=ROUTERS,
            handlers=handlers,
            background=(release_waiting, tell_due),
            state={"brand_name": load_brand(chosen.brand_file).name},
        )
    )


async def release_waiting(app: FastAPI) -> None:
    """What waited for a customer that is known now."""
    settings: Settings = app.state.settings
    every, country_code = settings.waiting_interval, settings.country_code
    await release_for_ever(app.state.database, every=every, country_code=country_code)


async def tell_due(app: FastAPI) -> None:
    """Contacts that nobody has vouched for."""
    settings: Settings = app.state.settings
    every, months = settings.review_interval, settings.review_months
    await tell_for_ever(app.state.database, every=every, review_months=months)


def run() -> None:
    """Serve until SIGTERM."""
    serve(create(), settings())


if __name__ == "__main__":
    run()
