"""List and one contract, as seen on a day."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import ReadSession, Transactions
from chassis.errors import NoCustomerChosen, problems
from chassis.paging import Cursor, Limit, Page, cursor_of, key_of
from services.contracts.api.bodies import ContractOut, Seen
from services.contracts.api.reading import AsOf, Here, note_look
from services.contracts.listing import Filters, by_number
from services.contracts.models import Contract, ContractNotFound, Position
from services.contracts.terms import State

router = APIRouter(prefix="/contracts", tags=["contracts"])

Words = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


@router.get("", responses=problems(NoCustomerChosen))
async def list_contracts(  # noqa: PLR0913, PLR0917  # fields of a query are parameters here
    here: Here,
    session: ReadSession,
    transactions: Transactions,
    state: State | None = None,
    q: Words = None,
    as_of: AsOf = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ContractOut]:
    """By number. ``q`` finds what has all its words in number, name, site, cost centre or products."""
    after: Any = key_of(cursor, str, UUID) if cursor else None
    seen = here.seen(as_of)
    page = by_number(here.reader.customer_id, Filters(state, q), seen.as_of, after=after, limit=limit)
    found = (await session.scalars(page)).all()
    shown = found[:limit]
    await note_look(transactions, here.reader, "contracts_listed", None)
    return Page(
        items=await described(session, shown, seen),
        next_cursor=cursor_of(shown[-1].number, shown[-1].id) if len(found) > limit else None,
    )


@router.get("/{contract_id}", responses=problems(ContractNotFound, NoCustomerChosen))
async def get_contract(  # fields of a query are parameters here
    contract_id: UUID,
    here: Here,
    session: ReadSession,
    transactions: Transactions,
    as_of: AsOf = None,
) -> ContractOut:
    """One contract with its positions and every date, as seen on a day.

    Raises:
        ContractNotFound: also when it is somebody else's.
    """
    contract = await session.get(Contract, contract_id)
    if contract is None or contract.customer_id != here.reader.customer_id or contract.removed:
        raise ContractNotFound(contract_id=str(contract_id))
    await note_look(transactions, here.reader, "contract_read", f"contract/{contract.id}")
    return (await described(session, [contract], here.seen(as_of)))[0]


async def described(session: AsyncSession, contracts: Sequence[Contract], seen: Seen) -> list[ContractOut]:
    """With their positions, in two queries however many there are."""
    of_these = select(Position).where(Position.contract_id.in_([contract.id for contract in contracts]))
    positions: dict[UUID, list[Position]] = {}
    for position in await session.scalars(of_these.order_by(Position.contract_id, Position.place)) if contracts else ():
        positions.setdefault(position.contract_id, []).append(position)
    return [ContractOut.of(contract, positions.get(contract.id, ()), seen) for contract in contracts]
