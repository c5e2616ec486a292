"""Password hashes in threads, only so many at once: each takes 64 MiB and a processor for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.errors import Unavailable
from services.auth.passwords import Hashing
from services.auth.settings import Settings


class ThreadedHashing:
    """`Hashing` without holding up the other requests."""

    def __init__(self, settings: Settings) -> None:
        self._hashing = Hashing(memory_kib=settings.argon2_memory_kib, rounds=settings.argon2_rounds)
        self._free = asyncio.Semaphore(settings.password_hashes_at_once)
        self._most_waiting = settings.password_hashes_waiting
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """See `Hashing.hash`."""
        async with self._turn():
            return await asyncio.to_thread(self._hashing.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """See `Hashing.verify`."""
        async with self._turn():
            return await asyncio.to_thread(self._hashing.verify, stored, password)

    def is_outdated(self, stored: str) -> bool:
        """See `Hashing.is_outdated`."""
        return self._hashing.is_outdated(stored)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for a free place; a flood is turned away at once instead of waiting until nobody listens any more.

        Raises:
            Unavailable: too many wait already.
        """
        if self._waiting >= self._most_waiting:
            raise Unavailable(headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            async with self._free:
                yield
        finally:
            self._waiting -= 1
