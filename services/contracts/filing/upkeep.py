"""Keeps the table of deadlines true as days pass, and reminds of last notice days, each time once."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database, insert_new, utc_now
from chassis.logging import log
from chassis.outbox import emit
from events.contracts import NoticeApproaching
from services.contracts.deadlines import due_days, reminder_days
from services.contracts.models import Contract, Customer, Deadline, Reminder
from services.contracts.settings import Settings

AT_ONCE = 100
"""Contracts in one transaction."""


async def write_deadlines(session: AsyncSession, contract: Contract, today: date) -> None:
    """The contract's deadlines as they are today; whether to remind is looked at next."""
    await session.execute(delete(Deadline).where(Deadline.contract_id == contract.id))
    if contract.removed:
        return
    session.add_all(
        Deadline(
            contract_id=contract.id,
            kind=due.kind,
            customer_id=contract.customer_id,
            due_on=due.on,
            earliest_end_on=due.earliest_end_on,
            next_reminder_on=today if due.kind == "last_notice_day" else None,
        )
        for due in due_days(contract.agreement, today)
    )


async def look_for_ever(database: Database, settings: Settings) -> None:
    """Until cancelled."""
    while True:
        if not await look(database, settings, utc_now()):
            await asyncio.sleep(settings.deadline_interval.total_seconds())


async def look(database: Database, settings: Settings, now: datetime) -> int:
    """One round over what has passed and what is to be told; returns how many contracts it looked at."""
    async with database.reading() as session:
        todays = await _todays(session, now)
        waiting = {zone: await _waiting(session, zone, today) for zone, today in todays.items()}
    for zone, ids in waiting.items():
        if ids:
            async with database.transaction() as session:
                await _bring_up_to_date(session, ids, todays[zone], settings.remind_months_before)
    return sum(map(len, waiting.values()))


async def _todays(session: AsyncSession, now: datetime) -> dict[str, date]:
    """Each time zone in which a customer is, and the date there."""
    zones = await session.scalars(select(Customer.time_zone).distinct())
    return {zone: Customer(time_zone=zone).today(now) for zone in zones}


async def _waiting(session: AsyncSession, zone: str, today: date) -> list[UUID]:
    there = select(Deadline.contract_id).join(Customer, Customer.id == Deadline.customer_id)
    there = there.where(Customer.time_zone == zone)
    passed = await session.scalars(there.where(Deadline.due_on < today).limit(AT_ONCE))
    told = await session.scalars(there.where(Deadline.next_reminder_on <= today).limit(AT_ONCE))
    return sorted({*passed, *told})


async def _bring_up_to_date(
    session: AsyncSession, ids: Sequence[UUID], today: date, months_before: Sequence[int]
) -> None:
    """Many in one transaction; always in the same order, so that two who do it wait for each other only once."""
    these = select(Contract).where(Contract.id.in_(ids)).order_by(Contract.id).with_for_update()
    contracts = {contract.id: contract for contract in await session.scalars(these)}
    passed = select(Deadline.contract_id).where(Deadline.contract_id.in_(ids), Deadline.due_on < today).distinct()
    for contract_id in (await session.scalars(passed)).all():
        # the calendar's entry moves on to the next day under the same UID: its SEQUENCE has to grow
        contract = contracts[contract_id]
        contract.version, contract.changed_at = contract.version + 1, utc_now()
        await write_deadlines(session, contract, today)
    await session.flush()
    due = select(Deadline).where(Deadline.contract_id.in_(ids), Deadline.next_reminder_on <= today)
    for deadline in (await session.scalars(due.order_by(Deadline.contract_id))).all():
        await _remind(session, contracts[deadline.contract_id], deadline, today, months_before)


async def _remind(
    session: AsyncSession, contract: Contract, deadline: Deadline, today: date, months_before: Sequence[int]
) -> None:
    """Tell the nearest one that is due; those that it has overtaken are noted as past."""
    last_day, days = deadline.due_on, reminder_days(deadline.due_on, months_before)
    deadline.next_reminder_on = min((day for day in days.values() if day > today), default=None)
    now, nearest = utc_now(), True
    for months in (months for months, day in days.items() if day <= today):
        key = {"contract_id": contract.id, "last_notice_day": last_day, "months_before": months}
        if await insert_new(session, Reminder, **key, noted_at=now) and nearest:
            emit(session, _approaching(contract, deadline, months, now))
            log.info("notice_approaching", contract_id=str(contract.id), months_before=months)
        nearest = False


def _approaching(contract: Contract, deadline: Deadline, months: int, now: datetime) -> NoticeApproaching:
    assert deadline.earliest_end_on is not None
    return NoticeApproaching(
        contract_id=contract.id,
        customer_id=contract.customer_id,
        number=contract.number,
        name=contract.name,
        months_before=months,
        last_notice_day=deadline.due_on,
        earliest_end_on=deadline.earliest_end_on,
        occurred_at=now,
    )
