"""A greeting by the time of day where the customer is."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict

USUAL_ZONE = "Europe/Berlin"
"""Of an operator who has no customer open."""


class Greeting(BaseModel):
    """The first line of the start page."""

    model_config = ConfigDict(frozen=True)

    text: str
    name: str
    date: date
    """Today, where the customer is."""
    time_zone: str


def greeting(name: str, language: str, time_zone: str, now: datetime) -> dict[str, Any]:
    """As JSON; ``now`` is aware."""
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo(USUAL_ZONE)
    there = now.astimezone(zone)
    text = words(there.hour, language)
    return Greeting(text=text, name=name, date=there.date(), time_zone=zone.key).model_dump(mode="json")


def words(hour: int, language: str) -> str:
    """Whoever works at three in the night is still greeted in the evening."""
    if 5 <= hour < 11:
        return "Good morning" if language == "en" else "Guten Morgen"
    if 11 <= hour < 18:
        if language == "en":
            return "Good morning" if hour < 12 else "Good afternoon"
        return "Guten Tag"
    return "Good evening" if language == "en" else "Guten Abend"
