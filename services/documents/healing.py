"""After a restore: what rows and objects say of each other. Nothing is removed."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi import FastAPI
from sqlalchemy import select, union

from chassis.db import Database
from events.base import Envelope, event_of
from events.documents import DocumentFiled, InvoiceFiled
from services.documents.filing.sweep import lives_of
from services.documents.models import Customer, Document, DoomedObject, DriveUpload, DriveVersion, File, HeldFile
from services.documents.storage import Storage


async def review(app: FastAPI, forgotten: Sequence[Envelope]) -> list[str]:
    """What came over NATS is filed again by now. What came by HTTP, and files of the drive, no event carries."""
    database: Database = app.state.database
    report = [line async for line in _compared(database, app.state.storage)]
    filed: list[Any] = [event_of(envelope) for envelope in forgotten if envelope.type in _FILED]
    async with database.reading() as session:
        for event in sorted(filed, key=lambda one: (str(one.customer_id), one.number)):
            again = select(Document.id).where(
                Document.customer_id == event.customer_id, Document.kind == event.kind, Document.number == event.number
            )
            if await session.scalar(again) is None:
                customer = await session.get(Customer, event.customer_id)
                whose = customer.number if customer else event.customer_id
                report.append(f"to be sent again, it came by HTTP: {event.kind} {event.number} of {whose}")
    others = Counter(envelope.type for envelope in forgotten if envelope.type not in _FILED)
    return report + [f"told after the backup and not known any more: {n} {kind}" for kind, n in sorted(others.items())]


_FILED = (InvoiceFiled.subject, DocumentFiled.subject)


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
    yield f"stored after the backup, kept, in no row: {len(unknown)} files of documents"
    for key, at in sorted(drive.items(), key=lambda one: one[1]):
        if key not in known and not lived(at):
            yield f"stored after the backup, kept, in no row: drive file {key} of {at.isoformat()}"
