"""The service `auth`: settings, routers, handlers and the postman put together."""

from fastapi import FastAPI

from chassis.app import Service, create_service, serve
from chassis.brand import load_brand
from chassis.postman import Postman
from services.auth.api import ROUTERS
from services.auth.handlers import handlers
from services.auth.mails.postman import Desk
from services.auth.models import MailRow
from services.auth.secrets import SecretBox
from services.auth.settings import Settings, settings
from services.auth.storage.hashing import ThreadedHashing
from services.auth.storage.tidying import tidy_for_ever


def create() -> FastAPI:
    """With the settings of the environment."""
    return create_with(settings())


def create_with(chosen: Settings) -> FastAPI:
    """With these settings."""
    return create_service(
        Service(
            name="auth",
            settings=chosen,
            routers=ROUTERS,
            handlers=handlers,
            background=(deliver_mails, tidy),
            state={
                "box": SecretBox(chosen.key()),
                "brand": load_brand(chosen.brand_file),
                "hashing": ThreadedHashing(chosen),
            },
        )
    )


async def deliver_mails(app: FastAPI) -> None:
    """The mail outbox's loop."""
    await postman_of(app).run()


async def tidy(app: FastAPI) -> None:
    """The hourly loop that removes what has had its time."""
    await tidy_for_ever(app.state.database, app.state.settings.history_kept)


def postman_of(app: FastAPI) -> Postman[MailRow]:
    """The postman with this app's parts."""
    desk = Desk(app.state.settings, app.state.box, app.state.brand)
    state = app.state
    return Postman("auth", MailRow, state.database, state.settings, state.brand.sender, desk.write, desk.tell)


def run() -> None:
    """Serve until SIGTERM."""
    serve(create(), settings())


if __name__ == "__main__":
    run()
