"""The steps of a picture: few enough, as short as can be, of lengths that can be named (docs/rules/traffic.md, T-9)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.thinning import STEPS, UNITS, grid

DAY = 86_400
NOW = 1_790_000_000


@given(
    st.integers(0, NOW),
    st.integers(1, 50 * 366 * DAY),
    st.integers(1, 5000),
    st.one_of(st.just(0), st.integers(0, NOW), st.just(NOW)),
)
def test_they_cover_the_range_and_no_shorter_ones_would_do(start: int, length: int, points: int, raw_from: int) -> None:
    end = start + length

    found = grid(start, end, points, raw_from=raw_from)

    assert found.steps <= points
    assert found.start <= start < found.start + found.unit
    assert end <= found.end < end + found.unit
    assert found.unit in UNITS
    assert found.step_seconds in STEPS or found.step_seconds % DAY == 0
    if start < raw_from:
        assert found.unit >= 3600, "there are no slots any more"
    shorter = [step for step in (*STEPS, found.step_seconds - DAY) if 0 < step < found.step_seconds]
    finest = 300 if start >= raw_from else 3600
    assert all(-(-length // step) + 1 > points for step in shorter if step >= finest)


@pytest.mark.parametrize(
    ("days", "points", "unit", "step", "steps"),
    [
        (1, 1000, 300, 300, 288),
        (7, 1000, 300, 900, 672),
        (30, 1000, 3600, 3600, 720),
        (90, 1000, 10_800, 10_800, 720),
        (365, 1000, 43_200, 43_200, 730),
        (365, 2000, 10_800, 21_600, 1460),
        (10 * 365, 1000, 86_400, 4 * 86_400, 913),
    ],
)
def test_a_usual_range_has_steps_that_can_be_named(days: int, points: int, unit: int, step: int, steps: int) -> None:
    end = NOW // DAY * DAY

    found = grid(end - days * DAY, end, points, raw_from=0)

    assert (found.unit, found.step_seconds, found.steps) == (unit, step, steps)
