"""Objects that grow as multipart uploads: whole parts as they come, what is less than a part in an object beside.

S3 lets anybody overwrite a part by its number. A writer that slept through the end of its lease may still be sending
one, so whoever follows such a writer leaves the next number out; and the parts are put in the object by the ETags that
were kept with the offset, so that bytes of anybody else are refused at the end instead of going in.
"""

import asyncio
import io
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, BinaryIO, TypeVar, cast
from uuid import uuid4

import anyio
import urllib3
from minio import Minio
from minio.datatypes import Part
from minio.error import S3Error

from services.documents.storage.content import CHUNK_BYTES, in_thread
from services.documents.storage.interface import Flushed, Piece, State, StoredKey, checked_key

PART_BYTES = 8 * 1024 * 1024
USUAL_PARTS = 5000
"""Half of what S3 allows: the rest is for numbers that were left out."""
GONE = ("NoSuchKey", "NoSuchObject", "NoSuchUpload")

Result = TypeVar("Result")
Run = Callable[..., Any]


async def read_object(
    client: Minio, limiter: anyio.CapacityLimiter, where: tuple[str, str], offset: int, length: int | None
) -> AsyncGenerator[bytes, None]:
    """In chunks, from a bucket and name."""
    if length == 0:
        return

    def begin() -> urllib3.BaseHTTPResponse:
        # 0 means "to the end" to the SDK
        return client.get_object(bucket_name=where[0], object_name=where[1], offset=offset, length=length or 0)

    response = await in_thread(begin, limiter=limiter)
    try:
        while chunk := await in_thread(response.read, 4 * CHUNK_BYTES, limiter=limiter):
            yield chunk
    finally:
        response.close()
        response.release_conn()


