"""All endpoints of `metrics`; literal paths before those with an id."""

from services.metrics.api import graphs, ingest, lines, operator

ROUTERS = (operator.router, ingest.router, graphs.router, lines.router)
