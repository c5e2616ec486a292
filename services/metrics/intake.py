"""The one way in for samples, whichever door they came through."""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import utc_now
from services.metrics.lines import Known, hold_names, known_lines
from services.metrics.rates import Counter, Sample, refusal_of
from services.metrics.refusing import note_refused
from services.metrics.settings import Settings
from services.metrics.store.samples import keep
from services.metrics.waiting import park

AT_ONCE = 20_000
FROM_FUTURE = "from_future"
TOO_OLD = "too_old"
_SHORT = 1000
_DUE = timedelta(days=62)

ByLine = dict[str, dict[int, Counter]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the settings allow."""

    raw_kept: timedelta = timedelta(days=400)
    future_tolerated: timedelta = timedelta(minutes=5)
    most_waiting_lines: int = 1000
    most_waiting_samples: int = 120_000

    @classmethod
    def of(cls, settings: Settings) -> "Bounds":
        """As the environment says."""
        return cls(**{name: getattr(settings, name) for name in cls.__dataclass_fields__})

    def oldest(self, now: datetime) -> datetime:
        """Older samples are refused: a day later than what is removed, so that no rollup loses its slots."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - self.raw_kept + timedelta(days=1)


@dataclass(slots=True)
class Taken:
    """What became of a batch."""

    accepted: int = 0
    """Also what was there already."""
    refused: dict[str, int] = field(default_factory=dict)
    parked: int = 0


async def take(
    session: AsyncSession,
    samples: Sequence[Sample],
    *,
    source: str,
    event_id: str,
    bounds: Bounds | None = None,
    refused: Mapping[str, int] | None = None,
) -> Taken:
    """Store what can be stored, park what has no line yet, count the rest by reason.

    Args:
        session: A write transaction.
        samples: In any order, repeats and nonsense among them.
        source: Whose line ids these are; where that source has no such line, the only line of this id is meant.
        event_id: For the operator, beside an example of what was refused.
        bounds: Of the settings.
        refused: Numbers by reason of what the door itself has refused already.
    """
    bounds = bounds or Bounds()
    refusals = _Refusals(Tally(refused or {}))
    by_line = _sorted_out(samples, bounds, utc_now(), refusals)
    known = await known_lines(session, source, by_line)
    unknown = [name for name in by_line if name not in known]
    if unknown:
        await hold_names(session, unknown)
        known |= await known_lines(session, source, unknown)
    taken = Taken()
    due_from = int((utc_now() - _DUE).timestamp() * 1000)
    for batch in _batches({name: by_line[name] for name in by_line if name in known}, known):
        ceilings = {line.number: line.ceiling_bps for line in known.values()}
        await keep(session, batch, ceilings, due_from_ms=due_from)
    waiting = {name: by_line[name] for name in by_line if name not in known}
    if waiting:
        taken.parked = await park(
            session, source, waiting, (bounds.most_waiting_lines, bounds.most_waiting_samples), refusals.count
        )
    taken.refused = dict(refusals.numbers)
    taken.accepted = len(samples) - refusals.of_samples - taken.parked
    if taken.refused:
        await note_refused(session, source, event_id, taken.refused, refusals.examples)
    return taken


@dataclass(slots=True)
class _Refusals:
    numbers: Tally[str]
    examples: dict[str, Any] = field(default_factory=dict)
    of_samples: int = 0

    def count(self, reason: str, example: Any, number: int = 1) -> None:
        self.numbers[reason] += number
        self.examples[reason] = example
        self.of_samples += number


def _sorted_out(samples: Iterable[Sample], bounds: Bounds, now: datetime, refusals: _Refusals) -> ByLine:
    """By line and time; of several for one moment the greatest."""
    oldest_ms = int(bounds.oldest(now).timestamp() * 1000)
    newest_ms = int((now + bounds.future_tolerated).timestamp() * 1000)
    by_line: ByLine = {}
    for sample in samples:
        reason = refusal_of(sample)
        if reason is None and not oldest_ms <= sample.at_ms <= newest_ms:
            reason = FROM_FUTURE if sample.at_ms > newest_ms else TOO_OLD
        if reason:
            refusals.count(reason, sample)
            continue
        line_id, at_ms, in_octets, out_octets, discontinuity = sample
        counter = Counter(1 if discontinuity else 0, in_octets, out_octets)
        of_line = by_line.setdefault(line_id, {})
        if (other := of_line.get(at_ms)) is None or counter > other:
            of_line[at_ms] = counter
    return by_line


def _batches(by_line: ByLine, known: Mapping[str, Known]) -> Iterable[dict[int, dict[int, Counter]]]:
    """Whole lines where they are short, pieces of one line where it is long: no statement grows without bound."""
    batch: dict[int, dict[int, Counter]] = {}
    size = 0
    for name, counters in by_line.items():
        times = list(counters) if len(counters) <= _SHORT else sorted(counters)
        for start in range(0, len(times), AT_ONCE):
            piece = {at: counters[at] for at in times[start : start + AT_ONCE]}
            if size and size + len(piece) > AT_ONCE:
                yield batch
                batch, size = {}, 0
            batch.setdefault(known[name].number, {}).update(piece)
            size += len(piece)
    if batch:
        yield batch
