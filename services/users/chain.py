"""The audit log in the database: lines are appended one after the other, and the whole chain can be verified."""

from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from events.base import AuditRecorded
from services.users.audit import BEGINNING, first_break, line_hash
from services.users.models import AuditLine

_ONE_AFTER_THE_OTHER = 7_201_027  # any number: the advisory lock of the audit chain
_AT_ONCE = 1000


async def append(session: AsyncSession, event: AuditRecorded) -> None:
    """The next line. The lock makes the chain a chain: SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_ONE_AFTER_THE_OTHER})"))
    newest = await session.scalar(select(AuditLine).order_by(AuditLine.position.desc()).limit(1))
    line = event.model_dump(mode="json") | {"id": event.envelope.id, "owner": event.owner()}
    session.add(
        AuditLine(
            position=newest.position + 1 if newest else 1,
            customer_id=event.customer_id,
            line=line,
            hash=line_hash(newest.hash if newest else BEGINNING, line),
        )
    )


async def broken_at(session: AsyncSession) -> int | None:
    """The position of the first line that was changed, moved, or follows a missing one; none when all are as written.

    Lines cut off at the end leave a whole chain: compare the newest position and hash with a copy kept elsewhere.
    """
    position, previous = 0, BEGINNING
    while True:
        following = select(AuditLine).where(AuditLine.position > position).order_by(AuditLine.position).limit(_AT_ONCE)
        lines = (await session.scalars(following)).all()
        if not lines:
            return None
        chain = [(one.position, one.line, one.hash) for one in lines]
        wrong = [one.position for one in lines if one.customer_id != _customer_of(one)]
        broken = first_break(chain, after=(position, previous))
        if broken is not None or wrong:
            return min(found for found in (broken, *wrong) if found is not None)
        position, previous = lines[-1].position, lines[-1].hash


def _customer_of(line: AuditLine) -> UUID | None:
    stated = line.line.get("customer_id")
    return UUID(stated) if stated else None
