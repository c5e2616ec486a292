"""What can be set. Environment names add ``CONTACTS_`` in front."""

from datetime import timedelta
from functools import cache

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """The defaults are the values of docs/rules/contacts.md."""

    model_config = SettingsConfigDict(env_prefix="CONTACTS_")

    database_url: str = Field(
        default="sqlite+aiosqlite:///.portal/contacts.db", description="where contacts keeps its tables"
    )
    review_months: int = Field(default=12, ge=1, le=120, description="a contact not confirmed for so long is due")
    review_interval: timedelta = Field(default=timedelta(minutes=10), description="how often due contacts are sought")
    country_code: str = Field(
        default="49", pattern=r"^[1-9]\d{0,2}$", description="of telephone numbers that begin with a single 0"
    )
    waiting_interval: timedelta = Field(
        default=timedelta(seconds=5), description="how often parked records are held against known customers"
    )


@cache
def settings() -> Settings:
    """Read once at start."""
    return Settings()
