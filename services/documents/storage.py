"""The object store: bytes under the name of their own content. A folder, or S3 (the only place that knows `minio`).

Whatever keeps a store from answering is `DependencyDown`: consumers pause, requests answer 503, nothing is lost.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol, TypeVar, cast
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import anyio
import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from chassis.consumer import DependencyDown

CHUNK_BYTES = 256 * 1024
CONNECTIONS = 16
FRESH = timedelta(hours=24)
"""An object stored again within this time keeps its age; an older one is made young, so that no sweep takes it."""

Result = TypeVar("Result")
_NAME = re.compile(r"sha256/[0-9a-f]{2}/[0-9a-f]{2}/([0-9a-f]{64})")


class ChecksumMismatch(Exception):
    """The bytes are not those of the promised name; nothing was stored."""


class ObjectMissing(Exception):
    """The store answers, and has nothing of this name."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as the store lists it."""

    sha256: str
    size_bytes: int
    stored_at: datetime


class Storage(Protocol):
    """What every store must do; one contract test suite runs on all of them."""

    async def put(self, sha256: str, content: bytes | AsyncIterator[bytes]) -> int:
        """Store durably under the content's name and return its size; again is no error and changes nothing.

        Raises:
            ChecksumMismatch: the content has another SHA-256.
        """

    def open(self, sha256: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes in chunks.

        Raises:
            ObjectMissing: at the first chunk.
        """

    async def about(self, sha256: str) -> StoredObject | None:
        """Size and age, or None."""

    async def delete(self, sha256: str, *, stored_before: datetime) -> None:
        """Gone, unless it was stored again since then; no error when it was not there."""

    async def clean(self, *, stored_before: datetime) -> None:
        """Remove what interrupted writes left behind."""

    def objects(self) -> AsyncGenerator[StoredObject, None]:
        """All of them, in no order."""

    def fetch(self, bucket: str, key: str) -> AsyncGenerator[bytes, None]:
        """Somebody else's object beside ours.

        Raises:
            ObjectMissing: not there, or this store has no buckets.
        """


def name_of(sha256: str) -> str:
    """Such as ``sha256/ab/cd/abcd...``."""
    return f"sha256/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def storage_at(url: str, *, access_key: str = "", secret_key: str = "") -> Storage:
    """The store of a settings URL.

    Raises:
        ValueError: neither ``file:`` nor ``s3:``.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FolderStore(Path(url.removeprefix("file://").removeprefix("file:")))
    if parts.scheme == "s3":
        options = {name: values[0] for name, values in parse_qs(parts.query).items()}
        endpoint = options.get("endpoint", "https://s3.amazonaws.com")
        keys = (access_key, secret_key)
        return S3Store(parts.netloc, endpoint=endpoint, region=options.get("region", "us-east-1"), keys=keys)
    raise ValueError("storage_url begins with file: or s3:")


class FolderStore:
    """Files below a folder: written aside, synced, renamed into place, so that a name always has all its bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, sha256: str, content: bytes | AsyncIterator[bytes]) -> int:
        """See `Storage`."""
        if isinstance(content, bytes):
            return await _in_thread(self._put, sha256, content)
        with tempfile.SpooledTemporaryFile(max_size=32 * CHUNK_BYTES) as spool:
            await _fill(spool, content)
            return await _in_thread(self._put, sha256, spool)

    def open(self, sha256: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """See `Storage`."""
        return self._read(self._path(sha256), offset, length)

    async def about(self, sha256: str) -> StoredObject | None:
        """See `Storage`."""
        return await _in_thread(self._about, sha256)

    async def delete(self, sha256: str, *, stored_before: datetime) -> None:
        """See `Storage`. It is moved aside first: what stores it again meanwhile finds nothing, and writes."""
        await _in_thread(self._delete, self._path(sha256), stored_before.timestamp())

    async def clean(self, *, stored_before: datetime) -> None:
        """See `Storage`."""
        await _in_thread(self._clean, stored_before.timestamp())

    async def objects(self) -> AsyncGenerator[StoredObject, None]:
        """See `Storage`."""
        names = self._walk()
        while batch := await _in_thread(lambda: list(islice(names, 500))):
            for found in batch:
                yield found

    async def fetch(self, bucket: str, key: str) -> AsyncGenerator[bytes, None]:
        """See `Storage`: a folder has no buckets."""
        raise ObjectMissing(f"{bucket}/{key}")
        yield b""

    def _path(self, sha256: str) -> Path:
        return self._folder / name_of(sha256)

    def _put(self, sha256: str, content: bytes | IO[bytes]) -> int:
        path = self._path(sha256)
        with contextlib.suppress(FileNotFoundError):
            found = path.stat()
            if _age(found.st_mtime) > FRESH:
                os.utime(path)
            _sync(path.parent)
            return _checked_size(sha256, content, found.st_size)
        self._make(path.parent)
        aside = path.parent / f".{uuid4().hex}.part"
        try:
            size = _write(aside, sha256, content)
            aside.rename(path)
        finally:
            aside.unlink(missing_ok=True)
        _sync(path.parent)
        return size

    def _make(self, folder: Path) -> None:
        """Each new folder is only there after a crash when the one above it was synced."""
        missing = [folder]
        while not missing[-1].parent.exists():
            missing.append(missing[-1].parent)
        for one in reversed(missing):
            one.mkdir(exist_ok=True)
            _sync(one.parent)

    async def _read(self, path: Path, offset: int, length: int | None) -> AsyncGenerator[bytes, None]:
        try:
            file = await _in_thread(lambda: path.open("rb"))
        except FileNotFoundError:
            raise ObjectMissing(path.name) from None
        try:
            await _in_thread(file.seek, offset)
            left = sys.maxsize if length is None else length
            while chunk := await _in_thread(file.read, min(CHUNK_BYTES, left)):
                left -= len(chunk)
                yield chunk
        finally:
            file.close()

    def _delete(self, path: Path, before: float) -> None:
        aside = path.with_name(f".{path.name}.doomed")
        with contextlib.suppress(FileNotFoundError):
            path.rename(aside)
            # a moment that went through a datetime is off by up to a microsecond
            if aside.stat().st_mtime > before - 1e-6:
                aside.rename(path)
        aside.unlink(missing_ok=True)

    def _clean(self, before: float) -> None:
        for path in (self._folder / "sha256").glob("*/*/.*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()

    def _about(self, sha256: str) -> StoredObject | None:
        with contextlib.suppress(FileNotFoundError):
            found = self._path(sha256).stat()
            return StoredObject(sha256, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))
        return None

    def _walk(self) -> Iterator[StoredObject]:
        for path in (self._folder / "sha256").glob("*/*/*"):
            if _NAME.fullmatch(path.relative_to(self._folder).as_posix()) and (found := self._about(path.name)):
                yield found


class S3Store:
    """A bucket. The SDK blocks: every call runs in a thread, at most as many as there are connections."""

    def __init__(self, bucket: str, *, endpoint: str, region: str, keys: tuple[str, str]) -> None:
        parts = urlsplit(endpoint)
        pool = urllib3.PoolManager(
            maxsize=CONNECTIONS,
            block=True,
            timeout=urllib3.Timeout(connect=2, read=30),
            retries=urllib3.Retry(total=2, backoff_factor=0.1, status_forcelist=(500, 502, 503, 504)),
        )
        self._bucket = bucket
        self._client = Minio(
            endpoint=parts.netloc,
            access_key=keys[0],
            secret_key=keys[1],
            secure=parts.scheme == "https",
            region=region,
            http_client=pool,
        )
        self._limiter = anyio.CapacityLimiter(CONNECTIONS)

    async def put(self, sha256: str, content: bytes | AsyncIterator[bytes]) -> int:
        """See `Storage`."""
        with tempfile.SpooledTemporaryFile(max_size=32 * CHUNK_BYTES) as spool:
            await _fill(spool, content)
            return await self._call(self._put, sha256, spool)

    def open(self, sha256: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """See `Storage`."""
        return self._read(self._bucket, name_of(sha256), offset, length)

    async def about(self, sha256: str) -> StoredObject | None:
        """See `Storage`."""
        return await self._call(self._about, sha256)

    async def delete(self, sha256: str, *, stored_before: datetime) -> None:
        """See `Storage`. S3 cannot do both in one step: between looking and removing lie some milliseconds."""
        await self._call(self._delete, sha256, stored_before)

    async def clean(self, *, stored_before: datetime) -> None:
        """See `Storage`: an object appears whole or not at all."""

    async def objects(self) -> AsyncGenerator[StoredObject, None]:
        """See `Storage`."""
        listed = self._client.list_objects(bucket_name=self._bucket, prefix="sha256/", recursive=True)
        while batch := await self._call(lambda: list(islice(listed, 500))):
            for one in batch:
                if found := _NAME.fullmatch(one.object_name):
                    yield StoredObject(found[1], int(one.size), one.last_modified)

    def fetch(self, bucket: str, key: str) -> AsyncGenerator[bytes, None]:
        """See `Storage`."""
        return self._read(bucket, key, 0, None)

    async def _call(self, blocking: Callable[..., Result], *arguments: Any) -> Result:
        return await _in_thread(blocking, *arguments, limiter=self._limiter)

    def _put(self, sha256: str, spool: IO[bytes]) -> int:
        size = _checked_size(sha256, spool, None)
        found = self._about(sha256)
        if found and found.size_bytes == size and datetime.now(UTC) - found.stored_at < FRESH:
            return size
        self._client.put_object(
            bucket_name=self._bucket, object_name=name_of(sha256), data=cast("BinaryIO", spool), length=size
        )
        return size

    def _delete(self, sha256: str, before: datetime) -> None:
        found = self._about(sha256)
        if found is not None and found.stored_at < before:
            self._client.remove_object(bucket_name=self._bucket, object_name=name_of(sha256))

    def _about(self, sha256: str) -> StoredObject | None:
        try:
            found = self._client.stat_object(bucket_name=self._bucket, object_name=name_of(sha256))
        except S3Error as error:
            if error.code in ("NoSuchKey", "NoSuchObject"):
                return None
            raise
        return StoredObject(sha256, int(found.size or 0), found.last_modified or datetime.now(UTC))

    async def _read(self, bucket: str, key: str, offset: int, length: int | None) -> AsyncGenerator[bytes, None]:
        if length == 0:
            return

        def begin() -> urllib3.BaseHTTPResponse:
            # 0 means "to the end" to the SDK
            return self._client.get_object(bucket_name=bucket, object_name=key, offset=offset, length=length or 0)

        response = await self._call(begin)
        try:
            while chunk := await self._call(response.read, CHUNK_BYTES):
                yield chunk
        finally:
            response.close()
            response.release_conn()


async def _in_thread(
    blocking: Callable[..., Result], *arguments: Any, limiter: anyio.CapacityLimiter | None = None
) -> Result:
    """Run what blocks; say of every outage that it is one."""
    try:
        return await anyio.to_thread.run_sync(blocking, *arguments, limiter=limiter)
    except FileNotFoundError:
        raise
    except S3Error as error:
        if error.code in ("NoSuchKey", "NoSuchObject"):
            raise ObjectMissing(error.code) from error
        raise DependencyDown(f"object store: {error.code}") from error
    except (OSError, MinioException, urllib3.exceptions.HTTPError) as error:
        raise DependencyDown(f"object store: {error!r}"[:300]) from error


async def _fill(spool: IO[bytes], content: bytes | AsyncIterator[bytes]) -> None:
    """What comes in pieces waits here until its checksum is known."""
    if isinstance(content, bytes):
        spool.write(content)
        return
    async for chunk in content:
        await asyncio.to_thread(spool.write, chunk)


def _pieces(content: bytes | IO[bytes]) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    content.seek(0)
    while piece := content.read(CHUNK_BYTES):
        yield piece
    content.seek(0)


def _checked_size(sha256: str, content: bytes | IO[bytes], stored: int | None) -> int:
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(content):
        digest.update(piece)
        size += len(piece)
    if digest.hexdigest() != sha256:
        raise ChecksumMismatch(digest.hexdigest())
    if stored not in (None, size):
        raise OSError(f"{sha256} is stored with {stored} of {size} bytes")
    return size


def _write(path: Path, sha256: str, content: bytes | IO[bytes]) -> int:
    size = _checked_size(sha256, content, None)
    with path.open("xb") as file:
        for piece in _pieces(content):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return size


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _age(mtime: float) -> timedelta:
    return datetime.now(UTC) - datetime.fromtimestamp(mtime, UTC)
