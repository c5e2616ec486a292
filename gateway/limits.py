"""How much anybody may ask: requests in a window, bytes in a body, kinds of content."""

import time
from collections.abc import Callable

from chassis.errors import BadRequest, TooLarge, TooMany, UnsupportedMedia
from gateway.caller import SAFE_METHODS
from gateway.routing import Route

MOST_KEYS = 100_000


class RateLimit:
    """So many requests in a sliding window, by key, in the memory of this process.

    Counts of the window before weigh as much as of it still lies in the sliding one; exact enough, and two dictionaries
    are all it needs. A flood of new keys shares one count once the dictionary is full.
    """

    def __init__(self, most: int, window_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._window = window_seconds
        self._clock = clock
        self._started = clock()
        self._now: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def take(self, key: str) -> None:
        """Count one request.

        Raises:
            TooMany: over the limit; says when it is worth trying again.
        """
        key, count = self._weighed(key)
        self._now[key] = count + 1

    def check(self, key: str) -> None:
        """As `take`, without counting."""
        self._weighed(key)

    def _weighed(self, key: str) -> tuple[str, int]:
        passed = self._clock() - self._started
        if passed >= self._window:
            self._turn(passed)
            passed = self._clock() - self._started
        if len(self._now) >= MOST_KEYS and key not in self._now:
            key = ""
        before, now = self._before.get(key, 0), self._now.get(key, 0)
        if now + before * (1 - passed / self._window) < self._most:
            return key, now
        raise TooMany(headers={"Retry-After": str(self._wait(before, now, passed))})

    def _turn(self, passed: float) -> None:
        windows = int(passed // self._window)
        self._before = self._now if windows == 1 else {}
        self._now = {}
        self._started += windows * self._window

    def _wait(self, before: int, now: int, passed: float) -> int:
        if now < self._most and before:
            return max(1, int(self._window * (1 - (self._most - now) / before) - passed) + 1)
        return max(1, int(self._window - passed) + 1)


def declared_length(headers: dict[bytes, bytes]) -> int | None:
    """Of the body, in bytes; none where it is chunked.

    Raises:
        BadRequest: two ways to tell where the body ends, or none that is understood.
    """
    length, coding = headers.get(b"content-length"), headers.get(b"transfer-encoding")
    if coding is not None:
        if length is not None or coding.lower() != b"chunked":
            raise BadRequest(headers={"Connection": "close"})
        return None
    if length is None:
        return 0
    if not length.isdigit() or len(length) > 15:
        raise BadRequest(headers={"Connection": "close"})
    return int(length)


def require_fitting_body(method: str, route: Route, headers: dict[bytes, bytes], length: int | None) -> None:
    """Refuse by the headers alone what the route does not take.

    Raises:
        BadRequest: a body where there is none.
        TooLarge: more than the route takes.
        UnsupportedMedia: another kind of content.
    """
    if length == 0:
        return
    if method in SAFE_METHODS:
        raise BadRequest
    if length is not None and length > route.body_bytes:
        raise TooLarge
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
    if kind not in route.media:
        raise UnsupportedMedia(detail=f"Content-Type: {', '.join(route.media)}")
