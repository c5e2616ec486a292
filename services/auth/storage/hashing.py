"""Password hashes in threads, only so many at once: each takes 64 MiB and a processor for a while."""

import asyncio

from services.auth.passwords import Hashing
from services.auth.settings import Settings


class ThreadedHashing:
    """`Hashing` without holding up the other requests."""

    def __init__(self, settings: Settings) -> None:
        self._hashing = Hashing(memory_kib=settings.argon2_memory_kib, rounds=settings.argon2_rounds)
        self._free = asyncio.Semaphore(settings.password_hashes_at_once)

    async def hash(self, password: str) -> str:
        """See `Hashing.hash`."""
        async with self._free:
            return await asyncio.to_thread(self._hashing.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """See `Hashing.verify`."""
        async with self._free:
            return await asyncio.to_thread(self._hashing.verify, stored, password)

    def is_outdated(self, stored: str) -> bool:
        """See `Hashing.is_outdated`."""
        return self._hashing.is_outdated(stored)
