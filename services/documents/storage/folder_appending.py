"""Files that grow at their end. The kernel lets one writer in: a file is locked while it is open for appending.

The offset in the row is the truth. Bytes beyond it were never acknowledged; the next writer cuts them off, after it has
the lock, so that a writer who slept through the end of its lease cannot write into what somebody else has stored since.
"""

import contextlib
import fcntl
import os
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from services.documents.storage.content import in_thread
from services.documents.storage.folder_files import make_folder, read_file, sync_folder
from services.documents.storage.interface import Flushed, InUse, Piece, State, StoredKey, checked_key

MOST_AT_ONCE = 512
"""Pieces in one call; the kernel takes at most 1,024."""


class GrowingFile:
    """See `Appender`."""

    def __init__(self, file: int, offset: int) -> None:
        self._file = file
        self._offset = offset

    async def append(self, pieces: Sequence[Piece]) -> None:
        """See `Appender`."""
        await in_thread(_write_all, self._file, pieces)
        self._offset += sum(map(len, pieces))

    async def flush(self, *, last: bool = False) -> Flushed:
        """See `Appender`."""
        offset = self._offset
        await in_thread(os.fdatasync, self._file)
        return Flushed(offset, {})

    async def close(self) -> None:
        """See `Appender`."""
        if self._file >= 0:
            file, self._file = self._file, -1
            await in_thread(os.close, file)


class GrowingFiles:
    """See `AppendStore`: one file each, ``drive/ab/abcd...``."""

    flush_seconds = 1.0

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "drive"

    async def writer(self, key: str, state: State, *, offset: int, length: int, broke_off: bool = False) -> GrowingFile:
        """See `AppendStore`."""
        return GrowingFile(await in_thread(self._opened, self._path(key), offset), offset)

    async def complete(self, key: str, state: State, *, size_bytes: int) -> None:
        """See `AppendStore`: it has been all the time."""

    def open(self, key: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """See `AppendStore`."""
        return read_file(self._path(key), offset, length)

    async def remove(self, key: str, state: State) -> None:
        """See `AppendStore`."""
        await in_thread(lambda: self._path(key).unlink(missing_ok=True))

    async def keys(self) -> AsyncGenerator[StoredKey, None]:
        """See `AppendStore`."""
        names = self._walk()
        while batch := await in_thread(lambda: list(islice(names, 500))):
            for found in batch:
                yield found

    def _path(self, key: str) -> Path:
        name = checked_key(key)
        return self._folder / name[:2] / name

    def _opened(self, path: Path, offset: int) -> int:
        if not path.parent.exists():
            make_folder(path.parent)
        is_new = not path.exists()
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            if is_new:
                sync_folder(path.parent)
            _lock(file)
            size = os.fstat(file).st_size
            if size < offset:
                raise OSError(f"{path.name} has {size} of {offset} bytes")
            if size > offset:
                os.ftruncate(file, offset)
            os.lseek(file, offset, os.SEEK_SET)
        except BaseException:
            os.close(file)
            raise
        return file

    def _walk(self) -> Iterator[StoredKey]:
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                stored_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                yield StoredKey(f"drive/{path.name}", stored_at)


def _lock(file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InUse from None


def _write_all(file: int, pieces: Sequence[Piece]) -> None:
    for start in range(0, len(pieces), MOST_AT_ONCE):
        some = pieces[start : start + MOST_AT_ONCE]
        wanted, written = sum(map(len, some)), os.writev(file, some)
        while written < wanted:
            # a full disk takes a part first; the next call says that it is full
            written += os.write(file, memoryview(b"".join(some))[written:])
