"""Answers, exactly as the public interface promises them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from chassis.feeds import RecordOutBase, spread
from services.contracts.models import Contract, Customer, Deadline, FeedHealth, Position
from services.contracts.outlook import Outlook, PartOutlook, outlook_on
from services.contracts.statutory import Reader, StatutoryEnd
from services.contracts.terms import NoticeTo, State, Unit, dates_on
from services.contracts.wording import basis, deadline_title, statutory_basis


class NoticeOut(BaseModel):
    """How long before, and to which days notice can be given."""

    value: int
    unit: Unit
    to: NoticeTo


class StatutoryOut(BaseModel):
    """The law's date, beside the contract's own."""

    earliest_end_on: date
    basis: str
    rule: str

    @classmethod
    def of(cls, end: StatutoryEnd | None, language: str) -> "StatutoryOut | None":
        """None where the law says nothing."""
        if end is None:
            return None
        return cls(earliest_end_on=end.earliest_end_on, basis=statutory_basis(end, language), rule=end.rule.source)


class PositionOut(BaseModel):
    """One line of a bundle."""

    number: str
    quantity: int | float
    unit: str
    product: str
    telecom_service: bool
    characteristics: dict[str, Any]
    starts_on: date
    ends_on: date | None
    earliest_end_on: date | None
    statutory: StatutoryOut | None

    @classmethod
    def of(cls, position: Position, contract: Contract, seen: PartOutlook, language: str) -> "PositionOut":
        """As seen on the day of the outlook."""
        same = ("number", "unit", "product", "telecom_service", "characteristics", "ends_on")
        return cls(
            **{name: getattr(position, name) for name in same},
            quantity=position.amount,
            starts_on=position.starts_on or contract.starts_on,
            earliest_end_on=seen.earliest_end_on,
            statutory=StatutoryOut.of(seen.statutory, language),
        )


class ContractOut(BaseModel):
    """A contract as seen on one day."""

    id: UUID
    version: int
    as_of: date
    number: str
    name: str
    site: str | None
    cost_centre: str | None
    state: State
    signed_on: date | None
    starts_on: date
    min_term_months: int | None
    min_term_ends_on: date | None
    current_term_ends_on: date | None
    renewal_months: int
    notice: NoticeOut
    earliest_end_on: date | None
    last_notice_day: date | None
    statutory: StatutoryOut | None
    cancelled_on: date | None
    ends_on: date | None
    charged_until: date | None
    telecom_service: bool
    positions: list[PositionOut]
    basis: str

    @classmethod
    def of(cls, contract: Contract, positions: Sequence[Position], seen: "Seen") -> "ContractOut":
        """With every date reckoned for the day it is seen."""
        agreement, language = contract.agreement, seen.language
        parts = [position.part for position in positions]
        outlook: Outlook = outlook_on(agreement, parts, seen.as_of, seen.reader, telecom=contract.telecom_service)
        dates = outlook.dates
        return cls(
            **{name: getattr(contract, name) for name in _OF_THE_ROW},
            as_of=seen.as_of,
            state=outlook.state,
            min_term_ends_on=dates.min_term_ends_on,
            current_term_ends_on=dates.current_term_ends_on,
            notice=NoticeOut(value=contract.notice_value, unit=contract.notice_unit, to=contract.notice_to),
            earliest_end_on=dates.earliest_end_on,
            last_notice_day=dates.last_notice_day,
            statutory=StatutoryOut.of(outlook.statutory, language),
            positions=[
                PositionOut.of(position, contract, part, language)
                for position, part in zip(positions, outlook.parts, strict=True)
            ],
            basis=basis(agreement, dates, seen.as_of, language),
        )


_OF_THE_ROW = (
    "id",
    "version",
    "number",
    "name",
    "site",
    "cost_centre",
    "signed_on",
    "starts_on",
    "min_term_months",
    "renewal_months",
    "cancelled_on",
    "ends_on",
    "charged_until",
    "telecom_service",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """From which day, by whom and in which language."""

    as_of: date
    reader: Reader
    language: str


class DeadlineOut(BaseModel):
    """A day that must not be missed."""

    contract_id: UUID
    number: str
    name: str
    site: str | None
    kind: str
    """``last_notice_day``, ``min_term_end`` or ``end``."""
    on: date
    days_left: int
    earliest_end_on: date | None
    """With a last notice day: the end that is still reached on it."""
    title: str
    basis: str

    @classmethod
    def of(cls, deadline: Deadline, contract: Contract, today: date, language: str) -> "DeadlineOut":
        """In the reader's words."""
        agreement = contract.agreement
        dates = dates_on(agreement, today)
        return cls(
            contract_id=contract.id,
            number=contract.number,
            name=contract.name,
            site=contract.site,
            kind=deadline.kind,
            on=deadline.due_on,
            days_left=(deadline.due_on - today).days,
            earliest_end_on=deadline.earliest_end_on,
            title=deadline_title(deadline.kind, contract.name, language),
            basis=basis(agreement, dates, today, language),
        )


class CalendarAddressOut(BaseModel):
    """A new secret address; it is shown this once."""

    url: str
    webcal_url: str
    """The same, for programs that subscribe by a click."""
    created_at: datetime


class CalendarStateOut(BaseModel):
    """Whether there is an address, and when a program last asked it."""

    created_at: datetime | None
    last_read_at: datetime | None


class RecordOut(RecordOutBase):
    """A feed record that waits for a decision."""

    contract_id: UUID | None


class FeedHealthOut(BaseModel):
    """What one source sent for one customer."""

    source: str
    customer_id: UUID | None
    customer_number: str | None
    customer_name: str | None
    filed: int
    last_number: str | None
    last_contract_at: datetime | None
    parked: int = 0
    refused: int = 0

    @classmethod
    def of(cls, health: FeedHealth, customer: Customer | None) -> "FeedHealthOut":
        """What was filed; what waits is added by `HealthOut.of`."""
        return cls(
            source=health.source,
            customer_id=health.customer_id,
            customer_number=customer.number if customer else None,
            customer_name=customer.name if customer else None,
            filed=health.filed,
            last_number=health.last_number,
            last_contract_at=health.last_filed_at,
        )


class HealthOut(BaseModel):
    """How the feed is."""

    feeds: list[FeedHealthOut]
    parked: int
    refused: int
    dead_letters: int

    @classmethod
    def of(
        cls, feeds: list[FeedHealthOut], waiting: dict[tuple[str, str | None, str], int], *, dead_letters: int
    ) -> "HealthOut":
        """What waits goes to its feed, or makes one."""

        def empty(source: str, number: str | None) -> FeedHealthOut:
            nothing = {"customer_id": None, "customer_name": None, "last_number": None, "last_contract_at": None}
            return FeedHealthOut(source=source, customer_number=number, filed=0, **nothing)

        rows, totals = spread(feeds, waiting, {"parked": "parked", "refused": "refused"}, empty)
        return cls(feeds=rows, dead_letters=dead_letters, **totals)
