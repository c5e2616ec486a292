"""Room on a drive: reserved by one statement, so that no two take the last free byte. Rules: docs/rules/exchange.md."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import TooLarge
from services.documents.drive.tree import hold
from services.documents.models import Drive


class QuotaExceeded(TooLarge):
    """There is not enough room on the drive."""

    de = "Auf dem Laufwerk ist nicht genug Platz."


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one drive."""

    quota_bytes: int
    used_bytes: int
    reserved_bytes: int

    @property
    def free_bytes(self) -> int:
        """What an upload may still have; a quota that was made smaller leaves none."""
        return max(0, self.quota_bytes - self.used_bytes - self.reserved_bytes)


async def usage_of(session: AsyncSession, customer_id: UUID, *, quota_bytes: int) -> Usage:
    """``quota_bytes`` is the setting, for drives without a quota of their own."""
    drive = await session.get(Drive, customer_id)
    if drive is None:
        return Usage(quota_bytes, 0, 0)
    return Usage(drive.quota_bytes or quota_bytes, drive.used_bytes, drive.reserved_bytes)


async def reserve(session: AsyncSession, customer_id: UUID, size_bytes: int, *, quota_bytes: int) -> None:
    """Take room for an upload.

    Raises:
        QuotaExceeded: there is less.
    """
    await hold(session, customer_id)
    fits = Drive.used_bytes + Drive.reserved_bytes + size_bytes <= func.coalesce(Drive.quota_bytes, quota_bytes)
    taken = update(Drive).where(Drive.customer_id == customer_id, fits)
    result: Any = await session.execute(
        taken.values(reserved_bytes=Drive.reserved_bytes + size_bytes).execution_options(synchronize_session=False)
    )
    if result.rowcount != 1:
        raise QuotaExceeded(customer_id=str(customer_id))


async def settle(session: AsyncSession, customer_id: UUID, *, reserved: int = 0, used: int = 0) -> None:
    """Change both by so much: an upload that is complete gives -n and n, one that was given up -n and 0."""
    changed = update(Drive).where(Drive.customer_id == customer_id)
    values = {"reserved_bytes": Drive.reserved_bytes + reserved, "used_bytes": Drive.used_bytes + used}
    await session.execute(changed.values(values).execution_options(synchronize_session=False))
