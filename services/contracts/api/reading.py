"""What every reading endpoint asks first: who reads, for whom, as of which day."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from fastapi import Depends, Query, Request

from chassis.access import module
from chassis.db import OpenSession, ReadSession, utc_now
from chassis.identity import Identity
from chassis.outbox import emit
from services.contracts.api.bodies import Seen
from services.contracts.audit import audit_line
from services.contracts.models import Customer
from services.contracts.settings import Settings

Reader = Annotated[Identity, Depends(module("contracts"))]
AsOf = Annotated[
    date | None, Query(ge=date(1950, 1, 1), le=date(2200, 12, 31), description="the day of the view; default: today")
]
_UNKNOWN = Customer(end_user=False, time_zone="Europe/Berlin")
"""Until `users` has told of a customer: no right is promised that may not be there."""


@dataclass(frozen=True, slots=True)
class Place:
    """Who reads, the open customer, and the date there."""

    reader: Identity
    customer: Customer
    today: date
    rules: tuple[str, ...]

    def seen(self, as_of: date | None) -> Seen:
        """From which day the reader looks."""
        return Seen(as_of or self.today, self.customer.reader(self.rules), self.reader.language)


async def _place(request: Request, reader: Reader, session: ReadSession) -> Place:
    settings: Settings = request.app.state.settings
    customer = await session.get(Customer, reader.customer_id) or _UNKNOWN
    return Place(reader, customer, customer.today(utc_now()), settings.statutory_rules)


Here = Annotated[Place, Depends(_place)]


async def note_look(
    transactions: OpenSession,
    reader: Identity,
    what: Literal["contracts_listed", "contract_read", "deadlines_listed"],
    on: str | None,
) -> None:
    """Every look of the operator is in that customer's audit log."""
    if reader.is_operator:
        async with transactions() as session:
            emit(session, audit_line(what, reader, on, utc_now()))
