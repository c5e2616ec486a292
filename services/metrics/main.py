"""The service `metrics`: settings, routers, handlers and the loops that watch limits and tidy up put together."""

from fastapi import FastAPI

from chassis.app import Service, create_service, serve
from services.metrics.api import ROUTERS
from services.metrics.handlers import handlers_with
from services.metrics.intake import Bounds
from services.metrics.series import SeriesTable
from services.metrics.settings import Settings, settings
from services.metrics.tidy import tidy_for_ever
from services.metrics.watch import watch_for_ever


def create() -> FastAPI:
    """With the settings of the environment."""
    return create_with(settings())


def create_with(chosen: Settings) -> FastAPI:
    """With these settings."""
    bounds = Bounds.of(chosen)
    return create_service(
        Service(
            name="metrics",
            settings=chosen,
            routers=ROUTERS,
            handlers=handlers_with(bounds),
            background=(watch_limits, tidy_up),
            state={"bounds": bounds, "series": SeriesTable(chosen.series)},
        )
    )


async def watch_limits(app: FastAPI) -> None:
    """Commits and the customers' own limits."""
    await watch_for_ever(app.state.database, every=app.state.settings.warnings_interval)


async def tidy_up(app: FastAPI) -> None:
    """What is too old goes; the next months' partitions come."""
    await tidy_for_ever(app.state.database, app.state.settings)


def run() -> None:
    """Serve until SIGTERM."""
    serve(create(), settings())


if __name__ == "__main__":
    run()
