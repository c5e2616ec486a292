"""The events `contracts` reacts to: what the CRM says of contracts, and what `users` says of customers and people."""

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import EventRouter
from chassis.db import insert_new
from events.base import Envelope, InvalidEvent
from events.crm import ContractUpserted
from events.users import CustomerChanged, MembershipChanged
from services.contracts.filing.notes import Note, refusal
from services.contracts.filing.release import release
from services.contracts.filing.settle import hold, settle
from services.contracts.models import CalendarToken, Customer, Membership

handlers = EventRouter("contracts")


@handlers.on(ContractUpserted)
async def file_contract(event: ContractUpserted, session: AsyncSession) -> None:
    """Keep the contract as the CRM knows it now."""
    envelope = event.envelope
    await settle(session, Note(envelope.source, envelope.id, envelope.type, envelope.time), event)


@handlers.on(CustomerChanged)
async def take_customer(event: CustomerChanged, session: AsyncSession) -> None:
    """Keep the newest state of the customer, and file what waited for its number."""
    await hold(session, f"customer/{event.number}")
    names = ("number", "name", "end_user", "time_zone", "active", "version")
    await _keep_newest(session, Customer, event.customer_id, {name: getattr(event, name) for name in names})
    await release(session, event.number)


@handlers.on(MembershipChanged)
async def take_membership(event: MembershipChanged, session: AsyncSession) -> None:
    """Keep the newest state of the place; a calendar address ends with the right to read it."""
    state = {
        "user_id": event.user_id,
        "customer_id": event.customer_id,
        "may_read": event.active and "contracts" in event.modules,
        "expires_on": event.expires_on,
        "version": event.version,
    }
    await _keep_newest(session, Membership, event.membership_id, state)
    still = select(Membership.id).where(
        Membership.user_id == event.user_id, Membership.customer_id == event.customer_id, Membership.may_read
    )
    if event.customer_id is not None and await session.scalar(still.limit(1)) is None:
        mine = delete(CalendarToken).where(
            CalendarToken.user_id == event.user_id, CalendarToken.customer_id == event.customer_id
        )
        await session.execute(mine)


@handlers.on_buried
async def note_refusal(session: AsyncSession, envelope: Envelope, delivery: str, invalid: InvalidEvent) -> None:
    """A refused feed record is shown to the operator, and can be tried again from where its bytes are kept."""
    if envelope.type != ContractUpserted.subject:
        return
    data = envelope.data if isinstance(envelope.data, dict) else {}
    await Note(envelope.source, envelope.id, envelope.type, envelope.time).write(
        session,
        refusal(invalid),
        customer_number=_short(data.get("customer_number")),
        number=_short(data.get("contract_number")),
        payload={"delivery": delivery},
    )


async def _keep_newest(session: AsyncSession, table: Any, row_id: object, state: dict[str, Any]) -> None:
    if not await insert_new(session, table, id=row_id, **state):
        newer = update(table).where(table.id == row_id, table.version < state["version"])
        await session.execute(newer.values(**state).execution_options(synchronize_session=False))


def _short(value: object) -> str | None:
    """What an invalid record holds may be anything."""
    return "".join(letter for letter in value if letter.isprintable())[:64] if isinstance(value, str) else None
