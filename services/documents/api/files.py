"""Downloads: whole, in parts, or not at all because the reader has it already; checked on their way out."""

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import update

from chassis.db import OpenSession, ReadSession, Transactions, utc_now
from chassis.errors import NoCustomerChosen, RangeNotSatisfiable, problems
from chassis.identity import Identity
from chassis.logging import log
from chassis.outbox import emit
from services.documents.api.content import Content, ContentBroken, Handing
from services.documents.api.documents import Reader, readable, view_of
from services.documents.audit import audit_line
from services.documents.models import Document, DocumentNotFound, File
from services.documents.ranges import Span, etag_of
from services.documents.storage import Storage

router = APIRouter(prefix="/documents", tags=["documents"])

CHECKED_WHOLE_BYTES = 8 * 1024**2
"""A part of a file up to this size is cut from bytes whose checksum was checked; larger ones are read in part."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that its reader may have."""

    document: Document
    file: File
    reader: Identity


async def readable_file(document_id: UUID, file_id: UUID, reader: Reader, session: ReadSession) -> Found:
    """The file, if this reader may see it.

    Raises:
        DocumentNotFound: also when it is somebody else's, or of another document.
    """
    document = await readable(session, document_id, reader)
    file = await session.get(File, file_id)
    if file is None or file.document_id != document.id or not file.visible(view_of(reader).modules):
        raise DocumentNotFound(document_id=str(document_id), file_id=str(file_id))
    return Found(document, file, reader)


@router.head("/{document_id}/files/{file_id}", include_in_schema=False)
@router.get(
    "/{document_id}/files/{file_id}",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "The bytes, as they were filed."},
        206: {"content": {"application/octet-stream": {}}, "description": "The part that was asked for."},
        304: {"description": "The reader has it already."},
        **problems(DocumentNotFound, NoCustomerChosen, RangeNotSatisfiable),
    },
)
async def get_file(
    found: Annotated[Found, Depends(readable_file)],
    request: Request,
    transactions: Transactions,
    download: Annotated[bool, Query(description="keep it instead of showing it")] = False,
) -> Response:
    """One file. The first time that a customer's user does this in a browser, the document counts as opened."""
    handing = Handing(request, _content(request.app.state.storage, found), download=download)
    answer = await handing.answer()
    if handing.kind != "head":
        await _note_opening(transactions, found, first_byte=handing.begins)
    return answer


def _content(storage: Storage, found: Found) -> Content:
    file = found.file
    return Content(
        id=file.id.hex,
        name=file.name,
        media_type=file.media_type,
        size=file.size_bytes,
        etag=etag_of(file.sha256),
        changed_at=found.document.filed_at,
        whole=lambda: _whole(storage, file),
        part=lambda span: _part(storage, file, span),
    )


async def _note_opening(transactions: OpenSession, found: Found, *, first_byte: bool) -> None:
    """Receipt is the first opening by a customer's user in a browser; never an operator's look, nor a program's."""
    document, reader = found.document, found.reader
    opens = reader.is_browser and not reader.is_operator and reader.act is None and document.first_opened_at is None
    if not (opens or first_byte):
        return
    async with transactions() as session:
        if opens:
            unopened = update(Document).where(Document.id == document.id, Document.first_opened_at.is_(None))
            await session.execute(unopened.values(first_opened_at=utc_now()))
        if first_byte:
            what = "file_read" if reader.is_operator else "file_downloaded"
            emit(session, audit_line(what, reader, f"file/{found.file.id}", utc_now()))


async def _whole(storage: Storage, file: File) -> AsyncGenerator[bytes, None]:
    """All bytes; the last piece is held back until the checksum is right, so a broken file never arrives complete."""
    digest, held = hashlib.sha256(), b""
    async for chunk in storage.open(file.sha256):
        digest.update(chunk)
        if held:
            yield held
        held = chunk
    if digest.hexdigest() != file.sha256:
        log.error("stored_file_is_broken", sha256=file.sha256, found=digest.hexdigest())
        raise ContentBroken(file.sha256)
    yield held


async def _part(storage: Storage, file: File, span: Span) -> AsyncGenerator[bytes, None]:
    """Of a small file from bytes whose checksum was checked."""
    if file.size_bytes <= CHECKED_WHOLE_BYTES:
        whole = b"".join([chunk async for chunk in _whole(storage, file)])
        yield whole[span.first : span.last + 1]
        return
    async for chunk in storage.open(file.sha256, offset=span.first, length=span.length):
        yield chunk
