"""Weather from MET Norway's locationforecast 2.0, by its terms of service.

It says who asks and how to reach them, cuts coordinates to two decimals, asks again only after ``Expires`` and then
with ``If-Modified-Since``, and leaves it in peace for a while after a refusal. Nobody waits for it but the very first
reader: what was fetched last is shown, with the hour it is for, while a newer one is fetched.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from email.utils import parsedate_to_datetime

import aiohttp
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from chassis.brand import Site
from chassis.logging import log
from gateway.weather import Clock, Hour, Report, Source, WeatherMissing

FIRST_SECONDS = 0.6
FETCH_SECONDS = 10.0
MOST_BYTES = 2 * 1024 * 1024
AFTER_FAILURE = timedelta(minutes=5)
AFTER_REFUSAL = timedelta(hours=1)
WITHOUT_EXPIRES = timedelta(minutes=30)
LONGEST = timedelta(days=1)
SPREAD_SECONDS = 60.0
"""Not everybody at the same full minute."""
TOO_OLD = timedelta(hours=6)
LONG_AGO = datetime.min.replace(tzinfo=UTC)

SOURCE = Source(
    "Wetterdaten: MET Norway (CC BY 4.0), Auswahl und Übersetzung durch uns",
    "Weather data: MET Norway (CC BY 4.0), selected and translated by us",
    "https://api.met.no/doc/License",
)


class _Details(BaseModel):
    air_temperature: float = Field(ge=-100, le=70)


class _Instant(BaseModel):
    details: _Details


class _Summary(BaseModel):
    symbol_code: str = Field(max_length=60)


class _Period(BaseModel):
    summary: _Summary


class _Data(BaseModel):
    instant: _Instant
    next_1_hours: _Period | None = None
    next_6_hours: _Period | None = None
    next_12_hours: _Period | None = None


class _Step(BaseModel):
    time: AwareDatetime
    data: _Data

    @property
    def hour(self) -> Hour | None:
        """None for the last steps, which speak of no period."""
        period = self.data.next_1_hours or self.data.next_6_hours or self.data.next_12_hours
        if period is None:
            return None
        return Hour(self.time, self.data.instant.details.air_temperature, period.summary.symbol_code)


class _Meta(BaseModel):
    updated_at: AwareDatetime


class _Properties(BaseModel):
    meta: _Meta
    timeseries: list[_Step]


class Forecast(BaseModel):
    """What we read of an answer."""

    properties: _Properties

    @property
    def hours(self) -> list[Hour]:
        """In order."""
        return sorted(filter(None, (step.hour for step in self.properties.timeseries)), key=lambda hour: hour.at)


@dataclass(slots=True)
class _Kept:
    """Of one place."""

    hours: tuple[Hour, ...] = ()
    updated_at: datetime = LONG_AGO
    last_modified: str | None = None
    ask_again_at: datetime = LONG_AGO


class _Refused(Exception):
    """An answer that is no forecast; says how long to leave it in peace."""

    def __init__(self, status: int, pause: timedelta) -> None:
        super().__init__(f"status {status}")
        self.pause = pause


class MetNorway:
    """The provider; keeps the last forecast of each place in memory."""

    def __init__(self, url: str, *, user_agent: str, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._url = url
        self._user_agent = user_agent
        self._clock = clock
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._fetching: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._client: aiohttp.ClientSession | None = None

    async def now(self, site: Site) -> Report:
        """Of the kept forecast; the first reader of all waits a moment for it.

        Raises:
            WeatherMissing: there is none yet, or it does not reach until now.
        """
        place = (two_decimals(site.latitude), two_decimals(site.longitude))
        kept = self._kept.setdefault(place, _Kept())
        if self._clock() >= kept.ask_again_at and place not in self._fetching:
            task = asyncio.create_task(self._renew(place, kept))
            self._fetching[place] = task
            task.add_done_callback(lambda _: self._fetching.pop(place, None))
        if not kept.hours and place in self._fetching:
            await asyncio.wait({self._fetching[place]}, timeout=FIRST_SECONDS)
        hour = hour_at(kept.hours, self._clock())
        if hour is None:
            raise WeatherMissing("too_slow" if place in self._fetching else "down")
        return Report(site.name, hour, kept.updated_at, SOURCE)

    async def close(self) -> None:
        """Stop asking."""
        for task in tuple(self._fetching.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._client is not None:
            await self._client.close()

    async def _renew(self, place: tuple[str, str], kept: _Kept) -> None:
        try:
            kept.ask_again_at = self._clock() + await self._fetch(place, kept)
        except _Refused as error:
            log.warning("weather_refused", cause=str(error))
            kept.ask_again_at = self._clock() + error.pause
        except (aiohttp.ClientError, TimeoutError, ValidationError, ValueError) as error:
            log.warning("weather_missing", cause=repr(error)[:200])
            kept.ask_again_at = self._clock() + AFTER_FAILURE

    async def _fetch(self, place: tuple[str, str], kept: _Kept) -> timedelta:
        """Ask once; how long what came may be shown."""
        if self._client is None:
            limits = aiohttp.ClientTimeout(total=FETCH_SECONDS)
            self._client = aiohttp.ClientSession(timeout=limits, cookie_jar=aiohttp.DummyCookieJar())
        headers = {"User-Agent": self._user_agent, "Accept": "application/json"}
        if kept.last_modified:
            headers["If-Modified-Since"] = kept.last_modified
        query = {"lat": place[0], "lon": place[1]}
        async with self._client.get(self._url, params=query, headers=headers, allow_redirects=False) as answer:
            if answer.status == 203:
                log.warning("weather_version_ends_soon", url=self._url)
            if answer.status in (200, 203):
                forecast = Forecast.model_validate_json(await _bounded(answer))
                kept.hours = tuple(forecast.hours)
                kept.updated_at = forecast.properties.meta.updated_at
                kept.last_modified = answer.headers.get("Last-Modified")
            elif answer.status != 304 or not kept.hours:
                raise _Refused(answer.status, _pause(answer))
            return self._lifetime(answer.headers.get("Expires"))

    def _lifetime(self, expires: str | None) -> timedelta:
        left = WITHOUT_EXPIRES
        if expires:
            with contextlib.suppress(ValueError):
                left = _moment(expires) - self._clock()
        spread = timedelta(seconds=random.uniform(0, SPREAD_SECONDS))  # noqa: S311  # no secret
        return min(max(left, timedelta()), LONGEST) + spread


def two_decimals(degrees: float) -> str:
    """Cut, not rounded: some hundred metres say nothing of anybody, and near places share an answer."""
    return str(Decimal(str(degrees)).quantize(Decimal("0.01"), ROUND_DOWN))


def hour_at(hours: tuple[Hour, ...], now: datetime) -> Hour | None:
    """The step that has begun last; a forecast that starts in a while counts from its first."""
    begun = [hour for hour in hours if hour.at <= now]
    if begun:
        return begun[-1] if now - begun[-1].at < TOO_OLD else None
    return hours[0] if hours and hours[0].at - now < TOO_OLD else None


def _moment(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pause(answer: aiohttp.ClientResponse) -> timedelta:
    after = answer.headers.get("Retry-After", "")
    asked = timedelta(seconds=int(after)) if after.isdigit() and len(after) < 7 else timedelta()
    usual = AFTER_REFUSAL if answer.status in (403, 429) else AFTER_FAILURE
    return min(max(asked, usual), LONGEST)


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_chunked(65536):
        body += piece
        if len(body) > MOST_BYTES:
            raise ValueError("too much for a forecast")
    return bytes(body)
