"""Uploads by tus 1.0.0: core, creation, creation-with-upload, expiration, checksum, termination."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from chassis.access import module
from chassis.consumer import DependencyDown
from chassis.db import Transactions, utc_now
from chassis.errors import NoCustomerChosen, Unavailable, UnsupportedMedia, problems
from chassis.identity import Identity
from services.documents.drive.quota import QuotaExceeded
from services.documents.models import DriveUpload, EntryNotFound
from services.documents.settings import Settings
from services.documents.uploads.ending import arrive, create, finish_if_left, give_up
from services.documents.uploads.lease import LeaseLost, Owner, find_upload, is_held
from services.documents.uploads.protocol import (
    ALGORITHMS,
    EXTENSIONS,
    MEDIA_TYPE,
    VERSION,
    ChecksumAlgorithmNotSupported,
    MoreThanDeclared,
    OffsetMismatch,
    StorageFull,
    TusVersionNotSupported,
    UploadBusy,
    UploadChecksumMismatch,
    UploadGone,
    UploadHeaderInvalid,
    UploadLengthMissing,
    UploadNotFound,
    UploadStalled,
    UploadTooLarge,
    checksum_in,
    declared_by,
    http_date,
    number_in,
    require_bytes,
    require_version,
)
from services.documents.uploads.writing import Body, BodyBroke, Means, Written, write

router = APIRouter(prefix="/exchange/uploads", tags=["exchange"])

Person = Annotated[Identity, Depends(module("exchange"))]
HERE = "/api/v1/exchange/uploads"
"""Where the gateway shows it."""
SPOKEN = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
STILL_WRITTEN_SECONDS = 1.0
BYTES = {"requestBody": {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}}
WRITING = problems(
    UploadHeaderInvalid,
    ChecksumAlgorithmNotSupported,
    NoCustomerChosen,
    OffsetMismatch,
    TusVersionNotSupported,
    MoreThanDeclared,
    UnsupportedMedia,
    UploadStalled,
    UploadBusy,
    UploadChecksumMismatch,
    StorageFull,
)


@router.options("", include_in_schema=False)
async def describe_protocol(person: Person, request: Request) -> Response:
    """What of tus is spoken here."""
    settings: Settings = request.app.state.settings
    headers = {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(settings.upload_limit_bytes),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
    return Response(status_code=204, headers=headers)


@router.post(
    "",
    status_code=201,
    response_class=Response,
    openapi_extra=BYTES,
    responses={
        201: {"description": "`Location` is the upload; the bytes that came along are stored up to `Upload-Offset`."},
        **WRITING,
        **problems(UploadLengthMissing, UploadHeaderInvalid, EntryNotFound, UploadTooLarge, QuotaExceeded),
    },
)
async def create_upload(person: Person, request: Request, transactions: Transactions) -> Response:
    """Declare a file: `Upload-Length`, and `Upload-Metadata` with `filename`, `filetype` and the folder as `parent`.

    Its room is reserved at once. The bytes may come along, as `application/offset+octet-stream`.
    """
    settings: Settings = request.app.state.settings
    require_version(request.headers)
    declared = declared_by(request.headers, most_bytes=settings.upload_limit_bytes)
    comes_along = "content-type" in request.headers and _length(request) != 0
    checksum = checksum_in(request.headers)
    if comes_along:
        require_bytes(request.headers)
    async with transactions() as session:
        upload = await create(session, person, declared, quota_bytes=settings.drive_quota_bytes)
    headers = SPOKEN | {"Location": f"{HERE}/{upload.id}"}
    offset, expires_at = 0, upload.expires_at
    if comes_along or declared.length == 0:
        means, body = _means(request, transactions), _body(request)
        try:
            written = await write(means, _owner(person), upload.id, 0, body, checksum)
        except BaseException as error:
            # nobody has been told where it is, so nobody can go on with it
            await give_up(transactions, _owner(person), upload.id)
            if isinstance(error, BodyBroke):
                return Response(status_code=400)
            raise
        await _arrived(means, written, person, settings)
        offset, expires_at = written.held.offset, written.held.expires_at
    headers |= {"Upload-Offset": str(offset), "Upload-Expires": http_date(expires_at)}
    return Response(status_code=201, headers=headers)


@router.head("/{upload_id}", include_in_schema=False, response_class=Response)
async def ask_for_offset(upload_id: UUID, person: Person, request: Request, transactions: Transactions) -> Response:
    """How many bytes are stored; waits a moment for somebody who is just storing some."""
    require_version(request.headers)
    means = _means(request, transactions)
    upload = await _settled(means, upload_id, _owner(person))
    if upload.finished_at is None and upload.offset_bytes == upload.length_bytes:
        settings: Settings = request.app.state.settings
        try:
            await finish_if_left(means, upload_id, scanning=settings.scanning)
        except (LeaseLost, DependencyDown) as error:
            raise Unavailable(headers={"Retry-After": "1"}) from error
    headers = SPOKEN | {
        "Upload-Offset": str(upload.offset_bytes),
        "Upload-Length": str(upload.length_bytes),
        "Upload-Expires": http_date(upload.expires_at),
    }
    if upload.metadata_header:
        headers["Upload-Metadata"] = upload.metadata_header
    return Response(status_code=200, headers=headers)


@router.patch(
    "/{upload_id}",
    status_code=204,
    response_class=Response,
    openapi_extra=BYTES,
    responses={
        204: {"description": "Stored up to `Upload-Offset`."},
        **WRITING,
        **problems(UploadNotFound, UploadGone),
    },
)
async def append_bytes(upload_id: UUID, person: Person, request: Request, transactions: Transactions) -> Response:
    """Go on at `Upload-Offset`. What arrives before a break is kept; with `Upload-Checksum` all or nothing."""
    require_version(request.headers)
    owner, means = _owner(person), _means(request, transactions)
    async with means.reading() as session:
        await find_upload(session, owner, upload_id)
    require_bytes(request.headers)
    offset, checksum = number_in(request.headers, "upload-offset"), checksum_in(request.headers)
    try:
        written = await write(means, owner, upload_id, offset, _body(request), checksum)
    except BodyBroke:
        return Response(status_code=400)
    await _arrived(means, written, person, request.app.state.settings)
    headers = {"Upload-Offset": str(written.held.offset), "Upload-Expires": http_date(written.held.expires_at)}
    return Response(status_code=204, headers=SPOKEN | headers)


@router.delete(
    "/{upload_id}",
    status_code=204,
    response_class=Response,
    responses=problems(NoCustomerChosen, UploadNotFound, UploadGone, TusVersionNotSupported),
)
async def give_up_upload(upload_id: UUID, person: Person, request: Request, transactions: Transactions) -> Response:
    """Its bytes and its reservation go. An upload that was complete stays the file that it has become."""
    require_version(request.headers)
    await give_up(transactions, _owner(person), upload_id)
    return Response(status_code=204, headers=SPOKEN)


async def _arrived(means: Means, written: Written, person: Identity, settings: Settings) -> None:
    if not written.complete:
        return
    try:
        await arrive(means, written, person, scanning=settings.scanning)
    except DependencyDown as error:
        raise Unavailable(headers={"Retry-After": "2"}) from error
    except LeaseLost:
        await _settled(means, written.held.upload_id, _owner(person))


async def _settled(means: Means, upload_id: UUID, owner: Owner) -> DriveUpload:
    """The upload, once nobody writes it or a moment has passed."""
    end = asyncio.get_running_loop().time() + STILL_WRITTEN_SECONDS
    while True:
        async with means.reading() as session:
            upload = await find_upload(session, owner, upload_id)
        if not is_held(upload, utc_now()) or asyncio.get_running_loop().time() > end:
            return upload
        await asyncio.sleep(0.05)


def _means(request: Request, transactions: Transactions) -> Means:
    state = request.app.state
    return Means(transactions, state.database.reading, state.storage.appended, state.upload_hashes)


def _body(request: Request) -> Body:
    return Body(request.receive, _length(request), request.app.state.upload_threads)


def _owner(person: Identity) -> Owner:
    return Owner(person.customer_id, person.sub)


def _length(request: Request) -> int | None:
    said = request.headers.get("content-length")
    if said is None:
        return None if "transfer-encoding" in request.headers else 0
    return int(said) if said.isdigit() else None
