"""Tells the current state of all contracts again, for listeners that lost something (`portalctl republish`)."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.outbox import emit
from services.contracts.models import Contract

AT_ONCE = 1000


async def republish(session: AsyncSession) -> int:
    """One changed event for each contract, with its version; returns how many."""
    count, last = 0, None
    while True:
        page = select(Contract).order_by(Contract.id).limit(AT_ONCE)
        contracts = (await session.scalars(page.where(Contract.id > last) if last else page)).all()
        if not contracts:
            return count
        emit(session, *(contract.changed() for contract in contracts))
        count, last = count + len(contracts), contracts[-1].id
        await session.flush()
        session.expunge_all()
