"""The service `contracts`: settings, routers, handlers and the loops that keep deadlines true put together."""

from fastapi import FastAPI

from chassis.app import Service, create_service, serve
from services.contracts.api import ROUTERS
from services.contracts.filing.release import release_for_ever
from services.contracts.filing.upkeep import look_for_ever
from services.contracts.handlers import handlers
from services.contracts.settings import Settings, settings


def create() -> FastAPI:
    """With the settings of the environment."""
    return create_with(settings())


def create_with(chosen: Settings) -> FastAPI:
    """With these settings."""
    return create_service(
        Service(
            name="contracts",
            settings=chosen,
            routers=ROUTERS,
            handlers=handlers,
            background=(release_waiting, keep_deadlines),
        )
    )


async def release_waiting(app: FastAPI) -> None:
    """What waited for a customer that is known now."""
    await release_for_ever(app.state.database, every=app.state.settings.deadline_interval)


async def keep_deadlines(app: FastAPI) -> None:
    """What has passed moves on; what comes near is told."""
    await look_for_ever(app.state.database, app.state.settings)


def run() -> None:
    """Serve until SIGTERM."""
    serve(create(), settings())


if __name__ == "__main__":
    run()
