"""What can be set. Environment names add ``METRICS_`` in front."""

from datetime import timedelta
from functools import cache

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings
from services.metrics.series import SeriesRule


class Settings(ServiceSettings):
    """The defaults are the values of docs/rules/traffic.md."""

    model_config = SettingsConfigDict(env_prefix="METRICS_")

    database_url: str = Field(
        default="sqlite+aiosqlite:///.portal/metrics.db", description="where metrics keeps its tables"
    )
    series: tuple[SeriesRule, ...] = Field(
        default=(), description="which series of a collector is which line; JSON list, the first that fits counts"
    )
    raw_kept: timedelta = Field(
        default=timedelta(days=400), ge=timedelta(days=35), description="samples and 5-minute slots live so long"
    )
    rollups_kept: timedelta = Field(
        default=timedelta(days=3653), ge=timedelta(days=35), description="hours and days live so long"
    )
    future_tolerated: timedelta = Field(
        default=timedelta(minutes=5), ge=timedelta(0), description="samples further ahead of our clock are refused"
    )
    most_waiting_lines: int = Field(default=1000, gt=0, description="unknown lines whose samples are kept")
    most_waiting_samples: int = Field(default=120_000, gt=0, description="samples kept for one unknown line")
    waiting_kept: timedelta = Field(
        default=timedelta(days=35), description="samples of a line that never came live so long"
    )
    warnings_interval: timedelta = Field(
        default=timedelta(seconds=30), description="how often lines with new samples are held against their limits"
    )
    tidy_interval: timedelta = Field(
        default=timedelta(hours=1), description="how often what is too old is removed, and partitions are made ahead"
    )


@cache
def settings() -> Settings:
    """Read once at start."""
    return Settings()
