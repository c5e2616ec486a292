"""Whatever the order, the repeats and the cut into batches: the same samples give the same rows."""

import asyncio
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.metrics.rates import Counter, Sample, slots_of
from tests.metrics.conftest import DAY, STEP, Metrics, yesterday_ms

_numbers = count(1)


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Sample], list[list[Sample]]]:
    """Samples with gaps, resets, breaks and moments that came twice with other counters; and how they arrive."""
    start, samples, into = yesterday_ms() - DAY, [], 0
    at = start + draw(st.integers(0, STEP))
    for _ in range(draw(st.integers(2, 40))):
        at += draw(
            st.sampled_from([STEP, STEP, STEP, STEP - 7000, STEP + 9000, 15_000, 2 * STEP, 2 * STEP + 1, 12 * STEP])
        )
        into = draw(st.integers(0, 5000)) if draw(st.integers(0, 9)) == 0 else into + draw(st.integers(0, 10**9))
        twice = [into] if draw(st.integers(0, 9)) else [into, max(0, into - 17)]
        samples += [Sample("", at, octets, octets // 2, draw(st.integers(0, 14)) == 0) for octets in twice]
    mixed = draw(st.permutations(samples + draw(st.lists(st.sampled_from(samples), max_size=10))))
    size = draw(st.integers(1, 15))
    return samples, [mixed[first : first + size] for first in range(0, len(mixed), size)]


async def test_any_order_gives_the_same(metrics: Metrics) -> None:
    await metrics.customer()
    loop = asyncio.get_running_loop()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(batches())
    def holds(case: tuple[list[Sample], list[list[Sample]]]) -> None:
        asyncio.run_coroutine_threadsafe(check(*case), loop).result(60)

    async def check(samples: list[Sample], arrivals: list[list[Sample]]) -> None:
        number = next(_numbers)
        for name in (f"A{number}", f"B{number}"):
            await metrics.line(name)
        await metrics.take(one._replace(line_id=f"A{number}") for one in samples)
        for batch in arrivals:
            await metrics.take(one._replace(line_id=f"B{number}") for one in batch)

        found = await metrics.stored(f"A{number}")
        assert found == await metrics.stored(f"B{number}")
        assert found[0] == [(slot, *sums) for slot, sums in sorted(by_hand(samples).items())]

    # hypothesis calls plain functions: from a thread, so that the examples run in the loop of this test
    await asyncio.to_thread(holds)


def by_hand(samples: list[Sample]) -> dict[int, tuple[int, int, int]]:
    """All at once, without a store."""
    counters: dict[int, Counter] = {}
    for sample in samples:
        counter = Counter(int(sample.discontinuity), sample.in_octets, sample.out_octets)
        counters[sample.at_ms] = max(counter, counters.get(sample.at_ms, counter))
    return dict(slots_of(sorted(counters), counters, 1_000_000_000))
