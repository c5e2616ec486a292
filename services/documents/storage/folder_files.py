"""Files and folders that are still there after a crash, and reading them without holding up the loop."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

from services.documents.storage.content import in_thread
from services.documents.storage.interface import ObjectMissing

READ_BYTES = 1024 * 1024


async def read_file(path: Path, offset: int, length: int | None) -> AsyncGenerator[bytes, None]:
    """In chunks; the next one is read while the last is on its way.

    Raises:
        ObjectMissing: there is no such file.
    """
    try:
        file = await in_thread(os.open, path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ObjectMissing(path.name) from None
    end = sys.maxsize if length is None else offset + length
    coming: asyncio.Task[bytes] | None = None
    try:
        chunk = await in_thread(os.pread, file, min(READ_BYTES, end - offset), offset)
        while chunk:
            offset += len(chunk)
            coming = asyncio.create_task(in_thread(os.pread, file, min(READ_BYTES, end - offset), offset))
            yield chunk
            chunk = await coming
    finally:
        if coming is not None and not coming.done():
            # the thread still reads from the file: closing it now could make it read another one's bytes
            await asyncio.wait([coming])
        os.close(file)


def make_folder(folder: Path) -> None:
    """Each new folder is only there after a crash when the one above it was synced."""
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """New and renamed names in it survive a crash."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
