"""Technical metrics (Prometheus) that every process has. Business traffic figures live in the service `metrics`."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from prometheus_client import REGISTRY, Counter, Gauge
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

OUTBOX_PENDING = Gauge("outbox_pending", "Events waiting to be published", ["service"])
OUTBOX_OLDEST_AGE = Gauge("outbox_oldest_age_seconds", "Age of the oldest unpublished event", ["service"])
OUTBOX_PUBLISHED = Counter("outbox_published_total", "Events published and acknowledged", ["service"])
EVENTS_HANDLED = Counter("event_handled_total", "Events by outcome", ["service", "subject", "outcome"])
DEAD_LETTERS = Counter("dead_letters_total", "Events buried", ["service", "reason"])
MAILS_SETTLED = Counter("mails_settled_total", "Mails by what became of them", ["service", "state"])
MAILS_WAITING = Gauge("mails_waiting", "Mails that wait for the mail server", ["service"])
MAILS_OLDEST_AGE = Gauge("mails_oldest_age_seconds", "Age of the oldest mail that waits", ["service"])
FETCH_AGE = Gauge(
    "consumer_last_fetch_timestamp_seconds", "Last answer of the broker to a fetch", ["service", "stream"]
)
FEED_HEARD = Gauge("feed_last_record_timestamp_seconds", "Last record of a feed from outside", ["source"])
BUS_CONNECTED = Gauge("bus_connected", "1 while the broker connection is up", ["service"])


class Durations(Collector):
    """A histogram of seconds, filled by the event loop's thread alone.

    The library's own takes a lock for each figure, which costs five times as much; every request is felt here.
    """

    def __init__(self, name: str, documentation: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = tuple(labels)
        self._bounds = tuple(bounds)
        self._names = [*(str(float(bound)) for bound in bounds), "+Inf"]
        self._counts: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}
        REGISTRY.register(self)

    def of(self, *labels: str) -> Callable[[float], None]:
        """What takes the seconds for these values of the labels."""
        counts, total = self._counts.setdefault(labels, ([0] * len(self._names), [0.0]))
        bounds = self._bounds

        def observe(seconds: float) -> None:
            counts[bisect_left(bounds, seconds)] += 1
            total[0] += seconds

        return observe

    def describe(self) -> Iterable[Metric]:
        """For the registry: its name, which nothing else may have."""
        yield HistogramMetricFamily(self._name, self._documentation, labels=self._labels)

    def collect(self) -> Iterable[Metric]:
        """For the registry: what was counted so far."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, (counts, total) in self._counts.items():
            family.add_metric(labels, list(zip(self._names, accumulate(counts), strict=True)), total[0])
        yield family


REQUEST_SECONDS = Durations(
    "request_duration_seconds",
    "Duration of requests by route",
    ["service", "method", "route", "status"],
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
