"""Server-sent events: what was filed for the open customer, told to whoever has the page open.

What happened within the last hour is kept in memory, read again from the streams at start, so that a page which lost
its connection hears what it missed. An id is the event's time in milliseconds and its id, the same at every replica.
When the gap is too large to be filled, ``resync`` tells the page to load its lists again.
"""

import asyncio
import contextlib
import json
import re
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chassis.errors import AppError, Forbidden, NoCustomerChosen, TooMany
from chassis.identity import Identity
from gateway.call import Call, ClientGone
from gateway.headers import API_POLICY
from gateway.sessions import Change, Known, Sessions
from gateway.settings import Settings
from gateway.telemetry import STREAMS

PEOPLE = "users"
"""No module: what admins alone may see."""
MOST_KEPT = 20_000
MOST_WAITING = 200
SEND_SECONDS = 30.0
SLACK = timedelta(seconds=10)
"""Clocks of two hosts differ, and events of one moment may arrive in another order."""

_ID = re.compile(r"(\d{10,14})-(\S{1,80})")
_HEAD = b"retry: 2000\n\n"
_HEARTBEAT = b": alive\n\n"
_RESYNC = b"event: resync\ndata: {}\n\n"


@dataclass(frozen=True, slots=True)
class News:
    """One thing worth telling, as the browser gets it."""

    at: datetime
    event_id: str
    customer_id: str
    module: str
    name: str
    data: dict[str, str | None]

    @property
    def id(self) -> str:
        """What the browser says when it comes back."""
        return f"{int(self.at.timestamp() * 1000)}-{self.event_id}"

    def frame(self) -> bytes:
        """As it goes over the wire."""
        data = json.dumps(self.data, ensure_ascii=False)
        return f"id: {self.id}\nevent: {self.name}\ndata: {data}\n\n".encode()


class Recent:
    """The news of the last hour, each once, in order of arrival."""

    def __init__(self, kept: timedelta, *, since: datetime, most: int = MOST_KEPT) -> None:
        self._kept = kept
        self._most = most
        self._complete_since = since
        self._news: deque[News] = deque()
        self._ids: set[str] = set()

    def add(self, news: News) -> bool:
        """False for a repeat."""
        if news.event_id in self._ids:
            return False
        self._news.append(news)
        self._ids.add(news.event_id)
        oldest = datetime.now(UTC) - self._kept
        while self._news and (len(self._news) > self._most or self._news[0].at < oldest):
            gone = self._news.popleft()
            self._ids.discard(gone.event_id)
            self._complete_since = max(self._complete_since, gone.at)
        return True

    def after(self, last_id: str) -> list[News] | None:
        """What came after this id, perhaps with something that was heard already; none when too much is missing."""
        match = _ID.fullmatch(last_id)
        if match is None:
            return []
        at = datetime.fromtimestamp(int(match[1]) / 1000, UTC)
        if at < self._complete_since:
            return None
        if match[2] in self._ids:
            position = next(n for n, news in enumerate(self._news) if news.event_id == match[2])
            return [news for n, news in enumerate(self._news) if n > position]
        return [news for news in self._news if news.at >= at - SLACK]


