"""Counters to slots: the table of cases, and a reference in exact fractions straight from the definition."""

import random
from fractions import Fraction
from itertools import pairwise

import pytest

from services.metrics.rates import STEP_MS, Counter, SlotSum, rate_bps, rates_of, slots_of

GBIT = 1_000_000_000
Samples = list[tuple[int, int, int]]
"""Seconds, in, out."""


def slots(samples: Samples, *, stops: frozenset[int] = frozenset(), ceiling: int = GBIT) -> dict[int, SlotSum]:
    counters = {at * 1000: Counter(int(at in stops), into, out) for at, into, out in samples}
    return slots_of(sorted(counters), counters, ceiling)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param([(0, 0, 0), (300, 600, 300)], {0: (600, 300, 300_000)}, id="aligned"),
        pytest.param([(150, 0, 0), (450, 600, 300)], {0: (300, 150, 150_000), 1: (300, 150, 150_000)}, id="halved"),
        pytest.param([(0, 0, 0), (600, 7, 0)], {0: (3, 0, 300_000), 1: (4, 0, 300_000)}, id="whole octets add up"),
        pytest.param([(0, 0, 0), (15, 10, 1), (30, 20, 2)], {0: (20, 2, 30_000)}, id="short intervals"),
        pytest.param([(0, 500, 0), (300, 0, 10)], {}, id="reset"),
        pytest.param([(0, 2**32 - 1, 0), (300, 100, 10)], {}, id="wrap of 32 bits"),
        pytest.param([(0, 2**64 - 1, 0), (300, 5, 10)], {}, id="wrap of 64 bits"),
        pytest.param([(0, 0, 500), (300, 100, 0)], {}, id="reset in one direction"),
        pytest.param([(0, 0, 0), (601, 600, 0)], {}, id="longer than two steps"),
        pytest.param(
            [(0, 0, 0), (300, GBIT * 300 * 3 // 16, 0)], {0: (56_250_000_000, 0, 300_000)}, id="1.5 x capacity"
        ),
        pytest.param([(0, 0, 0), (300, GBIT * 300 * 3 // 16 + 1, 0)], {}, id="more than 1.5 x capacity"),
        pytest.param([(0, 0, 0), (300, 0, 0)], {0: (0, 0, 300_000)}, id="silence is no gap"),
        pytest.param([(0, 5, 5)], {}, id="one sample"),
        pytest.param([], {}, id="nothing"),
        pytest.param([(0, 2**64 - 600, 0), (300, 2**64 - 1, 9)], {0: (599, 9, 300_000)}, id="up to the last number"),
    ],
)
def test_table(samples: Samples, expected: dict[int, tuple[int, int, int]]) -> None:
    assert slots(samples) == expected


def test_a_discontinuity_breaks_the_interval_that_ends_there() -> None:
    samples = [(0, 0, 0), (300, 600, 0), (600, 1200, 0), (900, 1800, 0)]

    assert sorted(slots(samples, stops=frozenset({600}))) == [0, 2]


@pytest.mark.parametrize(("measured", "counts"), [(149_999, False), (150_000, True), (1, False), (300_000, True)])
def test_half_a_slot_must_be_measured(measured: int, counts: bool) -> None:
    assert (rates_of(SlotSum(1000, 1000, measured)) is not None) is counts


@pytest.mark.parametrize(
    ("octets", "measured", "rate"),
    [(1, 300_000, 0), (19, 300_000, 1), (37_500_000, 300_000, 1_000_000), (3, 16_000, 2)],
)
def test_rates_are_whole_bits_halves_up(octets: int, measured: int, rate: int) -> None:
    assert rate_bps(octets, measured) == rate


def reference(samples: Samples, ceiling: int) -> dict[int, tuple[Fraction, Fraction, Fraction]]:
    """By the definition: for each slot, each interval's share of the time that both have in common."""
    found: dict[int, tuple[Fraction, Fraction, Fraction]] = {}
    ordered = sorted(samples)
    if not ordered:
        return {}
    for slot in range(ordered[0][0] // 300, ordered[-1][0] // 300 + 1):
        start, end = slot * 300, slot * 300 + 300
        sums = [Fraction(0)] * 3
        for (a, in_a, out_a), (b, in_b, out_b) in pairwise(ordered):
            seconds = Fraction(b - a)
            rates = (Fraction(in_b - in_a) / seconds, Fraction(out_b - out_a) / seconds)
            valid = seconds <= 600 and min(rates) >= 0 and max(rates) * 8 <= Fraction(3, 2) * ceiling
            common = max(0, min(b, end) - max(a, start))
            if valid and common:
                sums = [sums[0] + rates[0] * common, sums[1] + rates[1] * common, sums[2] + common]
        if sums[2]:
            found[slot] = (sums[0], sums[1], sums[2])
    return found


def a_series(seed: int) -> Samples:
    chance = random.Random(seed)
    at, into, out = chance.randrange(10**9), chance.randrange(2**40), chance.randrange(2**40)
    samples = []
    for _ in range(chance.randrange(2, 60)):
        samples.append((at, into, out))
        at += chance.choice([300, 300, 300, 299, 301, 60, 15, 1, 600, 601, 900, chance.randrange(1, 1200)])
        into, out = into + chance.randrange(10**10), out + chance.randrange(10**8)
        if chance.random() < 0.05:
            into = chance.randrange(1000)
    return samples


@pytest.mark.parametrize("part", range(10))
def test_a_thousand_random_series_agree_with_the_definition(part: int) -> None:
    for seed in range(part * 100, part * 100 + 100):
        samples = a_series(seed)
        exact, found = reference(samples, GBIT), slots(samples)
        assert found.keys() == exact.keys()
        for slot, (into, out, measured) in exact.items():
            assert found[slot].measured_ms == measured * 1000
            # at each border the counter is read off in whole octets; one slot touches few of them
            assert abs(found[slot].in_octets - into) < 2
            assert abs(found[slot].out_octets - out) < 2
            rates = rates_of(found[slot])
            assert (rates is None) == (measured < 150)
            if rates is not None:
                assert abs(rates[0] - into * 8 / measured) < 1


@pytest.mark.parametrize("seed", range(50))
def test_a_volume_is_exactly_the_difference_of_its_counters(seed: int) -> None:
    chance = random.Random(seed)
    at, octets, samples = 0, 0, []
    for _ in range(300):
        samples.append((at, octets, octets // 3))
        at, octets = at + chance.randrange(1, 600), octets + chance.randrange(10**6)

    found = slots(samples)

    assert sum(slot.in_octets for slot in found.values()) == samples[-1][1]
    assert sum(slot.out_octets for slot in found.values()) == samples[-1][2]
    assert sum(slot.measured_ms for slot in found.values()) == samples[-1][0] * 1000
    assert max(slot.measured_ms for slot in found.values()) <= STEP_MS
