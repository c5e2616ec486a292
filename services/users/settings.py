"""What can be set. Environment names add ``USERS_`` in front."""

from functools import cache

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Beyond the chassis' settings nothing yet."""

    model_config = SettingsConfigDict(env_prefix="USERS_")

    database_url: str = Field(
        default="sqlite+aiosqlite:///.portal/users.db", description="where users keeps its tables"
    )


@cache
def settings() -> Settings:
    """Read once at start."""
    return Settings()
