"""From the broker to the handlers: one transaction per event, repeats ignored, failures retried and buried.

* invalid event -> buried at once, with a machine-readable reason; the ones behind it go on;
* a dependency is down (database, object store, broker) -> pause, nothing is counted;
* the handler's own error -> noted in ``failed_events``, acknowledged, tried again from there with growing delays.
"""

import asyncio
import base64
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bus import Bus, Delivery, keep_alive
from chassis.db import Database, insert_new, utc_now
from chassis.inbox import FailedEvent, detail_of, envelope_of, first_burial, first_time
from chassis.logging import log
from chassis.outbox import OWN_SOURCES, emit_raw
from chassis.spans import event_span
from chassis.telemetry import DEAD_LETTERS, EVENTS_HANDLED, FEED_HEARD, FETCH_AGE
from events.base import Envelope, Event, InvalidEvent, decode, event_of, uuid7

Handler = Callable[[Any, AsyncSession], Awaitable[None]]
Buried = Callable[[AsyncSession, Envelope, str, InvalidEvent], Awaitable[None]]
"""Session, envelope, the delivery under which it is kept in `failed_events`, and why."""
Prepare = Callable[[Any], Awaitable[Any]]

OUTAGE_STATES = ("08", "53", "57")
"""SQLSTATE classes: connection exception, insufficient resources, operator intervention."""
QUERY_CANCELED = "57014"

PREPARED_AHEAD = 8
"""Events whose files are stored while those before them are in their transaction."""


class DependencyDown(Exception):
    """Something a handler needs does not answer; the event waits and is not counted as failed."""


