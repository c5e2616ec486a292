"""One request's bytes on their way into the store: received, hashed and written at the same time, committed in steps.

A body that breaks off is never the end of a file: what came is kept, and the upload waits for the rest.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chassis.consumer import DependencyDown
from chassis.db import OpenSession
from chassis.errors import Unavailable
from chassis.logging import log
from chassis.sockets import RestOfBody, Threads, rest_of_body
from services.documents.storage import Appender, AppendStore, InUse, Piece, StoreFull
from services.documents.uploads.hashes import Hashes, feed
from services.documents.uploads.lease import LEASE, Held, LeaseLost, Owner, commit, let_go, retake, take
from services.documents.uploads.protocol import (
    Checksum,
    MoreThanDeclared,
    StorageFull,
    UploadBusy,
    UploadChecksumMismatch,
    UploadStalled,
)

BATCH_BYTES = 1024 * 1024
STEP_BYTES = 16 * 1024 * 1024
"""Committed whenever so much is stored, or when the store's time has passed."""
MOST_AHEAD_BYTES = 4 * STEP_BYTES
"""So much may be written beyond what is committed; then the disk is waited for."""
SILENCE_SECONDS = 3.0
"""Then a writer lets go until more comes: the client may have come back on another connection."""
WAIT_SECONDS = 5.0
"""For a writer who is about to let go."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class BodyBroke(Exception):
    """The client, or the way to it, is gone; nobody reads an answer."""


@dataclass(frozen=True, slots=True)
class Means:
    """What every request writes with."""

    transactions: OpenSession
    reading: OpenSession
    store: AppendStore
    hashes: Hashes


@dataclass(frozen=True, slots=True)
class Written:
    """How far it got. If that is all, it is still held: what comes next is its arrival on the drive."""

    held: Held
    sha256: str | None

    @property
    def complete(self) -> bool:
        """All bytes that were declared."""
        return self.held.offset == self.held.length


class Body:
    """A request's bytes: the first as the server hands them out, the rest of many from the socket itself."""

    def __init__(self, receive: Receive, length: int | None, threads: Threads) -> None:
        """``length`` as declared; none where the body is chunked."""
        self.length = length
        self._receive = receive
        self._threads = threads
        self._handed_out = 0
        self._rest: RestOfBody | None = None

    async def piece(self) -> tuple[Piece, bool]:
        """The next bytes, and whether there are more.

        Raises:
            BodyBroke: there should be, but they will not come.
        """
        if self._rest is None and self._handed_out and self.length is not None:
            self._rest = rest_of_body(self._receive, self.length - self._handed_out, self._threads)
        if self._rest is not None:
            piece, more = await self._rest.piece()
            if not piece:
                raise BodyBroke
            return piece, more
        message = await self._receive()
        if message["type"] != "http.request":
            raise BodyBroke
        self._handed_out += len(message.get("body", b""))
        return message.get("body", b""), message.get("more_body", False)

    def close(self) -> None:
        """Nothing more is wanted of it."""
        if self._rest is not None:
            self._rest.close()


async def write(
    means: Means, owner: Owner, upload_id: UUID, offset: int, body: Body, checksum: Checksum | None
) -> Written:
    """Append a request's body at the offset.

    Raises:
        UploadBusy: somebody else is writing.
        UploadChecksumMismatch: other bytes; the offset stays.
        MoreThanDeclared: nothing beyond the length is stored.
        StorageFull: what is stored stays.
        BodyBroke: what came is stored, without a checksum to check.
    """
    writer = await _writer(means, owner, upload_id, offset, checksum)
    try:
        with _told(upload_id):
            return await writer.take_in(body)
    finally:
        body.close()


async def seal(means: Means, held: Held) -> Written:
    """An upload that has all its bytes, but whose process did not live to say so."""
    with _told(held.upload_id):
        return await (await Writer.begin(means, held, None)).complete()


@contextlib.contextmanager
def _told(upload_id: UUID) -> Iterator[None]:
    try:
        yield
    except (LeaseLost, InUse):
        raise UploadBusy(headers={"Retry-After": "1"}) from None
    except StoreFull as error:
        log.error("store_is_full", upload_id=str(upload_id), error=str(error))
        raise StorageFull from error
    except DependencyDown as error:
        log.warning("store_is_away", upload_id=str(upload_id), error=str(error))
        raise Unavailable(headers={"Retry-After": "2"}) from error
    except (DBAPIError, PoolTimeout, OSError) as error:
        if "disk is full" in str(error):
            raise StorageFull from error
        log.warning("database_is_away", upload_id=str(upload_id), error=repr(error)[:300])
        raise Unavailable(headers={"Retry-After": "2"}) from error


