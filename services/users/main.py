"""The service `users`: settings, routers and handlers put together."""

from fastapi import FastAPI

from chassis.app import Service, create_service, serve
from services.users.api import ROUTERS
from services.users.handlers import handlers
from services.users.settings import Settings, settings


def create() -> FastAPI:
    """With the settings of the environment."""
    return create_with(settings())


def create_with(chosen: Settings) -> FastAPI:
    """With these settings."""
    return create_service(Service(name="users", settings=chosen, routers=ROUTERS, handlers=handlers))


def run() -> None:
    """Serve until SIGTERM."""
    serve(create(), settings())


if __name__ == "__main__":
    run()
