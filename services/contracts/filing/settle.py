"""What becomes of a contract's record, inside the transaction: filed, outdated, parked or refused."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import add_up, utc_now
from chassis.outbox import emit
from events.crm import ContractUpserted
from services.contracts.filing.notes import Note, Outcome
from services.contracts.filing.upkeep import write_deadlines
from services.contracts.models import Contract, Customer, FeedHealth, Position
from services.contracts.record import check, columns_of, content_sha256, positions_of


async def hold(session: AsyncSession, key: str) -> None:
    """One at a time per customer and per contract; SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
        await session.execute(lock, {"key": key})


async def settle(session: AsyncSession, note: Note, event: ContractUpserted) -> None:
    """File the contract, or say why not yet or not at all, and note it. Any number of times: one effect.

    Raises:
        InvalidEvent: no date can be reckoned from it.
    """
    check(event)
    await hold(session, f"customer/{event.customer_number}")
    await hold(session, f"contract/{note.source}/{event.contract_number}")
    outcome = await _decide(session, note, event)
    payload = event.model_dump(mode="json") if outcome.state in ("parked", "refused") else None
    await note.write(
        session, outcome, customer_number=event.customer_number, number=event.contract_number, payload=payload
    )


async def _decide(session: AsyncSession, note: Note, event: ContractUpserted) -> Outcome:
    same = select(Contract).where(Contract.source == note.source, Contract.number == event.contract_number)
    known = await session.scalar(same.with_for_update())
    if known is not None and event.version < known.feed_version:
        detail = f"Version {known.feed_version} is known already."
        return Outcome("outdated", known.id, ({"reason": "version_outdated", "detail": detail},))
    if known is not None and event.version == known.feed_version:
        if content_sha256(event) == known.content_sha256:
            return Outcome("filed", known.id)
        detail = f"Version {event.version} came before with other content; what came first stays."
        return Outcome("refused", known.id, ({"reason": "version_conflict", "detail": detail},))
    bearers = select(Customer).where(Customer.number == event.customer_number)
    customer = await session.scalar(bearers.order_by(Customer.active.desc(), Customer.id).limit(1))
    if customer is None:
        detail = f"No customer {event.customer_number} is known yet."
        return Outcome("parked", None, ({"reason": "unknown_customer", "detail": detail},))
    contract = await _kept(session, note.source, event, customer.id, known)
    await write_deadlines(session, contract, customer.today(utc_now()))
    key = {"source": note.source, "customer_id": customer.id}
    await add_up(session, FeedHealth, key, "filed", last_number=contract.number, last_filed_at=contract.changed_at)
    return Outcome("filed", contract.id)


async def _kept(
    session: AsyncSession, source: str, event: ContractUpserted, customer_id: UUID, known: Contract | None
) -> Contract:
    """The contract's rows as the feed says now, and the events that tell of it."""
    now, values = utc_now(), columns_of(event)
    cancelled = known is not None and known.cancelled_on is None and event.cancelled_on is not None
    if known is None:
        contract = Contract(id=uuid4(), source=source, number=event.contract_number, version=0)
        session.add(contract)
    else:
        contract = known
        if contract.customer_id != customer_id and not contract.removed:
            # whoever had it until now must hear that it is gone
            contract.version, contract.changed_at = contract.version + 1, now
            emit(session, contract.changed(removed=True))
    for name, value in values.items():
        setattr(contract, name, value)
    contract.customer_id, contract.version, contract.changed_at = customer_id, contract.version + 1, now
    await session.flush()
    await _replace_positions(session, contract.id, positions_of(event))
    emit(session, contract.changed())
    if cancelled and not event.removed:
        emit(session, contract.cancelled())
    return contract


async def _replace_positions(session: AsyncSession, contract_id: UUID, rows: list[dict[str, Any]]) -> None:
    await session.execute(delete(Position).where(Position.contract_id == contract_id))
    if rows:
        await session.execute(insert(Position), [row | {"contract_id": contract_id} for row in rows])
