"""NATS JetStream, the only module that knows it.

Traps handled here: endless reconnects, permission violations made loud, publish time-outs as "unknown", pull requests
and acknowledgements that died with the broker not waited for.
"""

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from chassis.logging import log
from chassis.streams import ACK_WAIT_SECONDS, declare, undeclared
from chassis.telemetry import BUS_CONNECTED

FETCH_SECONDS = 1.0
PUBLISH_SECONDS = 5.0
LARGEST_BATCH = 63
SAY_AGAIN_SECONDS = 10.0
LOWEST_SERVER = (2, 12)
_SUBJECT = re.compile(r'"([^"\s]+)"')
"""Which one the broker refused, in its words."""


class BusDown(Exception):
    """The broker did not answer; the outcome of what was asked is unknown."""


class NotPermitted(BusDown):
    """The broker refuses this subject to this user; it stays so until the permissions or the user are others."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as a durable consumer got it."""

    subject: str
    headers: dict[str, str]
    data: bytes
    stream: str
    sequence: int
    message: Msg
    stored_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of(cls, message: Msg) -> "Delivery":
        """Header values that are not ASCII come as objects; text is all we promise."""
        headers = {name: str(value) for name, value in (message.headers or {}).items()}
        at = message.metadata
        place = (at.stream, at.sequence.stream)
        return cls(message.subject, headers, message.data, *place, message, at.timestamp)

    @property
    def key(self) -> str:
        """Never the same for two messages: a stream that was made anew numbers from 1 again, at another time."""
        return f"{self.stream}/{self.sequence}@{self.stored_at.isoformat()}"

    async def ack(self) -> None:
        """Done, for good."""
        await self.message.ack()

    async def again(self, *, delay_seconds: float) -> None:
        """Not now: deliver it again after the delay."""
        await self.message.nak(delay=delay_seconds)

    async def in_progress(self) -> None:
        """Still working: the ack wait starts anew."""
        await self.message.in_progress()


