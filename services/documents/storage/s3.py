"""S3 as store (with `s3_appending` the only place that knows `minio`)."""

import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any, BinaryIO, TypeVar, cast
from urllib.parse import urlsplit

import anyio
import urllib3
from minio import Minio
from minio.error import S3Error

from services.documents.storage.content import SPOOLED_BYTES, checked_size, fill, in_thread
from services.documents.storage.interface import CONNECTIONS, FRESH, HASHED_NAME, StoredObject, name_of
from services.documents.storage.s3_appending import GrowingObjects, read_object

Result = TypeVar("Result")


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
        self.appended = GrowingObjects(self._client, bucket, self._limiter)

    async def put(self, sha256: str, content: bytes | AsyncIterator[bytes]) -> int:
        """See `Storage`."""
        with tempfile.SpooledTemporaryFile(max_size=SPOOLED_BYTES) as spool:
            await fill(spool, content)
            return await self._call(self._put, sha256, spool)

    def open(self, sha256: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """See `Storage`."""
        return read_object(self._client, self._limiter, (self._bucket, name_of(sha256)), offset, length)

    async def about(self, sha256: str) -> StoredObject | None:
        """See `Storage`."""
        return await self._call(self._about, sha256)

    async def delete(self, sha256: str, *, stored_before: datetime) -> None:
        """See `Storage`. S3 cannot do both in one step: between looking and removing lie some milliseconds."""
        await self._call(self._delete, sha256, stored_before)

    async def prepare(self) -> bool:
        """See `Storage`."""
        return await self._call(self._prepare)

    async def clean(self, *, stored_before: datetime) -> None:
        """See `Storage`: an object appears whole or not at all."""

    async def objects(self) -> AsyncGenerator[StoredObject, None]:
        """See `Storage`."""
        listed = self._client.list_objects(bucket_name=self._bucket, prefix="sha256/", recursive=True)
        while batch := await self._call(lambda: list(islice(listed, 500))):
            for one in batch:
                if found := HASHED_NAME.fullmatch(one.object_name):
                    yield StoredObject(found[1], int(one.size), one.last_modified)

    def fetch(self, bucket: str, key: str) -> AsyncGenerator[bytes, None]:
        """See `Storage`."""
        return read_object(self._client, self._limiter, (bucket, key), 0, None)

    async def _call(self, blocking: Callable[..., Result], *arguments: Any) -> Result:
        return await in_thread(blocking, *arguments, limiter=self._limiter)

    def _put(self, sha256: str, spool: IO[bytes]) -> int:
        size = checked_size(sha256, spool, None)
        found = self._about(sha256)
        if found and found.size_bytes == size and datetime.now(UTC) - found.stored_at < FRESH:
            return size
        self._client.put_object(
            bucket_name=self._bucket, object_name=name_of(sha256), data=cast("BinaryIO", spool), length=size
        )
        return size

    def _prepare(self) -> bool:
        missing = not self._client.bucket_exists(bucket_name=self._bucket)
        if missing:
            self._client.make_bucket(bucket_name=self._bucket)
        return missing

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