class Stream:
    """One open page."""

    def __init__(self, known: Known, identity: Identity, since: datetime) -> None:
        self.known = known
        self.identity = identity
        self.customer_id = identity.cust or ""
        self._since = since
        self._waiting: deque[bytes] = deque()
        self._lost = False
        self.look = False
        """Something about this person or session changed: ask at once whether it may go on."""
        self._news = asyncio.Event()

    def concerns(self, news: News) -> bool:
        """Of the open customer and in a module the person may see."""
        own = news.customer_id == self.customer_id and news.at >= self._since
        may = self.identity.role == "admin" if news.module == PEOPLE else news.module in self.identity.modules
        return own and (self.identity.is_operator or may)

    def tell(self, news: News) -> None:
        """Queue it; a page that does not read loses it and is told to load again."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
            self._lost = True
        self._waiting.append(news.frame())
        self._news.set()

    def lose(self) -> None:
        """There is a gap."""
        self._lost = True
        self._news.set()

    def wake(self) -> None:
        """Look up from waiting."""
        self._news.set()

    async def wait(self, seconds: float) -> bytes:
        """What is to be sent now; empty when nothing came in time."""
        if not self._waiting and not self._lost:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
        self._news.clear()
        frames = ([_RESYNC] if self._lost else []) + list(self._waiting)
        self._waiting.clear()
        self._lost = False
        return b"".join(frames)


class Live:
    """All open streams."""

    def __init__(self, sessions: Sessions, settings: Settings) -> None:
        self._sessions = sessions
        self._heartbeat = settings.heartbeat.total_seconds()
        self._look_every = settings.principal_kept.total_seconds()
        self._most_per_user = settings.streams_per_user
        self.since = datetime.now(UTC) - settings.live_kept
        """From when on the streams of the broker are read at start."""
        self.recent = Recent(settings.live_kept, since=self.since)
        self._open: dict[str, set[Stream]] = {}
        self._per_user: dict[str, int] = {}
        self._closing = False

    def publish(self, news: News) -> None:
        """Tell everybody whom it concerns."""
        if self.recent.add(news):
            for stream in self._open.get(news.customer_id, ()):
                if stream.concerns(news):
                    stream.tell(news)

    def changed(self, change: Change) -> None:
        """Streams of this person, session or customer look at once whether they may go on."""
        for streams in self._open.values():
            for stream in streams:
                if change in stream.known.about:
                    stream.look = True
                    stream.wake()

    def close(self) -> None:
        """End all streams; the process stops."""
        self._closing = True
        for streams in self._open.values():
            for stream in streams:
                stream.wake()

    async def serve(self, call: Call) -> None:
        """``GET /live``, for as long as the page is open and the session lasts.

        Raises:
            Forbidden: a program's token; it has no page.
            NoCustomerChosen: an operator who has opened none.
            TooMany: too many open streams of one person.
        """
        known = call.known
        assert known is not None
        assert known.identity is not None
        identity = known.identity
        if not identity.is_browser:
            raise Forbidden
        if identity.cust is None:
            raise NoCustomerChosen
        if self._per_user.get(identity.sub, 0) >= self._most_per_user:
            raise TooMany(headers={"Retry-After": "10"})
        stream = self._opened(call, known, identity)
        gone = asyncio.create_task(_departure(call))
        gone.add_done_callback(lambda _task: stream.wake())
        try:
            await self._run(call, stream, gone)
        finally:
            gone.cancel()
            self._closed(stream)

    def _opened(self, call: Call, known: Known, identity: Identity) -> Stream:
        last_id = call.headers.get(b"last-event-id", b"").decode("latin-1")
        match = _ID.fullmatch(last_id)
        from_then = datetime.fromtimestamp(int(match[1]) / 1000, UTC) if match else datetime.now(UTC)
        stream = Stream(known, identity, from_then - SLACK)
        missed = self.recent.after(last_id)
        if missed is None:
            stream.lose()
        for news in missed or ():
            if stream.concerns(news):
                stream.tell(news)
        self._open.setdefault(stream.customer_id, set()).add(stream)
        self._per_user[identity.sub] = self._per_user.get(identity.sub, 0) + 1
        STREAMS.inc()
        return stream

    def _closed(self, stream: Stream) -> None:
        streams = self._open[stream.customer_id]
        streams.discard(stream)
        if not streams:
            del self._open[stream.customer_id]
        sub = stream.identity.sub
        self._per_user[sub] -= 1
        if not self._per_user[sub]:
            del self._per_user[sub]
        STREAMS.dec()

    async def _run(self, call: Call, stream: Stream, gone: "asyncio.Task[None]") -> None:
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"content-security-policy", API_POLICY),
            (b"x-accel-buffering", b"no"),
        ]
        await call.begin(200, headers)
        await _send(call, _HEAD)
        clock = time.monotonic
        next_look, next_heartbeat = clock() + self._look_every, clock() + self._heartbeat
        while not self._closing:
            frames = await stream.wait(max(0.0, min(next_look, next_heartbeat) - clock()))
            if gone.done() or self._closing:
                break
            if stream.look or clock() >= next_look:
                stream.look = False
                if not await self._may_go_on(call, stream):
                    break
                next_look = clock() + self._look_every
            if not frames and clock() >= next_heartbeat:
                frames = _HEARTBEAT
            if frames:
                await _send(call, frames)
                next_heartbeat = clock() + self._heartbeat
        await call.send({"type": "http.response.body", "body": b""})

    async def _may_go_on(self, call: Call, stream: Stream) -> bool:
        """The same person with the same rights; otherwise the page comes back and gets what it may see now."""
        assert call.credential is not None
        try:
            known = await self._sessions.resolve(call.credential, touch=False)
        except AppError:
            return False
        stream.known = known
        return known.identity is not None and _rights(known.identity) == _rights(stream.identity)


async def _departure(call: Call) -> None:
    while (await call.receive())["type"] != "http.disconnect":
        pass


async def _send(call: Call, frames: bytes) -> None:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await call.send({"type": "http.response.body", "body": frames, "more_body": True})
    except TimeoutError:
        raise ClientGone from None


def _rights(identity: Identity) -> tuple[object, ...]:
    return identity.sub, identity.sid, identity.cust, identity.role, identity.modules
