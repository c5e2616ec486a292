"""Bandwidth, volume and the billing view of a line or group, each also as something to keep."""

import csv
import io
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic_core import to_json

from chassis.db import ReadSession
from chassis.errors import NoCustomerChosen, problems
from services.metrics.api.asked import AskedClock, AskedSpan, Points, asked_group, asked_line, invalid
from services.metrics.api.bodies import Bandwidth, PercentileOut, Volume
from services.metrics.models import GroupNotFound, InvalidRange, LineNotFound
from services.metrics.periods import Bucket, Span, month_at, month_span, zone
from services.metrics.pictures import MOST_BUCKETS, Clock, Subject, bandwidth, billing_view, volume
from services.metrics.svg import bandwidth_svg

router = APIRouter(prefix="/metrics", tags=["metrics"])

Responses = dict[int | str, dict[str, Any]]
AskedMonth = Annotated[
    str | None,
    Query(pattern=r"^\d{4}-\d{2}$", description="`YYYY-MM` in the customer's time zone; default: this month"),
]
_CSV: Responses = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
_SVG: Responses = {200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}}
Find = Callable[..., Awaitable[Subject]]
Endpoint = Callable[..., Awaitable[Response]]


def _json(answer: dict[str, Any]) -> Response:
    # thousands of numbers that were just made: no model looks at them again
    return Response(to_json(answer), media_type="application/json")


def _check(span: Span, bucket: Bucket) -> None:
    shortest = {"hour": 3600, "day": 82_800, "month": 28 * 86_400}[bucket]
    if (span[1] - span[0]) // shortest > MOST_BUCKETS:
        detail = f"more than {MOST_BUCKETS} buckets: choose longer ones or a shorter range"
        raise InvalidRange(errors=[{"pointer": "/query/bucket", "detail": detail}])


def _month(asked: str | None, subject: Subject, clock: Clock) -> tuple[str, Span]:
    tz = zone(subject.time_zone)
    month = asked or month_at(clock.at, tz)
    try:
        return month, month_span(month, tz)
    except ValueError:
        raise invalid("month", "must be YYYY-MM, from 1970 on") from None


def _file(rows: Iterable[Sequence[Any]], name: str) -> Response:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    disposition = f'attachment; filename="{name}.csv"'
    return Response(text.getvalue(), media_type="text/csv", headers={"Content-Disposition": disposition})


def _bandwidth(subject_of: Any) -> Endpoint:
    async def get_bandwidth(
        session: ReadSession,
        span: AskedSpan,
        clock: AskedClock,
        points: Points = 1000,
        subject: Subject = subject_of,
    ) -> Response:
        """Rates over time, thinned so that no peak disappears; gaps are null, not zero."""
        return _json(await bandwidth(session, subject, span, points, clock))

    return get_bandwidth


def _bandwidth_csv(subject_of: Any) -> Endpoint:
    async def get_bandwidth_csv(
        session: ReadSession,
        span: AskedSpan,
        clock: AskedClock,
        points: Points = 5000,
        subject: Subject = subject_of,
    ) -> Response:
        """The same numbers as CSV (RFC 4180)."""
        answer = await bandwidth(session, subject, span, points, clock)
        series = answer["series"]
        head = ("at", "in_avg_bps", "in_max_bps", "out_avg_bps", "out_max_bps")
        return _file([head, *zip(*series.values(), strict=True)], f"bandwidth-{answer['from'][:10]}")

    return get_bandwidth_csv


def _bandwidth_svg(subject_of: Any) -> Endpoint:
    async def get_bandwidth_svg(  # noqa: PLR0913, PLR0917  # fields of a query are parameters here
        request: Request,
        session: ReadSession,
        span: AskedSpan,
        clock: AskedClock,
        width: Annotated[int, Query(ge=300, le=4000)] = 900,
        height: Annotated[int, Query(ge=150, le=2000)] = 300,
        subject: Subject = subject_of,
    ) -> Response:
        """The same as a picture, for mails and print."""
        answer = await bandwidth(session, subject, span, min(width, 2000), clock)
        language = request.state.identity.language
        picture = bandwidth_svg(answer, title=subject.name, language=language, width=width, height=height)
        return Response(picture, media_type="image/svg+xml")

    return get_bandwidth_svg


def _volume(subject_of: Any) -> Endpoint:
    async def get_volume(
        session: ReadSession,
        span: AskedSpan,
        clock: AskedClock,
        bucket: Bucket = "day",
        subject: Subject = subject_of,
    ) -> Response:
        """Bytes per hour, day or month of the customer's time zone, from the same intervals as the rates."""
        _check(span, bucket)
        return _json(await volume(session, subject, span, bucket, clock, zone(subject.time_zone)))

    return get_volume


def _volume_csv(subject_of: Any) -> Endpoint:
    async def get_volume_csv(
        session: ReadSession,
        span: AskedSpan,
        clock: AskedClock,
        bucket: Bucket = "day",
        subject: Subject = subject_of,
    ) -> Response:
        """The same numbers as CSV (RFC 4180)."""
        _check(span, bucket)
        answer = await volume(session, subject, span, bucket, clock, zone(subject.time_zone))
        rows = [[row[name] for name in ("start", "end", "in", "out")] for row in answer["buckets"]]
        return _file([("start", "end", "in_bytes", "out_bytes"), *rows], f"volume-{answer['from'][:10]}")

    return get_volume_csv


def _percentile(subject_of: Any) -> Endpoint:
    async def get_percentile(
        session: ReadSession, clock: AskedClock, month: AskedMonth = None, subject: Subject = subject_of
    ) -> Response:
        """The billing view of a month, with everything needed to work the value out again."""
        asked, span = _month(month, subject, clock)
        return _json(await billing_view(session, subject, asked, span, clock))

    return get_percentile


_ENDS: tuple[tuple[str, Callable[[Any], Endpoint], type[BaseModel] | None, Responses], ...] = (
    ("bandwidth", _bandwidth, Bandwidth, {}),
    ("bandwidth.csv", _bandwidth_csv, None, _CSV),
    ("bandwidth.svg", _bandwidth_svg, None, _SVG),
    ("volume", _volume, Volume, {}),
    ("volume.csv", _volume_csv, None, _CSV),
    ("percentile", _percentile, PercentileOut, {}),
)


def _add(kind: str, find: Find, missing: type[LineNotFound] | type[GroupNotFound]) -> None:
    """The same endpoints for lines and for groups."""
    wrong = problems(missing, InvalidRange, NoCustomerChosen)
    for end, made, model, more in _ENDS:
        endpoint = made(Depends(find))
        router.add_api_route(
            f"/{kind}s/{{{kind}_id}}/{end}",
            endpoint,
            name=f"{endpoint.__name__}_of_{kind}",
            methods=["GET"],
            response_model=model,
            response_class=Response if model is None else JSONResponse,
            responses=wrong | more,
        )


_add("line", asked_line, LineNotFound)
_add("group", asked_group, GroupNotFound)