class EventRouter:
    """The handlers of one service, one per event class."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.handlers: dict[str, Handler] = {}
        self.prepares: dict[str, Prepare] = {}
        self.buried: Buried | None = None

    def on(self, *events: type[Event]) -> Callable[[Handler], Handler]:
        """Handle these events inside the transaction that also notes them in the inbox."""

        def register(handler: Handler) -> Handler:
            for event in events:
                if event.subject in self.handlers:
                    raise TypeError(f"two handlers for {event.subject}")
                self.handlers[event.subject] = handler
            return handler

        return register

    def include(self, other: "EventRouter") -> None:
        """Take over the handlers of another file of the same service."""
        if twice := self.handlers.keys() & other.handlers.keys():
            raise TypeError(f"two handlers for {sorted(twice)}")
        self.handlers |= other.handlers
        self.prepares |= other.prepares

    def before(self, *events: type[Event]) -> Callable[[Prepare], Prepare]:
        """Work before the transaction that may be repeated and takes long, such as storing files.

        What it returns, if anything, goes to the handler in place of the event.
        """

        def register(prepare: Prepare) -> Prepare:
            for event in events:
                self.prepares[event.subject] = prepare
            return prepare

        return register

    def on_buried(self, note: Buried) -> Buried:
        """Lets the owner of a feed note what was refused, in the transaction that buries it.

        What has no envelope came from nobody: it is in the dead letters only.
        """
        self.buried = note
        return note


@dataclass(frozen=True, slots=True)
class _Ready:
    """An event that needs only its transaction."""

    envelope: Envelope
    handler: Handler
    event: Any


class Consumer:
    """Runs a service's handlers over its streams."""

    def __init__(
        self, router: EventRouter, database: Database, bus: Bus, *, retry_delays_seconds: Sequence[float]
    ) -> None:
        self._router = router
        self._service = router.service
        self._database = database
        self._bus = bus
        self._delays = retry_delays_seconds

    async def run(self, streams: Sequence[str]) -> None:
        """All streams and the retries, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for stream in streams:
                group.create_task(self._run_stream(stream))
            group.create_task(self._run_retries())

    async def _run_stream(self, stream: str) -> None:
        async for batch in self._bus.deliveries(stream):
            FETCH_AGE.labels(self._service, stream).set_to_current_time()
            waiting = deque(batch)
            beat = asyncio.create_task(keep_alive(waiting))
            ahead: deque[asyncio.Task[_Ready]] = deque()
            alone = 0
            try:
                while waiting:
                    # SQLite settles all that is ready together; elsewhere the first does not wait until all are.
                    most = PREPARED_AHEAD if self._database.is_sqlite else min(len(ahead) + 2, PREPARED_AHEAD)
                    for delivery in list(waiting)[len(ahead) : most]:
                        ahead.append(asyncio.create_task(self._prepare_delivery(delivery)))
                    ready = _those_ready(ahead) if self._database.is_sqlite and not alone else []
                    if len(ready) > 1:
                        settled = await self._settle_together(list(waiting), ready)
                        alone = 0 if settled else len(ready)
                    else:
                        await self._until_settled(waiting[0], ahead[0])
                        settled, alone = 1, max(0, alone - 1)
                    for _ in range(settled):
                        waiting.popleft()
                        ahead.popleft()
            finally:
                for task in ahead:
                    task.cancel()
                await asyncio.gather(*ahead, return_exceptions=True)
                beat.cancel()

    async def _until_settled(self, delivery: Delivery, prepared: asyncio.Task[_Ready]) -> None:
        """A dependency that is down makes this wait; the broker keeps the message for us meanwhile."""
        pause = 0.2
        ready: Awaitable[_Ready] = prepared
        while True:
            try:
                await self._settle(delivery, ready)
                await delivery.ack()
                return
            except Exception as error:
                log.warning("consumer_pauses", stream=delivery.stream, error=repr(error)[:300], seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
            ready = self._prepare_delivery(delivery)

    async def _settle_together(self, deliveries: Sequence[Delivery], ready: Sequence[_Ready]) -> int:
        """One transaction for all that is ready; returns how many it settled: all, or none when anything is wrong.

        SQLite has one writer anyway, and its commit waits for the disk. Nothing is decided here about what failed:
        each is settled alone then.
        """
        outcomes = []
        try:
            async with self._database.transaction() as session:
                for one in ready:
                    outcomes.append(await self._take(one, session))
                    await session.flush()
                    session.expunge_all()
        except Exception as error:
            log.debug("events_settled_alone", count=len(ready), error=repr(error)[:300])
            return 0
        for delivery, outcome in zip(deliveries, outcomes, strict=False):
            EVENTS_HANDLED.labels(self._service, delivery.subject, outcome).inc()
            await self._acknowledge(delivery)
        return len(ready)

    async def _acknowledge(self, delivery: Delivery) -> None:
        """What was settled already and cannot be acknowledged now comes again, and the inbox knows it."""
        try:
            await delivery.ack()
        except Exception as error:
            log.warning("ack_failed", stream=delivery.stream, error=repr(error)[:300])

    async def settle(self, delivery: Delivery) -> str:
        """Handle, note as failed, or bury: afterwards the delivery can be acknowledged. Returns the outcome.

        Raises:
            Exception: a dependency is down; nothing was noted, try again later.
        """
        return await self._settle(delivery, self._prepare_delivery(delivery))

    async def _settle(self, delivery: Delivery, ready: Awaitable[_Ready]) -> str:
        try:
            outcome = await self._handle(await ready)
        except InvalidEvent as invalid:
            await self._bury(delivery, invalid)
            outcome = "buried"
        except Exception as error:
            if is_outage(error):
                raise
            log.error("event_failed", stream=delivery.stream, sequence=delivery.sequence, exc_info=error)
            await self._note_failed(delivery, error)
            outcome = "failed"
        EVENTS_HANDLED.labels(self._service, _known(self._router, delivery.subject), outcome).inc()
        return outcome

    async def _prepare_delivery(self, delivery: Delivery) -> _Ready:
        return await self._prepare(delivery.subject, delivery.headers, delivery.data)

    async def _prepare(self, subject: str, headers: dict[str, str], data: bytes) -> _Ready:
        """All that is done before the transaction."""
        envelope = decode(headers, data)
        if envelope.type != subject:
            raise InvalidEvent("wrong_subject", "The type differs from the NATS subject.")
        handler = self._router.handlers.get(subject)
        if handler is None:
            raise InvalidEvent("unknown_type", "This service does not know this type.")
        event: Any = event_of(envelope)
        if prepare := self._router.prepares.get(subject):
            with _about(envelope, f"prepare {subject}"):
                event = await prepare(event) or event
        return _Ready(envelope, handler, event)

    async def _handle(self, ready: _Ready) -> str:
        async with self._database.transaction() as session:
            return await self._take(ready, session)

    async def _take(self, ready: _Ready, session: AsyncSession) -> str:
        """Its effect, once."""
        envelope = ready.envelope
        with _about(envelope, f"handle {envelope.type}"):
            if not await first_time(session, source=envelope.source, event_id=envelope.id, subject=envelope.type):
                return "repeated"
            await ready.handler(ready.event, session)
        return "handled"

    async def _bury(self, delivery: Delivery, invalid: InvalidEvent) -> None:
        async with self._database.transaction() as session:
            first = await first_burial(session, delivery.subject, delivery.headers, delivery.data)
            if first and await insert_new(
                session,
                FailedEvent,
                delivery=delivery.key,
                subject=delivery.subject,
                headers=delivery.headers,
                payload=delivery.data,
                state="buried",
                attempts=1,
                reason=invalid.reason,
                detail=detail_of(invalid),
                received_at=utc_now(),
                next_try_at=None,
            ):
                kept = await session.scalar(select(FailedEvent).where(FailedEvent.delivery == delivery.key))
                assert kept is not None
                await self._tell_buried(session, kept, invalid)
        log.warning("event_buried", stream=delivery.stream, sequence=delivery.sequence, reason=invalid.reason)

    async def _tell_buried(self, session: AsyncSession, failed: FailedEvent, invalid: InvalidEvent) -> None:
        """The original bytes go to DEAD_LETTERS; a feed's owner notes the refusal."""
        dead = {
            "Nats-Msg-Id": f"dlq/{self._service}/{uuid7()}",
            "Dead-Subject": failed.subject,
            "Dead-Service": self._service,
            "Dead-Reason": invalid.reason,
            "Dead-Detail": base64.b64encode(detail_of(invalid).encode()).decode(),
            **{f"Original-{name}": value for name, value in failed.headers.items() if value.isascii()},
        }
        emit_raw(session, f"dlq.{self._service}", failed.payload, dead)
        envelope = envelope_of(failed.headers, failed.payload)
        if self._router.buried and envelope:
            await self._router.buried(session, envelope, failed.delivery, invalid)
        DEAD_LETTERS.labels(self._service, invalid.reason).inc()

    async def _note_failed(self, delivery: Delivery, error: Exception) -> None:
        async with self._database.transaction() as session:
            now = utc_now()
            await insert_new(
                session,
                FailedEvent,
                delivery=delivery.key,
                subject=delivery.subject,
                headers=delivery.headers,
                payload=delivery.data,
                state="waiting",
                attempts=1,
                reason="handler_error",
                detail=repr(error)[:2000],
                received_at=now,
                next_try_at=now + timedelta(seconds=self._delays[0]),
            )

    async def _run_retries(self) -> None:
        while True:
            try:
                while await self.retry_next():
                    pass
            except Exception as error:
                log.warning("retries_pause", error=repr(error)[:300])
            await asyncio.sleep(0.5)

    async def retry_next(self) -> bool:
        """Try the failed event that is due longest; false when none is.

        Raises:
            Exception: a dependency is down; it stays due.
        """
        due = select(FailedEvent).where(FailedEvent.state == "waiting", FailedEvent.next_try_at <= utc_now())
        async with self._database.reading() as session:
            failed = await session.scalar(due.order_by(FailedEvent.next_try_at).limit(1))
        if failed is None:
            return False
        try:
            await self._handle(await self._prepare(failed.subject, failed.headers, failed.payload))
            outcome, reason, detail = "done", failed.reason, failed.detail
        except InvalidEvent as invalid:
            outcome, reason, detail = "buried", invalid.reason, detail_of(invalid)
        except Exception as error:
            if is_outage(error):
                raise
            over = failed.attempts > len(self._delays) - 1
            outcome, reason, detail = ("buried" if over else "waiting"), "handler_error", repr(error)[:2000]
        await self._note_retry(failed.id, outcome, reason, detail)
        return True

    async def _note_retry(self, failed_id: int, outcome: str, reason: str, detail: str) -> None:
        async with self._database.transaction() as session:
            failed = await session.get(FailedEvent, failed_id, with_for_update=True)
            if failed is None or failed.state != "waiting":
                return
            failed.attempts += 1
            failed.state, failed.reason, failed.detail = outcome, reason, detail
            if outcome == "waiting":
                failed.next_try_at = utc_now() + timedelta(seconds=self._delays[failed.attempts - 1])
            else:
                failed.next_try_at = None
            if outcome == "buried" and await first_burial(session, failed.subject, failed.headers, failed.payload):
                await self._tell_buried(session, failed, InvalidEvent(reason, detail))
        EVENTS_HANDLED.labels(self._service, _known(self._router, failed.subject), f"retry_{outcome}").inc()


