"""A whole contract as seen on one day: its dates, its positions' dates, and what the law says beside them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.contracts.statutory import Reader, StatutoryEnd, bundle_end, statutory_end
from services.contracts.terms import Agreement, Dates, State, dates_on, state_on


@dataclass(frozen=True, slots=True)
class Part:
    """What a position's dates follow from."""

    telecom_service: bool
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class PartOutlook:
    """A position as seen on one day."""

    earliest_end_on: date | None
    statutory: StatutoryEnd | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """A contract as seen on one day."""

    state: State
    dates: Dates
    statutory: StatutoryEnd | None
    parts: tuple[PartOutlook, ...]


def part_agreement(agreement: Agreement, part: Part) -> Agreement:
    """A position's own: terms count from its own start, and it ends with the contract at the latest (T-10)."""
    ends = [day for day in (part.ends_on, agreement.ends_on) if day is not None]
    return replace(agreement, starts_on=part.starts_on or agreement.starts_on, ends_on=min(ends, default=None))


def outlook_on(
    agreement: Agreement, parts: Sequence[Part], as_of: date, reader: Reader, *, telecom: bool = False
) -> Outlook:
    """``telecom`` counts where a contract has no positions; else each position says it of itself."""
    dates = dates_on(agreement, as_of)
    own = [part_agreement(agreement, part) for part in parts]
    seen = tuple(
        PartOutlook(
            dates_on(one, as_of).earliest_end_on,
            statutory_end(one, as_of, reader, telecom=part.telecom_service),
        )
        for one, part in zip(own, parts, strict=True)
    )
    running = [part.statutory for one, part in zip(own, seen, strict=True) if state_on(one, as_of) != "ended"]
    if not parts:
        running = [statutory_end(agreement, as_of, reader, telecom=telecom)]
    return Outlook(state_on(agreement, as_of), dates, bundle_end(dates.earliest_end_on, running), seen)
