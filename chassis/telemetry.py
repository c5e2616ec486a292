"""Technical metrics (Prometheus) that every process has. Business traffic figures live in the service `metrics`."""

from prometheus_client import Counter, Gauge, Histogram

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
REQUEST_SECONDS = Histogram(
    "request_duration_seconds",
    "Duration of requests by route",
    ["service", "method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
