"""The first half of filing, before any transaction: check the files, fetch what is referred to, store the bytes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import aiohttp
from yarl import URL

from chassis.consumer import DependencyDown
from chassis.logging import log
from events.base import InvalidEvent
from events.billing import DocumentPublished, FeedFile, InvoicePublished
from services.documents.einvoice import EInvoice, read
from services.documents.file_checks import (
    HEAD_BYTES,
    check_head,
    check_sum,
    checked_content,
    safe_name,
    too_large,
)
from services.documents.record import Record, RecordFile, record_of
from services.documents.settings import Settings
from services.documents.storage import ChecksumMismatch, ObjectMissing, Storage

READING_SECONDS = 5.0
_WITH_XML = ("application/pdf", "application/xml", "text/xml")


class FetchFailed(Exception):
    """A referenced file cannot be had at the moment; the event is tried again later, the ones behind it go on."""


class Intake:
    """Turns feed events into records whose files are stored."""

    def __init__(self, storage: Storage, settings: Settings) -> None:
        self.storage = storage
        self._settings = settings

    async def receive(self, event: InvoicePublished | DocumentPublished, *, store: bool = True) -> Record:
        """Check and store all files; may be repeated at will. ``store=False`` only checks.

        Raises:
            InvalidEvent: a file is not as promised or not allowed.
            DependencyDown: the object store does not answer.
            FetchFailed: somebody else's server does not answer.
        """
        contents = await asyncio.to_thread(checked_content, event.files, self._settings.content_limit_bytes)
        files = []
        for position, (file, content) in enumerate(zip(event.files, contents, strict=True)):
            if content is None:
                size = await self._fetch(file, f"/data/files/{position}", store=store)
            else:
                size = await self.storage.put(file.sha256, content) if store else len(content)
            files.append(_described(file, position, size))
        return record_of(event, tuple(files), await _read_einvoice(event, contents))

    async def _fetch(self, file: FeedFile, pointer: str, *, store: bool) -> int:
        source = self._from_url(file.url, pointer) if file.url else self._from_bucket(file, pointer)
        checked = _Checked(source, file, pointer, self._settings.fetch_limit_bytes)
        try:
            if store:
                return await self.storage.put(file.sha256, checked.chunks())
            async for _ in checked.chunks():
                pass
        except ChecksumMismatch as mismatch:
            check_sum(str(mismatch), file.sha256, f"{pointer}/sha256")
        return checked.size

    def _from_bucket(self, file: FeedFile, pointer: str) -> AsyncIterator[bytes]:
        assert file.object is not None
        if file.object.bucket not in self._settings.allowed_buckets:
            raise _refused("object_not_allowed", "Objects of this bucket are not read.", f"{pointer}/object")
        return _missing_is_failed(self.storage.fetch(file.object.bucket, file.object.key))

    def _from_url(self, text: str, pointer: str) -> AsyncIterator[bytes]:
        """Judged as the client that fetches will read it: two readers of one address may disagree."""
        allowed = {URL(origin) for origin in self._settings.allowed_file_origins}
        try:
            url = URL(text)
            fits = url.user is None and url.password is None and url.origin() in allowed
        except ValueError:
            fits = False
        if not fits:
            raise _refused("url_not_allowed", "Files are not fetched from there.", f"{pointer}/url")
        return _download(url, self._settings.fetch_timeout.total_seconds())


class _Checked:
    """Chunks on their way into the store: first bytes, size and checksum are held against the promise."""

    def __init__(self, source: AsyncIterator[bytes], file: FeedFile, pointer: str, limit_bytes: int) -> None:
        self._source = source
        self._file = file
        self._pointer = pointer
        self._limit = limit_bytes
        self.size = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        digest, head = hashlib.sha256(), b""
        async for chunk in self._source:
            self.size += len(chunk)
            if self.size > self._limit:
                raise too_large(self._limit, self._pointer)
            digest.update(chunk)
            if len(head) < HEAD_BYTES:
                head += chunk[:HEAD_BYTES]
            yield chunk
        check_sum(digest.hexdigest(), self._file.sha256, f"{self._pointer}/sha256")
        check_head(self._file.name, self._file.media_type, head, self._pointer)


async def _download(url: URL, seconds: float) -> AsyncIterator[bytes]:
    """No redirects: they would lead away from the origin that was checked."""
    try:
        timeout = aiohttp.ClientTimeout(total=seconds)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as client,
            client.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise FetchFailed(f"status {answer.status}")
            async for chunk in answer.content.iter_chunked(256 * 1024):
                yield chunk
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise FetchFailed(repr(error)[:300]) from error


async def _missing_is_failed(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield chunk
    except (ObjectMissing, DependencyDown) as error:
        # a bucket that we may not read must not stop the feed: our own store is asked separately
        raise FetchFailed(str(error)) from error


def _refused(reason: str, detail: str, pointer: str) -> InvalidEvent:
    return InvalidEvent(reason, detail, [{"pointer": pointer, "detail": detail}])


def _described(file: FeedFile, position: int, size: int) -> RecordFile:
    return RecordFile(
        name=safe_name(file.name, f"/data/files/{position}/name"),
        media_type=file.media_type,
        size_bytes=size,
        sha256=file.sha256,
        role=file.role,
        kind=file.kind,
    )


async def _read_einvoice(event: InvoicePublished | DocumentPublished, contents: list[bytes | None]) -> EInvoice | None:
    """The first readable one among an invoice's files; a file that cannot be read is filed all the same."""
    if not isinstance(event, InvoicePublished):
        return None
    for file, content in zip(event.files, contents, strict=True):
        if content is None or file.role != "invoice" or file.media_type not in _WITH_XML:
            continue
        try:
            async with asyncio.timeout(READING_SECONDS):
                found = await asyncio.to_thread(read, content)
        except TimeoutError:
            log.warning("einvoice_reading_too_slow", sha256=file.sha256)
            continue
        if found is not None:
            return found
    return None
