"""Durations are counted as the library's own histogram counts them."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from chassis.telemetry import Durations

BOUNDS = (0.001, 0.5, 1, 2.5, 30)
SAMPLES = {"x_seconds_bucket", "x_seconds_count", "x_seconds_sum"}


def figures(registry: CollectorRegistry) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(generate_latest(registry).decode())
    samples = [sample for family in families for sample in family.samples if sample.name in SAMPLES]
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(BOUNDS) | st.floats(0, 100)), max_size=30))
def test_durations_are_those_of_the_librarys_histogram(seen: list[tuple[str, float]]) -> None:
    theirs = CollectorRegistry()
    histogram = Histogram("x_seconds", "X", ["route"], buckets=BOUNDS, registry=theirs)
    durations = Durations("x_seconds", "X", ["route"], BOUNDS)
    REGISTRY.unregister(durations)
    ours = CollectorRegistry()
    ours.register(durations)
    for route, seconds in seen:
        histogram.labels(route).observe(seconds)
        durations.of(route)(seconds)

    assert figures(ours) == figures(theirs)
