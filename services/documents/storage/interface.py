"""What every store must do; one contract test suite runs on all of them.

There are objects of two manners. `Storage` itself keeps what never changes, under its SHA-256. `Storage.appended` keeps
what grows at its end until it is complete, under random keys that only a row knows.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

CONNECTIONS = 16
FRESH = timedelta(hours=24)
"""An object stored again within this time keeps its age; an older one is made young, so that no sweep takes it."""
HASHED_NAME = re.compile(r"sha256/[0-9a-f]{2}/[0-9a-f]{2}/([0-9a-f]{64})")
KEY = re.compile(r"drive/[0-9a-f]{32}")

Piece = bytes | memoryview
State = dict[str, Any]
"""What a store needs to go on with an unfinished object; JSON, kept in the row beside the offset."""


class ChecksumMismatch(Exception):
    """The bytes are not those of the promised name; nothing was stored."""


class ObjectMissing(Exception):
    """The store answers, and has nothing of this name."""


class StoreFull(Exception):
    """There is no room; what was flushed before stays as it is."""


class InUse(Exception):
    """Somebody else holds the object open for writing."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as the store lists it."""

    sha256: str
    size_bytes: int
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A growing or complete object under a random key."""

    key: str
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Flushed:
    """What survives anything: so many bytes of the object, if this state is kept with the number."""

    offset: int
    state: State


class Appender(Protocol):
    """One writer of one object. After an error, and after `close`, it is of no use any more."""

    async def append(self, pieces: Sequence[Piece]) -> None:
        """Take them, in this order; they may be lost until `flush`.

        Raises:
            StoreFull: there is no room for all of them.
        """

    async def flush(self, *, last: bool = False) -> Flushed:
        """All that was appended before survives anything now; ``last``: nothing more will come.

        More may be appended meanwhile. What it says must be kept before the next flush.

        Raises:
            StoreFull: there is no room after all.
        """

    async def close(self) -> None:
        """Let go of it; what was not flushed may be lost."""


class AppendStore(Protocol):
    """Objects that grow at their end. Nothing is put together when they are complete."""

    flush_seconds: float
    """How often a writer should flush while little comes."""

    async def writer(self, key: str, state: State, *, offset: int, length: int, broke_off: bool = False) -> Appender:
        """Go on at the offset; what lies beyond it is thrown away.

        Args:
            key: From `new_key`.
            state: Of the last flush that was kept; empty for a new object.
            offset: Where that flush had got to.
            length: What it will be in the end.
            broke_off: The last writer never let go of it, and may still be busy without knowing.

        Raises:
            InUse: another writer has it open.
        """

    async def complete(self, key: str, state: State, *, size_bytes: int) -> None:
        """After the last flush: from now on it can be opened. Again is no error."""

    def open(self, key: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes in chunks.

        Raises:
            ObjectMissing: at the first chunk.
        """

    async def remove(self, key: str, state: State) -> None:
        """All of it, complete or not; no error when nothing is there."""

    def keys(self) -> AsyncGenerator[StoredKey, None]:
        """All of them, complete or not, in no order; one may be named twice."""


class Storage(Protocol):
    """Objects under their SHA-256."""

    @property
    def appended(self) -> AppendStore:
        """The objects of the other manner, in the same place."""

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

    async def prepare(self) -> bool:
        """Make the folder or bucket; true when it was not there."""

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


def new_key() -> str:
    """For an object that will grow: ``drive/`` and 128 random bits."""
    return f"drive/{uuid4().hex}"


def checked_key(key: str) -> str:
    """The part behind ``drive/``; a key comes from a row, and still never leads out of the store.

    Raises:
        ValueError: not from `new_key`.
    """
    if not KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no key")
    return key.removeprefix("drive/")
