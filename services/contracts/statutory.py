"""What the law adds to a contract: rules as data, with source and date. Pure. Rules: docs/rules/terms.md.

The law's date stands beside the contract's own and is never merged with it. Not legal advice.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.contracts.terms import Agreement, Dates, Notice, State, after_notice


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of law. ``CONTRACTS_STATUTORY_RULES`` switches each on by its id."""

    id: str
    source: str
    text: str
    in_force_from: date
    read_in: str
    """Year and month in which somebody read the law's text."""
    notice: Notice


TKG_56_3 = Rule(
    id="tkg_56_3",
    source="TKG § 56 Abs. 3",
    text="After a tacit renewal, an end user may end a telecom service at any time with one month's notice.",
    in_force_from=date(2021, 12, 1),
    read_in="2026-08",
    notice=Notice(1, "months", "any_time"),
)
RULES = {rule.id: rule for rule in (TKG_56_3,)}


@dataclass(frozen=True, slots=True)
class StatutoryEnd:
    """The earliest end by law, and by which rule."""

    earliest_end_on: date
    rule: Rule
    by_contract: bool = False
    """The contract's own date, because the law's is no earlier."""


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom, and which rules are switched on."""

    end_user: bool
    rules: Collection[str] = tuple(RULES)


@dataclass(frozen=True, slots=True)
class Own:
    """An agreement as seen on one day, by its own rules."""

    agreement: Agreement
    as_of: date
    state: State
    dates: Dates


def statutory_end(own: Own, reader: Reader, *, telecom: bool) -> StatutoryEnd | None:
    """The earlier of the agreement's own earliest end and the law's; none where the law says nothing (S-1).

    Only for what renews or runs on after a minimum term, by itself, and is neither cancelled nor ended.
    """
    rule, minimum, known_end = TKG_56_3, own.dates.min_term_ends_on, own.agreement.ends_on
    if not telecom or not reader.end_user or rule.id not in reader.rules:
        return None
    if minimum is None or own.as_of < rule.in_force_from or own.state in ("cancelled", "ended"):
        return None
    if known_end is not None and known_end <= minimum:
        return None
    by_contract = own.dates.earliest_end_on
    assert by_contract is not None
    first_day = max(own.as_of, minimum + timedelta(days=1))
    by_law = after_notice(first_day, rule.notice)
    return StatutoryEnd(min(by_contract, by_law), rule, by_contract=by_contract <= by_law)


def bundle_end(own: date | None, ends: Sequence[StatutoryEnd | None]) -> StatutoryEnd | None:
    """Of a bundle: the latest of its positions' dates, and only if each has one (S-2)."""
    latest = max((end for end in ends if end is not None), key=lambda end: end.earliest_end_on, default=None)
    if own is None or latest is None or None in ends:
        return None
    return latest if latest.earliest_end_on < own else StatutoryEnd(own, latest.rule, by_contract=True)
