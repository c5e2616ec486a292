"""What can be set. Environment names add ``CONTRACTS_`` in front."""

from datetime import timedelta
from functools import cache

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings
from services.contracts.statutory import RULES


class Settings(ServiceSettings):
    """The defaults are the values of docs/rules/terms.md."""

    model_config = SettingsConfigDict(env_prefix="CONTRACTS_")

    database_url: str = Field(
        default="sqlite+aiosqlite:///.portal/contracts.db", description="where contracts keeps its tables"
    )
    statutory_rules: tuple[str, ...] = Field(
        default=tuple(RULES), description="ids of the rules of law that are switched on; JSON list"
    )
    remind_months_before: tuple[int, ...] = Field(
        default=(6, 3, 1), description="months before a last notice day at which it is told; JSON list"
    )
    deadline_interval: timedelta = Field(
        default=timedelta(seconds=5), description="how often deadlines and parked records are looked at"
    )

    @field_validator("statutory_rules")
    @classmethod
    def are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """A mistyped switch must not silently be off."""
        if unknown := set(value) - set(RULES):
            raise ValueError(f"no rules of these names: {', '.join(sorted(unknown))}")
        return value

    @field_validator("remind_months_before")
    @classmethod
    def are_months(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        """Months that somebody can still act upon."""
        if not all(0 < months <= 60 for months in value):
            raise ValueError("each must be 1 to 60 months")
        return value


@cache
def settings() -> Settings:
    """Read once at start."""
    return Settings()
