"""The weather at a site: the port that a provider fills, what its symbols are called, and the demo provider.

Symbols are those of MET Norway (``partlycloudy_day``, ``lightrainshowers_night``, ...), two misspelt ones included.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from chassis.brand import Site

Clock = Callable[[], datetime]


class WeatherMissing(Exception):
    """There is no value now; the reason is one word for the page."""


@dataclass(frozen=True, slots=True)
class Source:
    """Whose data it is, as its licence wants it said, in both languages."""

    de: str
    en: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Hour:
    """What is expected for one hour."""

    at: datetime
    temperature_c: float
    symbol: str


@dataclass(frozen=True, slots=True)
class Report:
    """The hour that is now, and when the provider made it."""

    site: str
    hour: Hour
    updated_at: datetime
    source: Source


class Weather(Protocol):
    """A provider."""

    async def now(self, site: Site) -> Report:
        """The weather of this hour; never waits longer than a page would.

        Raises:
            WeatherMissing: nothing is known of this hour.
        """

    async def close(self) -> None:
        """Let go of connections."""


class WeatherOut(BaseModel):
    """The weather of the site, as the start page shows it."""

    model_config = ConfigDict(frozen=True)

    site: str
    at: datetime
    """The hour it is for."""
    updated_at: datetime
    temperature_c: int
    condition: str
    """In the reader's language."""
    icon: str
    source: str
    """The licence line."""
    source_url: str | None


def shown(report: Report, language: str) -> dict[str, Any]:
    """As JSON in the reader's language."""
    english = language == "en"
    out = WeatherOut(
        site=report.site,
        at=report.hour.at,
        updated_at=report.updated_at,
        temperature_c=round(report.hour.temperature_c),
        condition=condition_of(report.hour.symbol)[english],
        icon=icon_of(report.hour.symbol),
        source=report.source.en if english else report.source.de,
        source_url=report.source.url,
    )
    return out.model_dump(mode="json")


_SKY = {
    "clearsky_day": ("Sonnig", "Sunny"),
    "clearsky": ("Klar", "Clear"),
    "fair": ("Überwiegend klar", "Mostly clear"),
    "partlycloudy": ("Teils bewölkt", "Partly cloudy"),
    "cloudy": ("Bedeckt", "Cloudy"),
    "fog": ("Nebel", "Fog"),
}
_FALLING = {
    "rain": ("Regen", "rain"),
    "sleet": ("Schneeregen", "sleet"),
    "snow": ("Schneefall", "snow"),
    "rainshowers": ("Regenschauer", "rain showers"),
    "sleetshowers": ("Schneeregenschauer", "sleet showers"),
    "snowshowers": ("Schneeschauer", "snow showers"),
}
_STRENGTH = {"light": ("Leichter", "Leichte", "Light"), "heavy": ("Starker", "Starke", "Heavy")}
# "lightssleetshowersandthunder" and "lightssnowshowersandthunder" are written with two s.
_SYMBOL = re.compile(r"(light|heavy)?s??(rain|sleet|snow)(showers)?(andthunder)?")


def condition_of(symbol: str) -> tuple[str, str]:
    """German and English; nothing for a symbol that is not known."""
    name = symbol.partition("_")[0]
    if words := _SKY.get(symbol) or _SKY.get(name):
        return words
    match = _SYMBOL.fullmatch(name)
    if match is None:
        return "", ""
    strength, kind, showers, thunder = match.groups()
    de, en = _FALLING[kind + (showers or "")]
    if strength:
        of_one, of_many, english = _STRENGTH[strength]
        de, en = f"{of_many if showers else of_one} {de}", f"{english} {en}"
    if thunder:
        de, en = f"{de} mit Gewitter", f"{en} with thunder"
    return de, en[0].upper() + en[1:]


def icon_of(symbol: str) -> str:
    """One of the page's pictures: sun, moon, sun-cloud, moon-cloud, cloud, fog, rain, sleet, snow, thunder."""
    name, _, time = symbol.partition("_")
    light = "moon" if time in ("night", "polartwilight") else "sun"
    if name in ("fair", "partlycloudy"):
        return f"{light}-cloud"
    if name == "clearsky":
        return light
    match = _SYMBOL.fullmatch(name)
    if match is None:
        return "fog" if name == "fog" else "cloud"
    return "thunder" if match[4] else match[2]


class DemoWeather:
    """Plausible values that need no network: colder in winter and at night, another sky every few hours."""

    source = Source("Beispielwerte, kein wirkliches Wetter", "Sample values, not the real weather")
    _skies = ("clearsky", "fair", "partlycloudy", "partlycloudy", "cloudy", "lightrain", "rainshowers", "cloudy")

    def __init__(self, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._clock = clock

    async def now(self, site: Site) -> Report:
        """The same for everybody within an hour."""
        at = self._clock().replace(minute=0, second=0, microsecond=0)
        day = at.timetuple().tm_yday
        # the sun's own clock, near enough: 15 degrees an hour
        hour = (at.hour + site.longitude / 15) % 24
        season = -math.cos(2 * math.pi * (day - 20) / 365) * (1 if site.latitude >= 0 else -1)
        temperature = 10 + 9 * season - 4 * math.cos(2 * math.pi * (hour - 3) / 24) + (day * 7) % 5 - 2
        sky = self._skies[(day * 5 + at.hour // 6 * 3) % len(self._skies)]
        if temperature < 0:
            sky = sky.replace("rain", "snow")
        symbol = sky if sky in ("cloudy", "lightrain", "lightsnow") else f"{sky}_{'day' if 6 <= hour < 20 else 'night'}"
        return Report(site.name, Hour(at, temperature, symbol), at, self.source)

    async def close(self) -> None:
        """Nothing is open."""
