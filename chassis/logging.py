"""Structured logging: one JSON object a line on standard error, constant event names, ids as fields."""

import logging
import sys
from typing import Any

import structlog
from opentelemetry import trace

_FORBIDDEN = ("password", "secret", "token", "cookie", "authorization", "code", "recovery")


def _redact(_logger: Any, _name: str, fields: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The last net: a field named like a secret never leaves the process."""
    for name in fields:
        if any(word in name.lower() for word in _FORBIDDEN) and name not in ("error_code", "status_code"):
            fields[name] = "[redacted]"
    return fields


def _add_trace(_logger: Any, _name: str, fields: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Which trace it belongs to, where there is one."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        fields["trace_id"] = trace.format_trace_id(context.trace_id)
    return fields


def configure_logging(service: str, level: str = "info") -> None:
    """Set up structlog and the standard library's loggers for this process.

    Tracebacks carry no local variables: those could hold secrets.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
        _redact,
    ]
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer], foreign_pre_chain=shared
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)


log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
