"""The service `documents`: settings, store, routers, handlers and the loops that tidy up put together."""

from fastapi import FastAPI

from chassis.app import Service, create_service, serve
from chassis.sockets import Threads
from services.documents.api import ROUTERS
from services.documents.clamd import Clamd
from services.documents.drive.check import Checks
from services.documents.drive.sweep import tidy_drives_for_ever
from services.documents.filing.intake import Intake
from services.documents.filing.release import release_for_ever
from services.documents.filing.sweep import live_for_ever, sweep_for_ever
from services.documents.handlers import handlers_with
from services.documents.settings import Settings, settings
from services.documents.storage import storage_at
from services.documents.uploads.ending import tidy_for_ever
from services.documents.uploads.hashes import Hashes
from services.documents.uploads.writing import Means


def create() -> FastAPI:
    """With the settings of the environment."""
    return create_with(settings())


def create_with(chosen: Settings) -> FastAPI:
    """With these settings."""
    secret_key = chosen.storage_secret_key.get_secret_value()
    storage = storage_at(chosen.storage_url, access_key=chosen.storage_access_key, secret_key=secret_key)
    intake = Intake(storage, chosen)
    return create_service(
        Service(
            name="documents",
            settings=chosen,
            routers=ROUTERS,
            handlers=handlers_with(intake),
            background=(release_waiting, note_life, sweep_orphans, tidy_uploads, tidy_drives, check_files),
            state={
                "storage": storage,
                "intake": intake,
                "upload_hashes": Hashes(),
                "upload_threads": Threads("upload", 32),
            },
        )
    )


async def release_waiting(app: FastAPI) -> None:
    """What waited for a customer that is known now."""
    await release_for_ever(app.state.database, every=app.state.settings.waiting_interval)


async def note_life(app: FastAPI) -> None:
    """When this database was in use: a restore shows as a gap."""
    await live_for_ever(app.state.database, beat=app.state.settings.life_interval)


async def sweep_orphans(app: FastAPI) -> None:
    """Objects that no row knows."""
    settings: Settings = app.state.settings
    age, every = settings.orphan_age, settings.sweep_interval
    await sweep_for_ever(app.state.database, app.state.storage, age=age, every=every)


async def tidy_uploads(app: FastAPI) -> None:
    """Uploads whose process died, and those that nobody has gone on with."""
    settings: Settings = app.state.settings
    database = app.state.database
    means = Means(database.transaction, database.reading, app.state.storage.appended, app.state.upload_hashes)
    await tidy_for_ever(means, scanning=settings.scanning, every=settings.upload_interval)


async def tidy_drives(app: FastAPI) -> None:
    """What lay in the trash long enough, and bytes that nobody needs any more."""
    settings: Settings = app.state.settings
    kept, every = settings.drive_trash_kept, settings.drive_interval
    await tidy_drives_for_ever(app.state.database, app.state.storage.appended, kept=kept, every=every)


async def check_files(app: FastAPI) -> None:
    """Checksums that are not known yet, and the scan."""
    settings: Settings = app.state.settings
    await checks_of(app).run(every=settings.drive_interval)


def checks_of(app: FastAPI) -> Checks:
    """With the scanner of the settings, or none."""
    settings: Settings = app.state.settings
    timeout = settings.clamd_timeout.total_seconds()
    return Checks(
        database=app.state.database,
        store=app.state.storage.appended,
        clamd=Clamd(settings.clamd_url, timeout_seconds=timeout) if settings.scanning else None,
        limit_bytes=settings.clamd_limit_bytes,
        share_unscannable=settings.drive_unscannable == "acknowledge",
    )


def run() -> None:
    """Serve until SIGTERM."""
    serve(create(), settings())


if __name__ == "__main__":
    run()
