"""A whole contract as seen on one day: its dates, its positions' dates, and what the law says beside them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.contracts.statutory import Own, Reader, StatutoryEnd, bundle_end, statutory_end
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
    if part.starts_on is None and part.ends_on is None:
        return agreement
    ends = [day for day in (part.ends_on, agreement.ends_on) if day is not None]
    return replace(agreement, starts_on=part.starts_on or agreement.starts_on, ends_on=min(ends, default=None))


def outlook_on(
    agreement: Agreement, parts: Sequence[Part], as_of: date, reader: Reader, *, telecom: bool = False
) -> Outlook:
    """``telecom`` counts where a contract has no positions; else each position says it of itself."""
    whole = _own(agreement, as_of)
    # most positions of a bundle have no dates of their own: what is the same is reckoned once
    kept = {part: _own(part_agreement(agreement, part), as_of) for part in set(parts)}
    by_law = {part: statutory_end(own, reader, telecom=part.telecom_service) for part, own in kept.items()}
    running = [by_law[part] for part, own in kept.items() if own.state != "ended"]
    if not parts:
        running = [statutory_end(whole, reader, telecom=telecom)]
    seen = tuple(PartOutlook(kept[part].dates.earliest_end_on, by_law[part]) for part in parts)
    return Outlook(whole.state, whole.dates, bundle_end(whole.dates.earliest_end_on, running), seen)


def _own(agreement: Agreement, as_of: date) -> Own:
    return Own(agreement, as_of, state_on(agreement, as_of), dates_on(agreement, as_of))