class GrowingObjects:
    """See `AppendStore`."""

    flush_seconds = 2.0

    def __init__(self, client: Minio, bucket: str, limiter: anyio.CapacityLimiter) -> None:
        self._client = client
        self._bucket = bucket
        self._limiter = limiter

    async def writer(
        self, key: str, state: State, *, offset: int, length: int, broke_off: bool = False
    ) -> "GrowingObject":
        """See `AppendStore`."""
        checked_key(key)
        state = {"part_bytes": max(PART_BYTES, -(-length // USUAL_PARTS)), "parts": [], "next": 1, **state}
        if broke_off:
            state["next"] += 1
        held = b""
        if state.get("tail"):
            held = b"".join([chunk async for chunk in self._named(state["tail"])])
        if _bytes_in(state) + len(held) != offset:
            raise OSError(f"{key} has not the {offset} bytes that its row speaks of")
        return GrowingObject(self, key, state, held)

    async def complete(self, key: str, state: State, *, size_bytes: int) -> None:
        """See `AppendStore`."""
        await self.run(self._complete, key, state, size_bytes)

    def open(self, key: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """See `AppendStore`."""
        checked_key(key)
        return self._named(key, offset, length)

    async def remove(self, key: str, state: State) -> None:
        """See `AppendStore`."""
        checked_key(key)
        await self.run(self._remove, key)

    async def keys(self) -> AsyncGenerator[StoredKey, None]:
        """See `AppendStore`."""
        begun = await self.run(self._begun, "drive/")
        for key, _upload_id, since in begun:
            yield StoredKey(key, since)
        listed = self._client.list_objects(bucket_name=self._bucket, prefix="drive/", recursive=True)
        while batch := await self.run(lambda: list(islice(listed, 500))):
            for one in batch:
                yield StoredKey(one.object_name.partition(".")[0], one.last_modified)

    async def run(self, blocking: Callable[..., Result], *arguments: Any) -> Result:
        """In a thread, when a connection is free."""
        return await in_thread(blocking, *arguments, limiter=self._limiter)

    def begin(self, key: str) -> str:
        """A new multipart upload."""
        headers: Any = {"Content-Type": "application/octet-stream"}
        return self._client._create_multipart_upload(self._bucket, key, headers)  # noqa: SLF001  # no public way

    def send_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        """Its ETag."""
        return self._client._upload_part(self._bucket, key, data, None, upload_id, number)  # noqa: SLF001

    def put(self, name: str, data: bytes) -> None:
        """A small object."""
        stream = cast("BinaryIO", io.BytesIO(data))
        self._client.put_object(bucket_name=self._bucket, object_name=name, data=stream, length=len(data))

    def forget(self, name: str) -> None:
        """A small object that is not needed any more."""
        self._client.remove_object(bucket_name=self._bucket, object_name=name)

    def _named(self, name: str, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        return read_object(self._client, self._limiter, (self._bucket, name), offset, length)

    def _complete(self, key: str, state: State, size_bytes: int) -> None:
        if self._size(key) != size_bytes:
            parts = [Part(part_number=number, etag=etag) for number, etag, _size in state["parts"]]
            self._client._complete_multipart_upload(  # noqa: SLF001
                self._bucket, key, state["upload_id"], parts
            )
            found = self._size(key)
            if found != size_bytes:
                raise OSError(f"{key} is stored with {found} of {size_bytes} bytes")
        self._remove_beside(key)

    def _size(self, key: str) -> int | None:
        try:
            return int(self._client.stat_object(bucket_name=self._bucket, object_name=key).size or 0)
        except S3Error as error:
            if error.code in GONE:
                return None
            raise

    def _remove(self, key: str) -> None:
        for name, upload_id, _since in self._begun(key):
            try:
                self._client._abort_multipart_upload(self._bucket, name, upload_id)  # noqa: SLF001
            except S3Error as error:
                if error.code not in GONE:
                    raise
        self.forget(key)
        self._remove_beside(key)

    def _remove_beside(self, key: str) -> None:
        for one in list(self._client.list_objects(bucket_name=self._bucket, prefix=f"{key}.", recursive=True)):
            self.forget(one.object_name)

    def _begun(self, prefix: str) -> list[tuple[str, str, datetime]]:
        """Multipart uploads that are neither complete nor given up."""
        found: list[tuple[str, str, datetime]] = []
        marks: dict[str, Any] = {}
        while True:
            page = self._client._list_multipart_uploads(self._bucket, prefix=prefix, **marks)  # noqa: SLF001
            found += [
                (one.object_name, one.upload_id or "", one.initiated_time or datetime.now(UTC))
                for one in page.uploads
                if one.object_name.startswith(prefix)
            ]
            if not page.is_truncated:
                return found
            marks = {"key_marker": page.next_key_marker, "upload_id_marker": page.next_upload_id_marker}


def _bytes_in(state: State) -> int:
    """In parts, or in the object itself where it was too small for any."""
    return int(state.get("whole", sum(size for _number, _etag, size in state["parts"])))


class GrowingObject:
    """See `Appender`."""

    def __init__(self, store: GrowingObjects, key: str, state: State, held: bytes) -> None:
        self._store = store
        self._key = key
        self._state: State = {**state, "parts": list(state["parts"])}
        self._held = bytearray(held)
        """What is not in a part yet."""
        self._kept = len(held)
        """How much of it lies in the object beside."""
        self._needless: str | None = None
        self._busy = asyncio.Lock()

    async def append(self, pieces: Sequence[Piece]) -> None:
        """See `Appender`."""
        async with self._busy:
            for piece in pieces:
                self._held += piece
            size = self._state["part_bytes"]
            while len(self._held) >= size:
                await self._send(bytes(self._held[:size]))
                del self._held[:size]
                self._kept = 0

    async def flush(self, *, last: bool = False) -> Flushed:
        """See `Appender`."""
        async with self._busy:
            if self._needless is not None:
                # the flush after this one's was kept: the object of the one before is not needed by anybody
                await self._store.run(self._store.forget, self._needless)
                self._needless = None
            if last:
                await self._end()
            elif len(self._held) != self._kept or (not self._held and self._state.get("tail")):
                await self._keep_beside()
            state = {**self._state, "parts": list(self._state["parts"])}
            return Flushed(_bytes_in(state) + len(self._held), state)

    async def close(self) -> None:
        """See `Appender`."""

    async def _send(self, data: bytes) -> None:
        if "upload_id" not in self._state:
            self._state["upload_id"] = await self._store.run(self._store.begin, self._key)
        number = self._state["next"]
        etag = await self._store.run(self._store.send_part, self._key, self._state["upload_id"], number, data)
        self._state["parts"].append([number, etag, len(data)])
        self._state["next"] = number + 1

    async def _keep_beside(self) -> None:
        """Under a new name each time: the one that is known to the row stays until the row knows the next."""
        self._needless = self._state.get("tail")
        self._state["tail"] = f"{self._key}.{uuid4().hex}" if self._held else None
        if self._held:
            await self._store.run(self._store.put, self._state["tail"], bytes(self._held))
        self._kept = len(self._held)

    async def _end(self) -> None:
        if self._state["parts"]:
            if self._held:
                await self._send(bytes(self._held))
        elif "whole" not in self._state:
            await self._store.run(self._store.put, self._key, bytes(self._held))
            self._state["whole"] = len(self._held)
        self._held.clear()
        self._kept = 0
        self._state["tail"] = None
