"""What both stores do with bytes, and how they say that they are out of order."""

import asyncio
import errno
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import IO, Any, TypeVar

import anyio
import urllib3
from minio.error import MinioException, S3Error

from chassis.consumer import DependencyDown
from services.documents.storage.interface import ChecksumMismatch, ObjectMissing, StoreFull

CHUNK_BYTES = 256 * 1024
SPOOLED_BYTES = 8 * 1024 * 1024
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Result = TypeVar("Result")


async def in_thread(
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
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise StoreFull(f"object store: {error!r}"[:300]) from error
        raise DependencyDown(f"object store: {error!r}"[:300]) from error


async def fill(spool: IO[bytes], content: bytes | AsyncIterator[bytes]) -> None:
    """What comes in pieces waits here until its checksum is known."""
    if isinstance(content, bytes):
        spool.write(content)
        return
    async for chunk in content:
        await asyncio.to_thread(spool.write, chunk)


def pieces_of(content: bytes | IO[bytes]) -> Iterator[bytes]:
    """Chunk by chunk, from the beginning."""
    if isinstance(content, bytes):
        yield content
        return
    content.seek(0)
    while piece := content.read(CHUNK_BYTES):
        yield piece
    content.seek(0)


def checked_size(sha256: str, content: bytes | IO[bytes], stored: int | None) -> int:
    """How many bytes there are.

    Raises:
        ChecksumMismatch: they are others.
        OSError: the store has not as many under this name.
    """
    digest, size = hashlib.sha256(), 0
    for piece in pieces_of(content):
        digest.update(piece)
        size += len(piece)
    if digest.hexdigest() != sha256:
        raise ChecksumMismatch(digest.hexdigest())
    if stored not in (None, size):
        raise OSError(f"{sha256} is stored with {stored} of {size} bytes")
    return size