class Bus:
    """One connection to the broker, kept up for ever."""

    def __init__(self, service: str, url: str, *, user: str = "", password: str = "", replicas: int = 1) -> None:
        self._service = service
        self._servers = url.split(",")
        self._user = user
        self._password = password
        self._replicas = replicas
        self._client = Client()
        self._js: JetStreamContext | None = None
        self._violations: dict[str, str] = {}
        self._said: dict[str, float] = {}
        self._epoch = 0
        self._limits: dict[asyncio.Timeout, str] = {}
        self.connected = asyncio.Event()

    async def connect(self) -> None:
        """Keep trying until the broker answers, then stay connected whatever happens."""
        while not self._client.is_connected:
            try:
                await self._client.connect(
                    servers=self._servers,
                    name=self._service,
                    inbox_prefix=f"_INBOX_{self._user or self._service}",
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.1,  # type: ignore[arg-type]  # seconds, fractions work
                    connect_timeout=2,
                    ping_interval=10,
                    max_outstanding_pings=3,
                    error_cb=self._on_error,
                    disconnected_cb=self._on_disconnected,
                    reconnected_cb=self._on_reconnected,
                    user=self._user or None,
                    password=self._password or None,
                )
            except (OSError, NatsError, TimeoutError) as error:
                log.warning("bus_unreachable", error=repr(error)[:200])
                await asyncio.sleep(0.2)
        version = self._client.connected_server_version
        if (version.major, version.minor) < LOWEST_SERVER:
            raise RuntimeError(f"nats-server {version} is older than {LOWEST_SERVER}")
        self._js = self._client.jetstream(timeout=5)
        await self._on_reconnected()

    async def close(self) -> None:
        """Flush and leave."""
        self.connected.clear()
        if not self._client.is_closed and self._js is not None:
            await asyncio.wait_for(self._client.close(), 3)

    @property
    def is_connected(self) -> bool:
        """True while the socket is up."""
        return self._client.is_connected

    @property
    def server_url(self) -> str:
        """For tests and checks."""
        return ",".join(self._servers)

    async def publish(self, subject: str, payload: bytes, headers: dict[str, str]) -> None:
        """Into the stream that keeps the subject; returns once it is stored.

        Raises:
            NotPermitted: this user may not publish it.
            BusDown: no acknowledgement came; the message may be stored or not. Try again with the same Nats-Msg-Id.
        """
        if not self.is_connected:
            raise BusDown("not connected")
        self._violations.pop(subject, None)
        try:
            async with self._while_connected(PUBLISH_SECONDS, subject):
                await self._stream_api().publish(subject, payload, headers=headers, timeout=PUBLISH_SECONDS)
        except (NatsError, TimeoutError, OSError) as error:
            if violation := self._violations.pop(subject, None):
                raise NotPermitted(violation) from None
            raise BusDown(repr(error)) from error

    async def deliveries(self, stream: str) -> AsyncIterator[Sequence[Delivery]]:
        """Batches for this service's durable consumer of a stream, for ever; an empty one at least each second.

        Binds to the consumer that `portalctl nats apply` declared, anew after each break of the connection.
        """
        while True:
            await self.connected.wait()
            try:
                bound = await self._stream_api().pull_subscribe_bind(durable=self._service, stream=stream)
                async for batch in self._batches(bound):
                    yield batch
            except NotFoundError:
                log.warning("consumer_missing", stream=stream, durable=self._service)
                await asyncio.sleep(0.5)
            except (NatsError, OSError) as error:
                log.warning("fetch_failed", stream=stream, error=repr(error)[:200])
                await asyncio.sleep(0.2)

    async def _batches(self, bound: JetStreamContext.PullSubscription) -> AsyncIterator[Sequence[Delivery]]:
        """Until the connection breaks. Fetching many waits for all of them, so ask for as many as are waiting."""
        epoch = self._epoch
        try:
            while epoch == self._epoch:
                try:
                    async with self._while_connected(FETCH_SECONDS * 2):
                        messages = await bound.fetch(1, timeout=FETCH_SECONDS)
                except TimeoutError:
                    messages = []
                if messages and (waiting := messages[0].metadata.num_pending):
                    with contextlib.suppress(TimeoutError):
                        messages += await bound.fetch(min(waiting, LARGEST_BATCH), timeout=0.1)
                yield [Delivery.of(message) for message in messages]
        finally:
            with contextlib.suppress(NatsError, OSError):
                await bound.unsubscribe()

    @contextlib.asynccontextmanager
    async def _while_connected(self, seconds: float, subject: str = "") -> AsyncIterator[None]:
        """A TimeoutError after so long, and at once when the connection breaks or the broker refuses the subject."""
        async with asyncio.timeout(seconds) as limit:
            self._limits[limit] = subject
            try:
                yield
            finally:
                self._limits.pop(limit, None)

    async def listen(self, subjects: dict[str, list[str]], queue: asyncio.Queue[Delivery], *, since: datetime) -> None:
        """Ephemeral consumers: everything on these streams' subjects since then, for ever, into the queue."""
        async with asyncio.TaskGroup() as group:
            for stream, wanted in subjects.items():
                group.create_task(self._listen(stream, wanted, queue, since))

    async def _listen(self, stream: str, wanted: list[str], queue: asyncio.Queue[Delivery], since: datetime) -> None:
        next_sequence: int | None = None
        while True:
            await self.connected.wait()
            try:
                if next_sequence and (await self._stream_api().stream_info(stream)).state.last_seq < next_sequence - 1:
                    next_sequence = None  # the broker lost its store: this is another stream, which counts anew
                start = ConsumerConfig(
                    deliver_policy=DeliverPolicy.BY_START_SEQUENCE if next_sequence else DeliverPolicy.BY_START_TIME,
                    opt_start_seq=next_sequence,
                    opt_start_time=None if next_sequence else since,
                    filter_subjects=wanted,
                    ack_policy=AckPolicy.NONE,
                    mem_storage=True,
                    num_replicas=1,
                    inactive_threshold=30,
                )
                consumer = await self._stream_api().add_consumer(stream, start)
                bound = await self._stream_api().pull_subscribe_bind(consumer=consumer.name, stream=stream)
                async for batch in self._batches(bound):
                    for delivery in batch:
                        next_sequence = delivery.sequence + 1
                        await queue.put(delivery)
            except (NatsError, OSError) as error:
                log.warning("listen_failed", stream=stream, error=repr(error)[:200])
                await asyncio.sleep(0.2)

    async def history(
        self, stream: str, subjects: Sequence[str], *, since: datetime, of_consumer: str = ""
    ) -> AsyncIterator[Delivery]:
        """What a stream keeps of these subjects since then, oldest first; they need no acknowledgement.

        ``of_consumer``: only as far as this durable consumer has acknowledged everything; the rest comes to it anyway.

        Raises:
            BusDown: the broker did not tell, or stopped telling.
        """
        try:
            js = self._stream_api()
            last = (await js.stream_info(stream)).state.last_seq
            if of_consumer:
                floor = (await js.consumer_info(stream, of_consumer)).ack_floor
                last = min(last, floor.stream_seq if floor else 0)
            start = ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_TIME,
                opt_start_time=since,
                filter_subjects=list(subjects),
                ack_policy=AckPolicy.NONE,
                mem_storage=True,
                num_replicas=1,
                inactive_threshold=60,
            )
            consumer = await js.add_consumer(stream, start)
            bound = await js.pull_subscribe_bind(consumer=consumer.name, stream=stream)
            waiting = consumer.num_pending or 0
            while waiting:
                for message in await bound.fetch(min(waiting, LARGEST_BATCH), timeout=PUBLISH_SECONDS):
                    waiting = message.metadata.num_pending
                    delivery = Delivery.of(message)
                    if delivery.sequence > last:
                        waiting = 0
                        break
                    yield delivery
            await bound.unsubscribe()
        except (NatsError, TimeoutError, OSError) as error:
            raise BusDown(repr(error)) from error

    async def apply(self) -> list[str]:
        """Declare all streams and consumers of the registry; returns what was created or changed.

        Raises:
            BusDown: the broker did not, or could not yet; what is declared stays, and it may be asked again.
        """
        try:
            return await declare(self._stream_api(), self._replicas)
        except (NatsError, TimeoutError, OSError) as error:
            raise BusDown(repr(error)) from error

    @property
    def server(self) -> tuple[tuple[int, int, int], int]:
        """Version and largest message of the broker we are connected to."""
        version = self._client.connected_server_version
        return (version.major, version.minor, version.patch), self._client.max_payload

    async def missing(self) -> list[str]:
        """Streams and consumers of the registry that are not as `apply` would declare them.

        Raises:
            BusDown: the broker does not tell.
        """
        try:
            return [name async for name in undeclared(self._stream_api(), self._replicas)]
        except (NatsError, TimeoutError, OSError) as error:
            raise BusDown(repr(error)) from error

    def _stream_api(self) -> JetStreamContext:
        if self._js is None:
            raise BusDown("not connected yet")
        return self._js

    async def _on_error(self, error: Exception) -> None:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # wait_for of Python 3.11 loses a cancellation that meets a failure; the client would try for ever
            raise asyncio.CancelledError
        if "permissions violation" in str(error).lower():
            log.error("bus_permission_violation", error=str(error))
            refused = _SUBJECT.search(str(error))
            if refused is not None:
                self._violations[refused[1].lower()] = str(error)
                self._give_up(lambda subject: subject == refused[1].lower())
        else:
            self._say(repr(error)[:200])

    def _say(self, error: str) -> None:
        """While the broker is away the client tries ten times a second, and each time it fails alike."""
        now = asyncio.get_running_loop().time()
        if now >= self._said.get(error, 0.0):
            self._said = {known: until for known, until in self._said.items() if until > now}
            self._said[error] = now + SAY_AGAIN_SECONDS
            log.warning("bus_error", error=error)

    async def _on_disconnected(self) -> None:
        self._epoch += 1
        self.connected.clear()
        BUS_CONNECTED.labels(self._service).set(0)
        self._give_up(lambda _subject: True)

    def _give_up(self, concerned: Callable[[str], bool]) -> None:
        """No answer will come to these."""
        now = asyncio.get_running_loop().time()
        for limit in [limit for limit, subject in self._limits.items() if concerned(subject) and not limit.expired()]:
            limit.reschedule(now)

    async def _on_reconnected(self) -> None:
        self.connected.set()
        BUS_CONNECTED.labels(self._service).set(1)


async def connected_bus(service: str, url: str, *, user: str = "", password: str = "", replicas: int = 1) -> Bus:
    """A bus that is up, for command lines and tests."""
    bus = Bus(service, url, user=user, password=password, replicas=replicas)
    await bus.connect()
    return bus


async def keep_alive(waiting: deque[Delivery]) -> None:
    """While a batch is worked on, tell the broker so well before the ack wait ends."""
    while True:
        await asyncio.sleep(ACK_WAIT_SECONDS / 3)
        for delivery in list(waiting):
            try:
                await delivery.in_progress()
            except Exception as error:
                log.debug("in_progress_failed", error=repr(error)[:200])
