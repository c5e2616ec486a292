"""The HTTP doors for counters: Prometheus remote-write 1.0 and line protocol, with a machine's API token.

Neither sender knows "partly": an error that may pass (5xx) makes both send the whole batch again, for ever; a 4xx
makes both write our sentence into their log and go on. So what can go in goes in, and then the answer is a 400 that
says how many were refused, and why. The same numbers are kept for the operator.
"""

import asyncio
import hashlib
import zlib
from collections import Counter
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import machine
from chassis.db import Transactions, insert_new, utc_now
from chassis.errors import PROBLEM_JSON, BadRequest, TooLarge, Unavailable, UnsupportedMedia, problem_response, problems
from chassis.idempotency import KeptAnswer
from chassis.identity import Identity
from services.metrics import influx, prometheus
from services.metrics.halves import forget, joined
from services.metrics.intake import Taken, take
from services.metrics.rates import Sample
from services.metrics.series import Pair, Readings, paired

router = APIRouter(prefix="/metrics", tags=["metrics"])

SCOPE = "network:publish"
LARGEST_BODY_BYTES = 8 * 1024**2
LARGEST_TEXT_BYTES = 32 * 1024**2
MOST_HALVES = 20_000
LONELY = "other_direction_missing"
_ANSWERS_KEPT = timedelta(days=1)

Sender = Annotated[Identity, Depends(machine(SCOPE))]


class PartlyRefused(BadRequest):
    """Some values were refused, the others went in; sending again changes nothing."""

    de = "Einige Werte wurden abgelehnt, die anderen aufgenommen; erneutes Senden ändert nichts."


class UnreadableCompression(BadRequest):
    """The body is not compressed in the way that it says."""

    de = "Der Inhalt ist nicht so gepackt, wie er angibt."


_BINARY = {"type": "string", "format": "binary"}
_EMPTY: dict[int | str, dict[str, Any]] = {204: {"description": "Everything went in, was ignored, or waits."}}


@router.post(
    "/ingest/prometheus",
    status_code=204,
    response_class=Response,
    responses=_EMPTY
    | problems(
        PartlyRefused,
        prometheus.UnreadableWriteRequest,
        prometheus.WriteRequestTooLarge,
        prometheus.NotRemoteWrite1,
        Unavailable,
    ),
    openapi_extra={"requestBody": {"required": True, "content": {"application/x-protobuf": {"schema": _BINARY}}}},
)
async def ingest_prometheus(
    request: Request,
    sender: Sender,
    transactions: Transactions,
    content_type: Annotated[str, Header()] = "",
    content_encoding: Annotated[str, Header()] = "",
) -> Response:
    """Prometheus remote-write 1.0: counters of the series that the table in the settings names."""
    prometheus.require_version_1(content_type, content_encoding)
    body = await _body(request)
    table = request.app.state.series
    readings = await asyncio.to_thread(lambda: prometheus.readings_of(prometheus.unpacked(body), table))
    return await _take(request, sender, transactions, readings, hashlib.sha256(b"prometheus\n" + body).hexdigest())


@router.post(
    "/ingest/influx",
    status_code=204,
    response_class=Response,
    responses=_EMPTY
    | problems(
        PartlyRefused,
        UnreadableCompression,
        influx.UnknownPrecision,
        influx.UnreadableLineProtocol,
        influx.TooManyLines,
        UnsupportedMedia,
        Unavailable,
    ),
    openapi_extra={
        "requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}},
    },
)
async def ingest_influx(
    request: Request,
    sender: Sender,
    transactions: Transactions,
    precision: Annotated[str, Query(max_length=20, description="ns, us, ms, s, m or h")] = "ns",
    content_encoding: Annotated[str, Header()] = "",
) -> Response:
    """Influx line protocol, plain or gzip: `traffic,line_id=... in_octets=...u,out_octets=...u`, or by the table."""
    influx.require_precision(precision)
    packed = await _body(request)
    body = _unzipped(packed, content_encoding.strip().lower())
    now_ms, table = _now_ms(), request.app.state.series
    readings = await asyncio.to_thread(lambda: influx.readings_of(body, table, precision=precision, now_ms=now_ms))
    content = hashlib.sha256(f"influx {precision}\n".encode() + body).hexdigest()
    return await _take(request, sender, transactions, readings, content)


async def _body(request: Request) -> bytes:
    """All of it, without holding more than the limit."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > LARGEST_BODY_BYTES:
            raise TooLarge
    return bytes(found)


def _unzipped(body: bytes, encoding: str) -> bytes:
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise UnsupportedMedia(detail=f"Content-Encoding {encoding[:50]}")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(body, LARGEST_TEXT_BYTES)
    except zlib.error:
        raise UnreadableCompression from None
    if unpacker.unconsumed_tail:
        raise TooLarge(detail=f"at most {LARGEST_TEXT_BYTES} bytes unpacked")
    if not unpacker.eof or unpacker.unused_data:
        raise UnreadableCompression
    return text


def _now_ms() -> int:
    return int(utc_now().timestamp() * 1000)


async def _take(
    request: Request, sender: Identity, transactions: Transactions, readings: Readings, content: str
) -> Response:
    """Store, and answer; the same content again is answered as before, and counted once."""
    source = f"/network/{sender.sub.removeprefix('machine:')}"
    route = f"{request.method} {request.url.path}"
    async with transactions() as session:
        if kept := await session.get(KeptAnswer, (sender.sub, route, content)):
            return Response(kept.answer, kept.status, media_type=PROBLEM_JSON)
        taken = await _stored(session, request, readings, source, content)
        if not taken.refused:
            return Response(status_code=204)
        answer = problem_response(request, _refusal(taken))
        now = utc_now()
        old = delete(KeptAnswer).where(KeptAnswer.route == route, KeptAnswer.created_at < now - _ANSWERS_KEPT)
        await session.execute(old)
        await insert_new(
            session,
            KeptAnswer,
            principal=sender.sub,
            route=route,
            key=content,
            body_sha256=content,
            status=answer.status_code,
            answer=bytes(answer.body),
            created_at=now,
        )
        return answer


async def _stored(session: AsyncSession, request: Request, readings: Readings, source: str, content: str) -> Taken:
    now_ms = _now_ms()
    refused = Counter(readings.refused)
    pairs = paired(readings.found)
    whole = [pair for pair in pairs if pair.whole]
    halves = [pair for pair in pairs if not pair.whole]
    if len(halves) > MOST_HALVES:
        refused[LONELY] += len(halves) - MOST_HALVES
        del halves[MOST_HALVES:]
    if halves:
        whole += await joined(session, halves, source=source, now_ms=now_ms)
        if lonely := await forget(session, source=source, now_ms=now_ms):
            refused[LONELY] += lonely
    samples = [_sample(pair) for pair in whole]
    bounds = request.app.state.bounds
    return await take(session, samples, source=source, event_id=content, bounds=bounds, refused=refused)


def _sample(pair: Pair) -> Sample:
    assert pair.in_octets is not None
    assert pair.out_octets is not None
    return Sample(pair.line_id, pair.at_ms, pair.in_octets, pair.out_octets)


def _refusal(taken: Taken) -> PartlyRefused:
    errors = [
        {"pointer": f"/{reason}", "detail": f"{number} {'value' if number == 1 else 'values'}"}
        for reason, number in sorted(taken.refused.items())
    ]
    words = ", ".join(f"{error['pointer'][1:]}: {error['detail']}" for error in errors)
    return PartlyRefused(
        detail=f"{taken.accepted} samples taken, {taken.parked} wait for their line; {words}", errors=errors
    )
