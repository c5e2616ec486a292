"""Downloads: whole, in parts, or not at all because the reader has it already; checked on their way out."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import update

from chassis.consumer import DependencyDown
from chassis.db import OpenSession, ReadSession, Transactions, utc_now
from chassis.errors import NoCustomerChosen, RangeNotSatisfiable, Unavailable, problems
from chassis.identity import Identity
from chassis.logging import log
from chassis.outbox import emit
from services.documents.api.documents import Reader, readable, view_of
from services.documents.audit import audit_line
from services.documents.models import Document, DocumentNotFound, File
from services.documents.ranges import NotSatisfiable, Span, disposition, etag_of, http_date, not_modified, spans
from services.documents.storage import ObjectMissing, Storage

router = APIRouter(prefix="/documents", tags=["documents"])

CHECKED_WHOLE_BYTES = 8 * 1024**2
"""A part of a file up to this size is cut from bytes whose checksum was checked; larger ones are read in part."""


class ContentBroken(Exception):
    """The stored bytes are not those that were filed; the answer is cut off."""


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
    file, etag = found.file, etag_of(found.file.sha256)
    headers = _headers(found, etag, download=download)
    if not_modified(request.headers.get("if-none-match"), etag):
        if request.method == "GET":
            await _note_opening(transactions, found, first_byte=False)
        return Response(status_code=304, headers=headers)
    wanted = _wanted_spans(request, found, etag)
    status, media_type, more = _kind_of_answer(file, wanted)
    if request.method == "HEAD":
        return Response(None, status, headers=headers | more, media_type=media_type)
    storage: Storage = request.app.state.storage
    body = _parts(storage, file, wanted) if wanted else _whole(storage, file)
    try:
        first = await anext(body, b"")
    except (DependencyDown, ObjectMissing, ContentBroken) as error:
        log.error("file_not_readable", sha256=file.sha256, error=repr(error)[:300])
        raise Unavailable from error
    await _note_opening(transactions, found, first_byte=not wanted or wanted[0].first == 0)
    return StreamingResponse(_joined(first, body), status, headers=headers | more, media_type=media_type)


def _headers(found: Found, etag: str, *, download: bool) -> dict[str, str]:
    file, document = found.file, found.document
    return {
        "ETag": etag,
        "Last-Modified": http_date(document.filed_at),
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition(file.name, file.media_type, download=download),
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
    }


def _wanted_spans(request: Request, found: Found, etag: str) -> list[Span]:
    file, document = found.file, found.document
    asked, condition = request.headers.get("range"), request.headers.get("if-range")
    try:
        return spans(asked, condition, etag=etag, changed_at=document.filed_at, size=file.size_bytes)
    except NotSatisfiable:
        raise RangeNotSatisfiable(headers={"Content-Range": f"bytes */{file.size_bytes}"}) from None


def _kind_of_answer(file: File, wanted: list[Span]) -> tuple[int, str, dict[str, str]]:
    """Status, media type, and the headers that only this kind of answer has."""
    if not wanted:
        return 200, file.media_type, {"Content-Length": str(file.size_bytes)}
    if len(wanted) == 1:
        span = wanted[0]
        return 206, file.media_type, {"Content-Length": str(span.length), "Content-Range": span.header(file.size_bytes)}
    return 206, f"multipart/byteranges; boundary={_boundary(file)}", {}


def _boundary(file: File) -> str:
    return f"part-{file.id.hex}"


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


async def _parts(storage: Storage, file: File, wanted: list[Span]) -> AsyncGenerator[bytes, None]:
    """One span bare; several as multipart/byteranges (RFC 9110, 14.6)."""
    whole = (
        b"".join([chunk async for chunk in _whole(storage, file)]) if file.size_bytes <= CHECKED_WHOLE_BYTES else None
    )
    for span in wanted:
        if len(wanted) > 1:
            head = f"--{_boundary(file)}\r\nContent-Type: {file.media_type}\r\n"
            yield f"{head}Content-Range: {span.header(file.size_bytes)}\r\n\r\n".encode()
        if whole is not None:
            yield whole[span.first : span.last + 1]
        else:
            async for chunk in storage.open(file.sha256, offset=span.first, length=span.length):
                yield chunk
        if len(wanted) > 1:
            yield b"\r\n"
    if len(wanted) > 1:
        yield f"--{_boundary(file)}--\r\n".encode()


async def _joined(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    try:
        yield first
        async for chunk in rest:
            yield chunk
    finally:
        await rest.aclose()
