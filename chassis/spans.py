"""Spans of requests. Without a collector they cost nothing worth measuring, and what came with the request goes on."""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import Span, SpanKind, StatusCode

TRACER = trace.get_tracer("kundenportal")


def start_tracing(service: str, endpoint: str) -> None:
    """Nothing without a collector; no part of the SDK is loaded then."""
    if endpoint:
        importlib.import_module("chassis.tracing").start(service)


@contextmanager
def request_span(method: str, request_id: str, carrier: Mapping[str, str] | None = None) -> Iterator[Span]:
    """One request; ``carrier`` has the `traceparent` of whoever sent it, where that is one of us."""
    attributes = {"http.request.method": method, "request.id": request_id}
    context = extract(carrier) if carrier else None
    with TRACER.start_as_current_span(method, context=context, kind=SpanKind.SERVER, attributes=attributes) as span:
        yield span


@contextmanager
def event_span(name: str, event_id: str, sent_in: str | None, *, is_own: bool) -> Iterator[None]:
    """One event at one listener: part of the trace that caused it, or linked to the trace of an outsider."""
    context = extract({"traceparent": sent_in}) if sent_in else None
    links = []
    if context is not None and not is_own:
        links = [trace.Link(trace.get_current_span(context).get_span_context())]
        context = None
    attributes = {"messaging.system": "nats", "event.id": event_id}
    with TRACER.start_as_current_span(
        name, context=context, kind=SpanKind.CONSUMER, links=links, attributes=attributes
    ):
        yield


def finish(span: Span, method: str, route: str, status: int) -> None:
    """What is known only at the end."""
    span.update_name(f"{method} {route}")
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)


def traceparent() -> str:
    """Of the span that runs now, as W3C Trace Context writes it; empty outside of any."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get("traceparent", "")
