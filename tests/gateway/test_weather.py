"""The weather: asked as its provider wants to be asked, shown from what is kept, and never a reason to wait."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from chassis.brand import Site
from chassis.testing import eventually
from gateway.met_norway import AFTER_REFUSAL, MetNorway, hour_at, two_decimals
from gateway.settings import Settings
from gateway.weather import DemoWeather, Report, WeatherMissing, condition_of, icon_of, shown
from tests.gateway.conftest import FakeService, NewWorld

RECORDED = (Path(__file__).parent / "locationforecast.json").read_text("utf-8")
BERLIN = Site(name="RZ Berlin", latitude=52.5299, longitude=13.409)
START = datetime(2026, 11, 23, 4, 20, tzinfo=UTC)
WHO = "Kundenportal/1 https://portal.nordwelle.example portal@nordwelle.example"
PATH = "/weatherapi/locationforecast/2.0/compact"


class Provider:
    """MET Norway on a local port, and a clock that is moved by hand."""

    def __init__(self, service: FakeService) -> None:
        self.service = service
        self.now = START
        self.status = 200
        self.body = RECORDED
        self.headers: dict[str, str] = {}
        self.weather = MetNorway(service.url + PATH, user_agent=WHO, clock=lambda: self.now)
        service.answers[PATH] = self._answer

    async def _answer(self, request: web.Request) -> web.Response:
        usual = {
            "Expires": format_datetime(self.now + timedelta(minutes=31), usegmt=True),
            "Last-Modified": "Mon, 23 Nov 2026 03:41:09 GMT",
        }
        known = request.headers.get("If-Modified-Since") == usual["Last-Modified"]
        status = 304 if known and self.status == 200 else self.status
        body = self.body if status in (200, 203) else None
        return web.Response(status=status, text=body, headers=usual | self.headers, content_type="application/json")

    @property
    def asked(self) -> int:
        return len(self.service.seen)

    async def report(self) -> Report:
        return await self.weather.now(BERLIN)

    async def asked_again(self, times: int) -> None:
        """Until it was asked so often and nothing is on its way."""

        async def done() -> bool:
            return self.asked == times and not self.weather._fetching

        await eventually(done)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    service = FakeService("met")
    await service.start()
    made = Provider(service)
    yield made
    await made.weather.close()
    await service.stop()


async def test_it_is_asked_once_with_two_decimals_by_somebody_who_can_be_reached(provider: Provider) -> None:
    reports = await asyncio.gather(*(provider.report() for _ in range(20)))

    assert provider.asked == 1
    assert provider.service.last.path == f"{PATH}?lat=52.52&lon=13.40"
    assert provider.service.last.values("user-agent") == [WHO]
    assert provider.service.last.names().isdisjoint({"cookie", "x-identity", "if-modified-since"})
    assert {report.hour.at for report in reports} == {datetime(2026, 11, 23, 4, tzinfo=UTC)}
    assert reports[0].hour.temperature_c == 4.6
    assert reports[0].updated_at == datetime(2026, 11, 23, 3, 41, 9, tzinfo=UTC)


async def test_before_it_expires_nobody_asks_and_the_hour_moves_on(provider: Provider) -> None:
    await provider.report()
    provider.now = START + timedelta(minutes=30)
    same = await provider.report()
    provider.now = START + timedelta(hours=1)
    later = await provider.report()
    await provider.asked_again(2)

    assert same.hour.at.hour == 4
    assert later.hour.at.hour == 5


async def test_afterwards_it_is_asked_whether_it_changed_and_no_is_an_answer(provider: Provider) -> None:
    await provider.report()
    provider.now = START + timedelta(minutes=40)
    await provider.report()
    await provider.asked_again(2)

    assert provider.service.last.values("if-modified-since") == ["Mon, 23 Nov 2026 03:41:09 GMT"]
    assert (await provider.report()).hour.temperature_c == 5.3
    provider.now += timedelta(minutes=20)
    await provider.report()
    assert provider.asked == 2, "the new Expires of the 304 counts"


async def test_while_it_is_away_the_last_forecast_goes_on_with_the_hour_it_is_for(provider: Provider) -> None:
    await provider.report()
    await provider.service.stop()
    provider.now = START + timedelta(hours=7)

    for _ in range(3):
        report = await provider.report()
        await asyncio.gather(*provider.weather._fetching.values())

    assert report.hour.at == datetime(2026, 11, 23, 11, tzinfo=UTC)
    assert report.updated_at == datetime(2026, 11, 23, 3, 41, 9, tzinfo=UTC)
    provider.now = START + timedelta(days=3)
    with pytest.raises(WeatherMissing, match=r"too_slow|down"):
        await provider.report()


@pytest.mark.parametrize("status", [403, 429, 500, 304, 301])
async def test_a_refusal_is_no_weather_and_it_is_left_in_peace(provider: Provider, status: int) -> None:
    provider.status = status
    with pytest.raises(WeatherMissing, match="down"):
        await provider.report()
    provider.now += timedelta(minutes=4)
    with pytest.raises(WeatherMissing, match="down"):
        await provider.report()

    assert provider.asked == 1
    provider.status, provider.now = 200, provider.now + AFTER_REFUSAL
    assert (await provider.report()).hour.symbol == "lightrain"


async def test_retry_after_is_kept(provider: Provider) -> None:
    provider.status, provider.headers = 429, {"Retry-After": "7200"}
    with pytest.raises(WeatherMissing):
        await provider.report()
    provider.now += timedelta(hours=1, minutes=50)
    with pytest.raises(WeatherMissing):
        await provider.report()

    assert provider.asked == 1


def without(path: str) -> str:
    document: dict[str, Any] = json.loads(RECORDED)
    *parents, last = path.split(".")
    inner: Any = document
    for name in parents:
        inner = inner[int(name)] if name.isdigit() else inner[name]
    del inner[int(last) if last.isdigit() else last]
    return json.dumps(document)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>maintenance</html>",
        "[]",
        '{"properties": {"meta": {"updated_at": "yesterday"}, "timeseries": []}}',
        without("properties.meta.updated_at"),
        without("properties.timeseries.0.data.instant"),
        RECORDED.replace('"air_temperature": 4.6', '"air_temperature": 9999'),
        RECORDED.replace("2026-11-23T04:00:00Z", "2026-11-23T04:00:00"),
        '{"properties": ' + " " * 2_200_000 + "}",
    ],
)
async def test_what_is_no_forecast_is_none(provider: Provider, body: str) -> None:
    provider.body = body

    with pytest.raises(WeatherMissing, match="down"):
        await provider.report()
    provider.body, provider.now = RECORDED, provider.now + timedelta(minutes=6)
    assert (await provider.report()).hour.temperature_c == 4.6


async def test_a_silent_provider_holds_nobody_up(provider: Provider) -> None:
    released = asyncio.Event()

    async def silent(_request: web.Request) -> web.Response:
        await released.wait()
        return web.Response(text=RECORDED)

    provider.service.answers[PATH] = silent
    started = asyncio.get_running_loop().time()
    with pytest.raises(WeatherMissing, match="too_slow"):
        await provider.report()
    assert asyncio.get_running_loop().time() - started < 0.9
    released.set()
    await provider.asked_again(1)
    assert (await provider.report()).hour.temperature_c == 4.6


async def test_an_ending_version_is_still_a_forecast(provider: Provider) -> None:
    provider.status = 203

    assert (await provider.report()).site == "RZ Berlin"


def test_coordinates_are_cut_not_rounded() -> None:
    found = [two_decimals(degrees) for degrees in (52.529, -0.009, 13.4, 179.999, -33.8688)]

    assert found == ["52.52", "-0.00", "13.40", "179.99", "-33.86"]


async def test_of_the_hours_the_one_that_has_begun_counts(provider: Provider) -> None:
    await provider.report()
    (kept,) = provider.weather._kept.values()
    hours = kept.hours

    def at(hour: int, minute: int = 0) -> datetime | None:
        found = hour_at(hours, datetime(2026, 11, 23, hour, minute, tzinfo=UTC))
        return found.at if found else None

    assert at(4, 59) == datetime(2026, 11, 23, 4, tzinfo=UTC)
    assert at(17, 30) == datetime(2026, 11, 23, 15, tzinfo=UTC), "between an hourly step and a six-hourly one"
    assert at(3, 30) == datetime(2026, 11, 23, 4, tzinfo=UTC), "it begins in half an hour"
    assert hour_at(hours, hours[-1].at + timedelta(hours=6)) is None
    assert len(hours) == 15, "the last step speaks of no period"


@pytest.mark.parametrize(
    ("symbol", "de", "en", "icon"),
    [
        ("clearsky_day", "Sonnig", "Sunny", "sun"),
        ("clearsky_night", "Klar", "Clear", "moon"),
        ("fair_polartwilight", "Überwiegend klar", "Mostly clear", "moon-cloud"),
        ("partlycloudy_day", "Teils bewölkt", "Partly cloudy", "sun-cloud"),
        ("cloudy", "Bedeckt", "Cloudy", "cloud"),
        ("fog", "Nebel", "Fog", "fog"),
        ("rain", "Regen", "Rain", "rain"),
        ("lightrain", "Leichter Regen", "Light rain", "rain"),
        ("heavyrainshowers_night", "Starke Regenschauer", "Heavy rain showers", "rain"),
        ("lightsnow", "Leichter Schneefall", "Light snow", "snow"),
        ("heavysleet", "Starker Schneeregen", "Heavy sleet", "sleet"),
        ("snowshowers_day", "Schneeschauer", "Snow showers", "snow"),
        ("lightssleetshowersandthunder_day", "Leichte Schneeregenschauer mit Gewitter",
         "Light sleet showers with thunder", "thunder"),
        ("heavysnowshowersandthunder_night", "Starke Schneeschauer mit Gewitter",
         "Heavy snow showers with thunder", "thunder"),
        ("frogs_day", "", "", "cloud"),
    ],
)  # fmt: skip
def test_every_symbol_has_words_and_a_picture(symbol: str, de: str, en: str, icon: str) -> None:
    assert (*condition_of(symbol), icon_of(symbol)) == (de, en, icon)


async def test_the_demo_needs_nobody_is_the_same_for_an_hour_and_plausible_all_year() -> None:
    now = [datetime(2026, 1, 1, 0, 10, tzinfo=UTC)]
    demo = DemoWeather(lambda: now[0])
    found = []
    for _ in range(24 * 365):
        first = await demo.now(BERLIN)
        found.append(first)
        assert first == await demo.now(BERLIN)
        assert all(condition_of(first.hour.symbol)), first.hour.symbol
        now[0] += timedelta(hours=1)

    temperatures = [report.hour.temperature_c for report in found]
    assert -12 < min(temperatures) < 0
    assert 20 < max(temperatures) < 33
    assert len({report.hour.symbol for report in found}) > 6
    assert not [r for r in found if "rain" in r.hour.symbol and r.hour.temperature_c < 0]
    assert shown(found[0], "de")["source"] == "Beispielwerte, kein wirkliches Wetter"
    assert shown(found[0], "en")["source"] == "Sample values, not the real weather"


def test_production_makes_nothing_up(settings_of: Callable[..., Settings]) -> None:
    assert settings_of().weather == "off"
    with pytest.raises(ValidationError, match="made-up"):
        settings_of(
            production=True,
            public_url="https://portal.example",
            nats_user="u",
            nats_password="p",
            weather="demo",
        )


async def test_the_gateway_asks_for_the_first_site_of_the_brand(new_world: NewWorld) -> None:
    service = FakeService("met")
    await service.start()
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    body = RECORDED.replace("2026-11-23T04:00:00Z", now.strftime("%Y-%m-%dT%H:%M:%SZ"))

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    service.answers[PATH] = answer
    async with new_world(weather="met", weather_url=service.url + PATH) as world:
        headers = world.signed_in() | {"Accept-Language": "en"}
        async with world.http.get(world.api("/dashboard"), headers=headers) as got:
            weather = (await got.json())["weather"]
    await service.stop()

    assert service.last.values("user-agent") == ["Kundenportal/1 http://portal.example portal@nordwelle.example"]
    assert weather["site"] == "RZ Berlin"
    assert weather["condition"]
    assert weather["source"].startswith("Weather data: MET Norway (CC BY 4.0)")
    assert weather["source_url"] == "https://api.met.no/doc/License"
