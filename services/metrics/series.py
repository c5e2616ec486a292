"""Which series of a collector is which line and direction, and how two counters become one sample. Pure."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

MEASUREMENT = "_measurement"
"""The label under which rules find a line protocol's measurement; a Prometheus label cannot be mistaken for it."""
LARGEST_LINE_ID = 64
LATEST_MS = 253_402_300_799_999
"""The end of the year 9999."""

Direction = Literal["in", "out"]
Place = tuple[str, Direction]
"""Line and direction of a counter."""
Labels = Mapping[str, str]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]

_PLACE = re.compile(r"\{([^{}]+)\}")


class SeriesRule(BaseModel):
    """One row of the table: a measured port and the line it is.

    The counters' names have the operator's side as default: what his port sends is what comes *in* to the customer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: dict[Name, str] = Field(default={}, description="all of these must be equal")
    line: Name = Field(description="line id; `{label}` stands for that label's value")
    in_octets: Name = Field(default="ifHCOutOctets", description="counter of the traffic to the customer")
    out_octets: Name = Field(default="ifHCInOctets", description="counter of the traffic from the customer")

    @field_validator("line")
    @classmethod
    def places_are_closed(cls, value: str) -> str:
        """A brace that stands for nothing is a typing error."""
        if set(_PLACE.sub("", value)) & {"{", "}"}:
            raise ValueError("`{` and `}` enclose the name of a label")
        return value

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The labels that its line id is made of."""
        return tuple(_PLACE.findall(self.line))

    def line_of(self, labels: Labels) -> str | None:
        """None where a label that it needs is missing or empty."""
        if not all(labels.get(name) for name in self.needs):
            return None
        return _PLACE.sub(lambda place: labels[place[1]], self.line)


PLAIN_RULE = SeriesRule(
    labels={MEASUREMENT: "traffic"}, line="{line_id}", in_octets="in_octets", out_octets="out_octets"
)
"""``traffic,line_id=UL-1 in_octets=1u,out_octets=2u`` needs no table."""


class SeriesTable:
    """The rules, found by the names of their labels, so that 500 ports cost no more than one."""

    def __init__(self, rules: Iterable[SeriesRule]) -> None:
        self._by_counter: dict[str, dict[tuple[str, ...], dict[tuple[str, ...], list[_Ranked]]]] = {}
        for rank, rule in enumerate((*rules, PLAIN_RULE)):
            names = tuple(sorted(rule.labels))
            values = tuple(rule.labels[name] for name in names)
            directions: tuple[tuple[str, Direction], ...] = ((rule.in_octets, "in"), (rule.out_octets, "out"))
            for counter, direction in directions:
                shelf = self._by_counter.setdefault(counter, {}).setdefault(names, {})
                shelf.setdefault(values, []).append(_Ranked(rank, rule, direction))

    def counters(self) -> frozenset[str]:
        """The names of all counters that any rule wants."""
        return frozenset(self._by_counter)

    def find(self, counter: str, labels: Labels) -> Place | None:
        """Line and direction by the first rule that fits; none where nobody asked for this series."""
        fitting = [
            ranked
            for names, shelf in self._by_counter.get(counter, {}).items()
            for ranked in shelf.get(tuple(labels.get(name, "") for name in names), ())
        ]
        for _, rule, direction in sorted(fitting, key=lambda ranked: ranked.rank):
            if line := rule.line_of(labels):
                return line, direction
        return None


class _Ranked(NamedTuple):
    rank: int
    rule: SeriesRule
    direction: Direction


class Reading(NamedTuple):
    """One counter at one moment."""

    line_id: str
    at_ms: int
    direction: Direction
    octets: int


class Pair(NamedTuple):
    """Both counters of a line at one moment; one may still be missing."""

    line_id: str
    at_ms: int
    in_octets: int | None
    out_octets: int | None

    @property
    def whole(self) -> bool:
        """A sample."""
        return self.in_octets is not None and self.out_octets is not None


@dataclass(slots=True)
class Readings:
    """What one request brings: counters of lines, and by reason how many were none."""

    found: list[Reading] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    ignored: int = 0
    """Values of series that no rule wants."""
    _owners: dict[Place, object] = field(default_factory=dict)

    def claim(self, place: Place, series: object) -> bool:
        """False when another series of the same request is this line and direction already.

        Two ports that are written into one line would look like a counter that runs back and forth.
        """
        return self._owners.setdefault(place, series) == series

    def add(self, place: Place, at_ms: int, value: float) -> None:
        """Take a value, or count why not; what is not a number (a stale marker) is no sample and no error."""
        if value != value:  # noqa: PLR0124  # the test for NaN
            return
        reason = _refusal(place[0], at_ms, value)
        if reason:
            self.refused[reason] += 1
        else:
            self.found.append(Reading(place[0], at_ms, place[1], int(value)))


def _refusal(line_id: str, at_ms: int, value: float) -> str | None:
    if len(line_id) > LARGEST_LINE_ID or not line_id.isprintable():
        return "invalid_line_id"
    if not 0 <= at_ms <= LATEST_MS:
        return "invalid_time"
    if value < 0:
        return "negative_counter"
    if value >= 2**64 or math.isinf(value):
        return "counter_too_large"
    return None if value == int(value) else "not_a_counter"


def paired(readings: Sequence[Reading]) -> list[Pair]:
    """By line and moment, oldest first; of a reading that comes twice the last counts."""
    found: dict[tuple[str, int], list[int | None]] = {}
    for reading in readings:
        both = found.setdefault((reading.line_id, reading.at_ms), [None, None])
        both[reading.direction == "out"] = reading.octets
    return [Pair(line_id, at_ms, *both) for (line_id, at_ms), both in sorted(found.items())]