def _those_ready(ahead: Iterable[asyncio.Task[_Ready]]) -> list[_Ready]:
    """The first ones, up to one that is still being prepared or could not be."""
    done = takewhile(lambda task: task.done() and not task.cancelled() and task.exception() is None, ahead)
    return [task.result() for task in done]


def is_outage(error: BaseException) -> bool:
    """True when a dependency is to blame, not the event."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # a PostgreSQL that starts, stops or is full says so by an error of its own, from the driver or wrapped
    state = str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")
    if state[:2] in OUTAGE_STATES and state != QUERY_CANCELED:
        return True
    return isinstance(error, DependencyDown | OperationalError | InterfaceError | PoolTimeout | OSError | TimeoutError)


@contextmanager
def _about(envelope: Envelope, name: str) -> Iterator[None]:
    """Traces and log lines say which event it is; a feed from outside is alive."""
    is_own = envelope.source.startswith(OWN_SOURCES)
    if not is_own:
        FEED_HEARD.labels(envelope.source).set_to_current_time()
    with (
        event_span(name, envelope.id, envelope.traceparent, is_own=is_own),
        structlog.contextvars.bound_contextvars(event_id=envelope.id, event_source=envelope.source),
    ):
        yield


def _known(router: EventRouter, subject: str) -> str:
    return subject if subject in router.handlers else "other"
