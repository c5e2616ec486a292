"""Technical metrics of the gateway, beside those that every process has."""

from prometheus_client import Counter, Gauge

LOOKUPS = Counter("gateway_lookups_total", "Credentials that memory did not answer: asked, failed", ["result"])
REFUSED = Counter("gateway_refused_total", "Answers of the gateway itself, by code", ["code"])
STREAMS = Gauge("gateway_live_streams", "Open live streams")
