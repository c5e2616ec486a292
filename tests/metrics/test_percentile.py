"""The month's percentile and the use of a commit: tables, and a reference that counts instead of sorting."""

import random
from typing import Any

import pytest

from services.metrics.percentile import Rates, commit_use, discarded, percentile, ranked, slots_over


def month(values: list[int], out: list[int] | None = None) -> list[Rates]:
    outs = out or [0] * len(values)
    return [Rates(slot, into, other) for slot, (into, other) in enumerate(zip(values, outs, strict=True))]


@pytest.mark.parametrize(
    ("samples", "dropped"), [(0, 0), (1, 0), (19, 0), (20, 1), (39, 1), (40, 2), (8640, 432), (8928, 446), (8940, 447)]
)
def test_how_many_are_dropped(samples: int, dropped: int) -> None:
    assert discarded(samples) == dropped


@pytest.mark.parametrize(
    ("values", "value"),
    [
        ([], None),
        ([7], 7),
        (list(range(1, 20)), 19),  # n = 19: the largest
        (list(range(1, 21)), 19),  # n = 20: the second
        (list(range(1, 8641)), 8640 - 432),
        (list(range(1, 8929)), 8928 - 446),
        (list(range(1, 8941)), 8940 - 447),
        ([10**12] * 432 + [5] * 8208, 5),
        ([10**12] * 433 + [5] * 8207, 10**12),
    ],
)
def test_table(values: list[int], value: int | None) -> None:
    random.Random(1).shuffle(values)

    assert percentile(month(values), "max_of_directions") == value


def test_methods_differ() -> None:
    into, out = [0] * 10 + [100] * 10, [90] * 10 + [0] * 10
    rates = month(into, out)

    assert percentile(rates, "max_of_directions") == 100
    assert percentile(rates, "max_per_sample") == 100
    assert percentile(rates, "sum") == 100
    rates = month([100] + [0] * 19, [0] * 19 + [100])
    assert percentile(rates, "max_of_directions") == 0
    assert percentile(rates, "max_per_sample") == 100
    assert percentile(month([50] * 20, [60] * 20), "sum") == 110


@pytest.mark.parametrize("seed", range(100))
def test_a_reference_that_counts_agrees(seed: int) -> None:
    chance = random.Random(seed)
    number = chance.choice([1, 19, 20, 21, 100, 276, 300, 999])
    rates = month(*([chance.randrange(50) for _ in range(number)] for _ in range(2)))
    found: Any = percentile(rates, "max_of_directions")

    def by_counting(values: list[int]) -> int:
        # the smallest value that at most 5 % (rounded down) of all exceed
        return min(value for value in values if sum(other > value for other in values) * 20 <= number)

    assert found == max(by_counting([rate.in_bps for rate in rates]), by_counting([rate.out_bps for rate in rates]))
    assert found == max(one.value or 0 for one in ranked(rates, "max_of_directions"))


def test_ranked_is_descending_and_its_value_can_be_found_by_hand() -> None:
    (into, _) = ranked(month([5, 9, 9, 1] * 10), "max_of_directions")

    assert [rate for rate, _ in into.descending] == [9] * 20 + [5] * 10 + [1] * 10
    assert [slot for _, slot in into.descending[:3]] == [1, 2, 5]
    assert (into.discarded, into.value) == (2, 9)


@pytest.mark.parametrize(
    ("over", "near", "nearing", "exceeded", "left"),
    [
        (0, 0, False, False, 432),
        (0, 432, False, False, 432),
        (0, 433, True, False, 432),
        (345, 0, False, False, 87),
        (346, 0, True, False, 86),
        (432, 0, True, False, 0),
        (433, 0, True, True, 0),
    ],
)
def test_use_of_a_commit(over: int, near: int, nearing: bool, exceeded: bool, left: int) -> None:
    rates = month([101] * over + [80] * near + [10] * (1000 - over - near))

    use = commit_use(rates, "max_of_directions", 100, 8640)

    assert (use.nearing, use.exceeded, use.slots_left, use.slots_over) == (nearing, exceeded, left, over)


def test_what_equals_the_commit_does_not_exceed_it() -> None:
    assert slots_over(month([100, 101]), "max_of_directions", 100) == 1


def test_exceeded_means_that_the_whole_months_percentile_is_above() -> None:
    for over in (432, 433):
        whole = month([101] * over + [1] * (8640 - over))
        use = commit_use(whole, "max_of_directions", 100, 8640)
        assert use.exceeded == (use.p95_bps > 100)
