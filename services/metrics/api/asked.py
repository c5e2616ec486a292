"""What several endpoints ask for in the same way: the reader, the range, the line or group."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import AwareDatetime

from chassis.access import module
from chassis.db import OpenSession, ReadSession, Transactions, utc_now
from chassis.errors import Invalid
from chassis.identity import Identity
from chassis.outbox import emit
from services.metrics.audit import audit_line
from services.metrics.models import InvalidRange
from services.metrics.periods import Span
from services.metrics.pictures import Clock, Subject
from services.metrics.settings import Settings
from services.metrics.subjects import group_subject, line_subject

Reader = Annotated[Identity, Depends(module("graphs"))]
MOST_POINTS = 5000
Points = Annotated[int, Query(ge=1, le=MOST_POINTS, description="how many steps at most, such as the picture's width")]
_DAY = 86_400
_LATEST = 7_258_118_400
"""The end of 2199."""


async def clock_of(request: Request) -> Clock:
    """Now, and since when slots are certain to be there."""
    settings: Settings = request.app.state.settings
    now = utc_now()
    return Clock(int(now.timestamp()), int((now - settings.raw_kept).timestamp()) // _DAY * _DAY + _DAY)


async def span_of(
    request: Request,
    from_: Annotated[AwareDatetime | None, Query(alias="from", description="default: a day before `to`")] = None,
    to: Annotated[AwareDatetime | None, Query(description="default: now")] = None,
) -> Span:
    """The range in whole seconds.

    Raises:
        InvalidRange: turned round, before 1970, or longer than anything is kept.
    """
    settings: Settings = request.app.state.settings
    end = (to or utc_now()).timestamp()
    start = from_.timestamp() if from_ else end - _DAY
    if start >= end:
        raise InvalidRange(errors=[{"pointer": "/query/from", "detail": "must be before `to`"}])
    if start < 0:
        raise InvalidRange(errors=[{"pointer": "/query/from", "detail": "must not be before 1970"}])
    if end > _LATEST:
        raise InvalidRange(errors=[{"pointer": "/query/to", "detail": "must be before the year 2200"}])
    if end - start > settings.rollups_kept.total_seconds() + 366 * _DAY:
        days = settings.rollups_kept.days
        raise InvalidRange(errors=[{"pointer": "/query/to", "detail": f"nothing is kept for longer than {days} days"}])
    return int(start), int(end) if end == int(end) else int(end) + 1


AskedSpan = Annotated[Span, Depends(span_of)]
AskedClock = Annotated[Clock, Depends(clock_of)]


async def asked_line(line_id: UUID, reader: Reader, session: ReadSession, transactions: Transactions) -> Subject:
    """The line in the path; a look of the operator's staff is noted."""
    subject = await line_subject(session, line_id, reader.customer_id)
    await note_look(transactions, reader, "traffic_read", subject.on)
    return subject


async def asked_group(group_id: UUID, reader: Reader, session: ReadSession, transactions: Transactions) -> Subject:
    """The group in the path; a look of the operator's staff is noted."""
    subject = await group_subject(session, group_id, reader.customer_id)
    await note_look(transactions, reader, "traffic_read", subject.on)
    return subject


async def note_look(transactions: OpenSession, reader: Identity, what: str, on: str | None) -> None:
    """Every look of the operator is in that customer's audit log."""
    if reader.is_operator:
        async with transactions() as session:
            emit(session, audit_line(what, reader, on, utc_now()))


def invalid(pointer: str, detail: str) -> Invalid:
    """One wrong value of the query."""
    return Invalid(errors=[{"pointer": f"/query/{pointer}", "detail": detail}])