async def _writer(means: Means, owner: Owner, upload_id: UUID, offset: int, checksum: Checksum | None) -> "Writer":
    """Become the one writer, patiently: the last one may just be storing what it got before its connection broke."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        held = await take(means.transactions, owner, upload_id, offset)
        if held is not None:
            with _told(upload_id), contextlib.suppress(InUse):
                return await Writer.begin(means, held, checksum)
        if time.monotonic() > end:
            raise UploadBusy(headers={"Retry-After": "1"})
        await asyncio.sleep(0.1)


@dataclass
class Writer:
    """The state of one request. ``held.offset`` is committed, ``appended`` is in the store, ``waiting`` in memory."""

    means: Means
    held: Held
    checksum: Checksum | None
    appended: int
    appender: Appender | None = None
    hash: Any | None = None
    """Of exactly what was appended, from the beginning of the file; none if that was not seen."""
    hash_before: Any | None = None
    checking: Any | None = None
    """The hash of this request's bytes that the client has sent a checksum for."""
    committed_at: float = field(default_factory=time.monotonic)
    waiting: list[Piece] = field(default_factory=list)
    waiting_bytes: int = 0
    storing: "asyncio.Task[None] | None" = None
    storing_bytes: int = 0
    committing: "asyncio.Task[None] | None" = None
    """A step on its way to the disk, while more is written."""

    @classmethod
    async def begin(cls, means: Means, held: Held, checksum: Checksum | None) -> "Writer":
        """Open it at its offset, and let go again if that does not work.

        Raises:
            InUse: an earlier writer has it open still.
        """
        writer = cls(means, held, checksum, held.offset)
        try:
            await writer._open()
        except BaseException:
            await writer._forget(writer.appender)
            raise
        if checksum is not None:
            writer.checking = checksum.begin()
            writer.hash_before = writer.hash.copy() if writer.hash is not None else None
        return writer

    async def take_in(self, body: Body) -> Written:
        """Until the end of the body, or its break; then let go, unless it is complete."""
        keep = self.checksum is None
        try:
            if body.length is not None and self.appended + body.length > self.held.length:
                raise MoreThanDeclared
            try:
                await self._receive(body)
            finally:
                await self._store_rest()
            if self.checksum is not None and self._digest() != self.checksum.digest:
                raise UploadChecksumMismatch
        except BaseException:
            try:
                await self._end(keep=keep)
            except Exception as error:
                log.warning("bytes_not_kept", upload_id=str(self.held.upload_id), error=repr(error)[:300])
            raise
        if self.appended == self.held.length:
            return await self.complete()
        await self._end(keep=True)
        return Written(self.held, None)

    async def complete(self) -> Written:
        """All bytes are there: stored for good before anybody hears of it."""
        appender = await self._opened()
        self.appender = None
        try:
            await self._committed()
            flushed = await appender.flush(last=True)
            await appender.close()
            self.held = await commit(self.means.transactions, self.held, self.held.length, flushed.state)
        except BaseException:
            await self._forget(appender)
            raise
        return Written(self.held, self.hash.hexdigest() if self.hash is not None else None)

    def _digest(self) -> bytes:
        return bytes(self.checking.digest()) if self.checking is not None else b""

    async def _receive(self, body: Body) -> None:
        patience = SILENCE_SECONDS if self.checksum is None else LEASE.total_seconds()
        more = True
        while more:
            coming = asyncio.ensure_future(body.piece())
            try:
                while not (await asyncio.wait([coming], timeout=patience))[0]:
                    if self.checksum is not None:
                        raise UploadStalled(headers={"Connection": "close"})
                    await self._pause()
            except BaseException:
                coming.cancel()
                raise
            piece, more = coming.result()
            if self.appended + self.storing_bytes + self.waiting_bytes + len(piece) > self.held.length:
                raise MoreThanDeclared
            if piece:
                self.waiting.append(piece)
                self.waiting_bytes += len(piece)
            late = time.monotonic() - self.committed_at >= self.means.store.flush_seconds
            if self.waiting and (self.waiting_bytes >= BATCH_BYTES or late):
                await self._hand_over()

    async def _hand_over(self) -> None:
        """Storing goes on while more is received; one batch at a time, so that memory stays flat."""
        await self._stored()
        appender = await self._opened()
        batch, self.waiting = self.waiting, []
        self.storing_bytes, self.waiting_bytes = self.waiting_bytes, 0
        self.storing = asyncio.create_task(self._store(appender, batch))

    async def _store(self, appender: Appender, batch: Sequence[Piece]) -> None:
        known, self.hash = self.hash, None
        await asyncio.gather(appender.append(batch), asyncio.to_thread(feed, (known, self.checking), batch))
        self.hash = known
        self.appended += self.storing_bytes
        self.storing_bytes = 0
        due = time.monotonic() - self.committed_at >= self.means.store.flush_seconds
        if due or (self.checksum is None and self.appended - self.held.offset >= STEP_BYTES):
            under_way = self.committing is not None and not self.committing.done()
            if under_way and self.appended - self.held.offset < MOST_AHEAD_BYTES:
                return
            await self._committed()
            self.committing = asyncio.create_task(self._commit(appender))

    async def _commit(self, appender: Appender) -> None:
        """A step; with a checksum to come only a sign of life, and the last step belongs to `complete`."""
        self.committed_at = time.monotonic()
        offset, state = self.held.offset, self.held.state
        if self.checksum is None and self.appended < self.held.length:
            flushed = await appender.flush()
            offset, state = flushed.offset, flushed.state
        self.held = await commit(self.means.transactions, self.held, offset, state)
        self.committed_at = time.monotonic()

    async def _committed(self) -> None:
        """The step that is under way is over."""
        if self.committing is not None:
            committing, self.committing = self.committing, None
            await committing

    async def _stored(self) -> None:
        if self.storing is not None:
            storing, self.storing = self.storing, None
            await storing

    async def _store_rest(self) -> None:
        if self.waiting:
            await self._hand_over()
        await self._stored()
        await self._committed()

    async def _pause(self) -> None:
        """Nothing has come for a while: keep what did, and let others write until more comes."""
        if self.appender is not None:
            await self._store_rest()
            await self._end(keep=True)

    async def _opened(self) -> Appender:
        """After a pause it counts only if nobody else has written meanwhile.

        Raises:
            LeaseLost: somebody has.
        """
        if self.appender is None:
            held = await retake(self.means.transactions, self.held)
            if held is None:
                raise LeaseLost
            self.held = held
            try:
                await self._open()
            except BaseException:
                await self._forget(self.appender)
                raise
        assert self.appender is not None
        return self.appender

    async def _open(self) -> None:
        held = self.held
        self.appender = await self.means.store.writer(
            held.key, held.state, offset=held.offset, length=held.length, broke_off=held.broke_off
        )
        self.hash = self.means.hashes.take(held.upload_id, held.offset)
        self.committed_at = time.monotonic()
        if held.broke_off:
            flushed = await self.appender.flush()
            held = await commit(self.means.transactions, held, held.offset, flushed.state)
            self.held = replace(held, broke_off=False)

    async def _forget(self, appender: Appender | None) -> None:
        """After an error: nothing more counts, but nothing stays open or held either, as far as that is possible."""
        self.appender = None
        if self.committing is not None:
            await asyncio.wait([self.committing])
        if appender is not None:
            await appender.close()
        with contextlib.suppress(Exception):
            await let_go(self.means.transactions, self.held)

    async def _end(self, *, keep: bool) -> None:
        """Commit what is in the store, if it may be kept, and let others write."""
        if self.appender is None:
            return
        appender, self.appender = self.appender, None
        try:
            await self._committed()
            offset, state = self.held.offset, self.held.state
            if keep and self.appended > offset:
                flushed = await appender.flush()
                offset, state = flushed.offset, flushed.state
            await appender.close()
            self.held = await commit(self.means.transactions, self.held, offset, state, let_go=True)
        except BaseException:
            await self._forget(appender)
            raise
        known = self.hash if keep else self.hash_before
        if known is not None:
            self.means.hashes.keep(self.held.upload_id, offset, known)
        self.appended = offset
