"""The queries behind list and calendar: by keyset, flat however many contracts there are. Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select, tuple_

from services.contracts.models import Contract, Deadline
from services.contracts.terms import State

MOST_WORDS = 5


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader wants to see; None: everything."""

    state: State | None = None
    q: str | None = None


def by_number(
    customer_id: UUID, filters: Filters, as_of: date, *, after: tuple[str, UUID] | None, limit: int
) -> Select[Contract]:
    """One page, and one row more that tells whether there is another."""
    conditions: list[ColumnElement[bool]] = [Contract.customer_id == customer_id, Contract.removed.is_(False)]
    if filters.state is not None:
        conditions.append(in_state(filters.state, as_of))
    words = (filters.q or "").casefold().split()[:MOST_WORDS]
    conditions += [Contract.search_text.contains(word, autoescape=True) for word in words]
    if after is not None:
        number, last_id = after
        conditions.append(or_(Contract.number > number, and_(Contract.number == number, Contract.id > last_id)))
        conditions.append(Contract.number >= number)
    return select(Contract).where(*conditions).order_by(Contract.number, Contract.id).limit(limit + 1)


def in_state(state: State, as_of: date) -> ColumnElement[bool]:
    """The same as `terms.state_on`, for the database."""
    ended = and_(Contract.ends_on.is_not(None), Contract.ends_on < as_of)
    not_ended = or_(Contract.ends_on.is_(None), Contract.ends_on >= as_of)
    cancelled = and_(Contract.cancelled_on.is_not(None), Contract.cancelled_on <= as_of)
    not_cancelled = or_(Contract.cancelled_on.is_(None), Contract.cancelled_on > as_of)
    if state == "ended":
        return ended
    if state == "cancelled":
        return and_(cancelled, not_ended)
    begun = Contract.starts_on <= as_of if state == "active" else Contract.starts_on > as_of
    return and_(not_cancelled, not_ended, begun)


def deadlines_of(
    customer_id: UUID, today: date, *, after: tuple[date, UUID, str] | None = None, limit: int | None = None
) -> Select[Deadline, Contract]:
    """What is due from today on, soonest first, with its contract."""
    found = select(Deadline, Contract).join(Contract, Contract.id == Deadline.contract_id)
    found = found.where(Deadline.customer_id == customer_id, Deadline.due_on >= today)
    if after is not None:
        key: Any = tuple_(Deadline.due_on, Deadline.contract_id, Deadline.kind)
        found = found.where(key > after)
    found = found.order_by(Deadline.due_on, Deadline.contract_id, Deadline.kind)
    return found if limit is None else found.limit(limit + 1)
