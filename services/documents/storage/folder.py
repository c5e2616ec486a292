"""A folder as store: files written aside, synced, renamed into place, so that a name always has all its bytes."""

import contextlib
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO
from uuid import uuid4

from chassis.consumer import DependencyDown
from services.documents.storage.content import SPOOLED_BYTES, checked_size, fill, in_thread, pieces_of
from services.documents.storage.folder_appending import GrowingFiles
from services.documents.storage.folder_files import make_folder, read_file, sync_folder
from services.documents.storage.interface import FRESH, HASHED_NAME, ObjectMissing, StoredObject, StoreFull, name_of


class FolderStore:
    """Files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.appended = GrowingFiles(folder)

    async def put(self, sha256: str, content: bytes | AsyncIterator[bytes]) -> int:
        """See `Storage`. A full disk is an outage here: somebody will make room, and what waits is filed then."""
        try:
            if isinstance(content, bytes):
                return await in_thread(self._put, sha256, content)
            with tempfile.SpooledTemporaryFile(max_size=SPOOLED_BYTES) as spool:
                await fill(spool, content)
                return await in_thread(self._put, sha256, spool)
        except StoreFull as error:
            raise DependencyDown(str(error)) from error

    def open(self, sha256: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """See `Storage`."""
        return read_file(self._path(sha256), offset, length)

    async def about(self, sha256: str) -> StoredObject | None:
        """See `Storage`."""
        return await in_thread(self._about, sha256)

    async def delete(self, sha256: str, *, stored_before: datetime) -> None:
        """See `Storage`. It is moved aside first: what stores it again meanwhile finds nothing, and writes."""
        await in_thread(self._delete, self._path(sha256), stored_before.timestamp())

    async def prepare(self) -> bool:
        """See `Storage`."""
        return await in_thread(self._prepare)

    async def clean(self, *, stored_before: datetime) -> None:
        """See `Storage`."""
        await in_thread(self._clean, stored_before.timestamp())

    async def objects(self) -> AsyncGenerator[StoredObject, None]:
        """See `Storage`."""
        names = self._walk()
        while batch := await in_thread(lambda: list(islice(names, 500))):
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
            sync_folder(path.parent)
            return checked_size(sha256, content, found.st_size)
        make_folder(path.parent)
        aside = path.parent / f".{uuid4().hex}.part"
        try:
            size = _write(aside, sha256, content)
            aside.rename(path)
        finally:
            aside.unlink(missing_ok=True)
        sync_folder(path.parent)
        return size

    def _prepare(self) -> bool:
        missing = not self._folder.exists()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return missing

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
            name = path.relative_to(self._folder).as_posix()
            if HASHED_NAME.fullmatch(name) and (found := self._about(path.name)):
                yield found


def _write(path: Path, sha256: str, content: bytes | IO[bytes]) -> int:
    size = checked_size(sha256, content, None)
    with path.open("xb") as file:
        for piece in pieces_of(content):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return size


def _age(mtime: float) -> timedelta:
    return datetime.now(UTC) - datetime.fromtimestamp(mtime, UTC)
