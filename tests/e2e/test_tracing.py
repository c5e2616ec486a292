"""One trace from the click to what the last service did, at a collector that speaks OTLP; no name or path in it."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from chassis.testing import wait_until
from tests.portal import FIRST_OPERATOR, running_portal

Told = tuple[str, Span]
"""Service and span."""


@contextmanager
def collector(told: list[Told]) -> Iterator[str]:
    """Takes what exporters send, as OpenTelemetry's collector does on port 4318."""

    class Taking(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            for batch in sent.resource_spans:
                names = {one.key: one.value.string_value for one in batch.resource.attributes}
                told.extend((names["service.name"], span) for scope in batch.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_click_is_one_trace_through_gateway_services_and_events(tmp_path: Path) -> None:
    told: list[Told] = []
    environment = {"OTEL_BSP_SCHEDULE_DELAY": "200"}
    with (
        collector(told) as url,
        running_portal(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=url, **environment) as portal,
    ):
        customer = {"number": "KD-SPUR", "name": "Spurensuche GmbH"}
        made = portal.operator().post("/customers", customer)
        assert made.status_code == 201

        def whole() -> dict[str, list[Told]]:
            roots = {span.trace_id for name, span in told if span.name == "POST /api/v1/customers"}
            ours = [(name, span) for name, span in list(told) if span.trace_id in roots]
            return {name: [one for one in ours if one[0] == name] for name, _ in ours}

        wait_until(lambda: {"gateway", "users", "documents", "contracts", "auth"} <= set(whole()), seconds=20)
        found = whole()

    ((_, click),) = found["gateway"]
    assert click.parent_span_id == b""
    (request,) = [span for _, span in found["users"] if span.name == "POST /customers"]
    assert request.parent_span_id == click.span_id
    (heard,) = [span for _, span in found["documents"]]
    assert (heard.kind, heard.parent_span_id) == (Span.SPAN_KIND_CONSUMER, request.span_id)
    attributes = {one.key: one.value for one in click.attributes}
    assert attributes["http.response.status_code"].int_value == 201
    assert attributes["request.id"].string_value == made.headers["X-Request-Id"]
    everything = b"".join(span.SerializeToString() for _, span in told)
    for kept in (FIRST_OPERATOR, made.json()["id"], "Spurensuche", "/invitation/", "127.0.0.1"):
        assert kept.encode() not in everything, kept
