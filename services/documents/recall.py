"""After a restore: what rows and objects say of each other. Nothing is removed."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence

from fastapi import FastAPI
from sqlalchemy import select, union

from chassis.db import Database
from events.base import Envelope
from services.documents.filing.sweep import lives_of
from services.documents.models import DoomedObject, DriveUpload, DriveVersion, File, HeldFile
from services.documents.storage import Storage


async def recall(app: FastAPI, forgotten: Sequence[Envelope]) -> list[str]:
    """Invoices come again from the feeds' stream; files of the exchange drive have no event that carries them."""
    database, storage = app.state.database, app.state.storage
    counted = Counter(envelope.type for envelope in forgotten)
    return [
        *(f"told after the backup and not known any more: {n} {kind}" for kind, n in sorted(counted.items())),
        *[line async for line in _compared(database, storage)],
    ]


async def _compared(database: Database, storage: Storage) -> AsyncIterator[str]:
    lived = await lives_of(database)
    async with database.reading() as session:
        named = set((await session.scalars(union(select(File.sha256), select(HeldFile.sha256)))).all())
        versions = set((await session.scalars(select(DriveVersion.object_key))).all())
        kept = union(select(DriveUpload.object_key), select(DoomedObject.object_key))
        known = versions | set((await session.scalars(kept)).all())
    invoices = {found.sha256: found.stored_at async for found in storage.objects()}
    drive = {found.key: found.stored_at async for found in storage.appended.keys()}  # noqa: SIM118  # no dictionary
    unknown = [at for sha256, at in invoices.items() if sha256 not in named and not lived(at)]
    yield f"files of documents: {len(named)} in rows, {len(named - invoices.keys())} of them without their bytes"
    yield f"files of the drive: {len(versions)} in rows, {len(versions - drive.keys())} of them without their bytes"
    yield f"stored after the backup, before they are filed again: {len(unknown)} files of documents"
    for key, at in sorted(drive.items(), key=lambda one: one[1]):
        if key not in known and not lived(at):
            yield f"stored after the backup for the drive, kept, in no row: {key} of {at.isoformat()}"
