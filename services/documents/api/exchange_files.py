"""The bytes of the exchange drive: a file's versions, its content, a folder as ZIP; and who opened what."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import select, update

from chassis.db import OpenSession, ReadSession, Transactions, utc_now
from chassis.errors import NoCustomerChosen, RangeNotSatisfiable, problems
from chassis.identity import Identity
from chassis.outbox import emit
from events.documents import FileOpened
from services.documents.api.content import Content, Handing
from services.documents.api.documents import note_look
from services.documents.api.exchange import Person, policy_of
from services.documents.api.exchange_bodies import VersionOut
from services.documents.audit import audit_line
from services.documents.drive.archive import Archive
from services.documents.drive.arrival import shown_parent, side_of
from services.documents.drive.policy import FileInfected, FileUnscannable, FileWaitsForScan, UnscannableRefused
from services.documents.drive.tree import find_entry, find_folder
from services.documents.models import DriveEntry, DriveVersion, EntryNotFound
from services.documents.ranges import Span, disposition
from services.documents.storage import AppendStore

router = APIRouter(prefix="/exchange", tags=["exchange"])

_BYTES: dict[str, Any] = {"application/octet-stream": {}}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A version that its reader may see."""

    entry: DriveEntry
    version: DriveVersion
    reader: Identity


async def fetched_version(
    file_id: UUID,
    person: Person,
    session: ReadSession,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="its number; the newest without")] = None,
) -> Fetched:
    """The version of a file on this reader's drive.

    Raises:
        EntryNotFound: no such file or version.
    """
    entry = await _file(session, person, file_id)
    wanted = select(DriveVersion).where(DriveVersion.entry_id == entry.id)
    which = DriveVersion.number == version if version else DriveVersion.id == entry.current_version_id
    found = await session.scalar(wanted.where(which))
    if found is None:
        raise EntryNotFound(entry_id=str(file_id))
    return Fetched(entry, found, person)


@router.get("/files/{file_id}/versions", responses=problems(EntryNotFound, NoCustomerChosen))
async def list_versions(
    file_id: UUID, person: Person, request: Request, session: ReadSession, transactions: Transactions
) -> list[VersionOut]:
    """Every content that the file has had, newest first."""
    entry = await _file(session, person, file_id)
    await note_look(transactions, person, "exchange_versions_listed", f"exchange_entry/{file_id}")
    versions = select(DriveVersion).where(DriveVersion.entry_id == entry.id).order_by(DriveVersion.number.desc())
    policy = policy_of(request)
    return [VersionOut.of(version, policy) for version in (await session.scalars(versions.limit(1000))).all()]


@router.head("/files/{file_id}/content", include_in_schema=False)
@router.get(
    "/files/{file_id}/content",
    response_class=Response,
    responses={
        200: {"content": _BYTES, "description": "The bytes, as they were uploaded."},
        206: {"content": _BYTES, "description": "The part that was asked for."},
        304: {"description": "The reader has it already."},
        **problems(EntryNotFound, RangeNotSatisfiable),
        **problems(NoCustomerChosen, FileWaitsForScan, FileInfected, FileUnscannable, UnscannableRefused),
    },
)
async def get_content(
    fetched: Annotated[Fetched, Depends(fetched_version)],
    request: Request,
    transactions: Transactions,
    acknowledge: Annotated[
        Literal["unscannable"] | None, Query(description="the reader knows that it could not be scanned")
    ] = None,
    download: Annotated[bool, Query(description="keep it instead of showing it")] = False,
) -> Response:
    """A file's bytes. The first time that somebody of the other side does this, the version counts as opened."""
    policy_of(request).check(fetched.version, acknowledged=acknowledge == "unscannable")
    content = _content(request.app.state.storage.appended, fetched)
    handing = Handing(request, content, download=download)
    answer = await handing.answer()
    if handing.kind == "bytes":
        await _note_fetch(transactions, fetched, first_byte=handing.begins)
    return answer


@router.get(
    "/folders/{folder_id}/archive",
    response_class=Response,
    responses={
        200: {"content": {"application/zip": {}}, "description": "The folder and a table of what is in it."},
        **problems(EntryNotFound, NoCustomerChosen),
    },
)
async def get_archive(
    folder_id: UUID, person: Person, request: Request, session: ReadSession, transactions: Transactions
) -> Response:
    """The newest version of each file at any depth; what is held back is only named in the table."""
    folder = await find_folder(session, person.customer_id, folder_id)
    if folder.parent_id is None:
        raise EntryNotFound(entry_id=str(folder_id))

    async def sent(entry: DriveEntry, version: DriveVersion) -> None:
        await _note_fetch(transactions, Fetched(entry, version, person), first_byte=False)

    async with transactions() as writing:
        what = "exchange_folder_read" if person.is_operator else "exchange_folder_downloaded"
        emit(writing, audit_line(what, person, f"exchange_entry/{folder_id}", utc_now()))
    state = request.app.state
    archive = Archive(state.database.reading, state.storage.appended, policy_of(request), person.language, sent)
    headers = {
        "Content-Disposition": disposition(f"{folder.name}.zip", "application/zip", download=True),
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(_closing(archive.of(folder)), headers=headers, media_type="application/zip")


async def _closing(body: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    try:
        async for chunk in body:
            if chunk:
                yield chunk
    finally:
        await body.aclose()


async def _file(session: ReadSession, person: Identity, file_id: UUID) -> DriveEntry:
    entry = await find_entry(session, person.customer_id, file_id)
    if entry.is_folder:
        raise EntryNotFound(entry_id=str(file_id))
    return entry


def _content(store: AppendStore, fetched: Fetched) -> Content:
    entry, version = fetched.entry, fetched.version

    def part(span: Span) -> AsyncGenerator[bytes, None]:
        return store.open(version.object_key, offset=span.first, length=span.length)

    return Content(
        id=version.id.hex,
        name=entry.name,
        media_type=version.media_type,
        size=version.size_bytes,
        etag=f'"{version.id.hex}"',
        changed_at=version.created_at,
        whole=lambda: store.open(version.object_key, length=version.size_bytes),
        part=part,
    )


async def _note_fetch(transactions: OpenSession, fetched: Fetched, *, first_byte: bool) -> None:
    """The first fetch by the other side is told to the side that brought it; each fetch from the start is a line."""
    entry, version, reader = fetched.entry, fetched.version, fetched.reader
    other_side = side_of(reader) != version.side and reader.act is None
    opens = other_side and version.read_by_other_side_at is None
    if not (opens or first_byte):
        return
    async with transactions() as session:
        now = utc_now()
        if opens:
            unread = update(DriveVersion).where(
                DriveVersion.id == version.id, DriveVersion.read_by_other_side_at.is_(None)
            )
            values = {"read_by_other_side_at": now, "read_by": reader.name}
            result: Any = await session.execute(unread.values(values).execution_options(synchronize_session=False))
            if result.rowcount == 1:
                emit(session, _opened(fetched, now))
        if first_byte:
            what = "exchange_file_read" if reader.is_operator else "exchange_file_downloaded"
            emit(session, audit_line(what, reader, f"exchange_entry/{entry.id}", now))


def _opened(fetched: Fetched, now: Any) -> FileOpened:
    entry, version, reader = fetched.entry, fetched.version, fetched.reader
    side: Any = version.side
    return FileOpened(
        file_id=entry.id,
        version_id=version.id,
        customer_id=entry.customer_id,
        side=side,
        name=entry.name,
        folder_id=shown_parent(entry),
        opened_by=reader.name,
        actor_id=reader.user_id,
        opened_at=now,
    )
