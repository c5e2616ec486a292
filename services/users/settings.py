"""What can be set. Environment names add ``USERS_`` in front."""

from datetime import timedelta
from functools import cache

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.mail import MailSettings


class Settings(MailSettings):
    """The defaults are the values of docs/rules/mails.md."""

    model_config = SettingsConfigDict(env_prefix="USERS_")

    database_url: str = Field(
        default="sqlite+aiosqlite:///.portal/users.db", description="where users keeps its tables"
    )
    notices_quiet: timedelta = Field(
        default=timedelta(minutes=5), description="news is collected until nothing came for so long"
    )
    notices_longest: timedelta = Field(default=timedelta(minutes=30), description="but no longer than this")
    files_collected: timedelta = Field(
        default=timedelta(minutes=10), description="files of the exchange drive are collected for so long"
    )
    news_age: timedelta = Field(default=timedelta(days=3), description="older news, as of a replay, is not mailed")
    invitations_per_minute: int = Field(
        default=30, ge=1, le=6000, description="first invitations of an import of customers, one after the other"
    )
    ends_checked: timedelta = Field(
        default=timedelta(minutes=1),
        description="how often it is sought whose last day is over; no access waits for it",
    )
    mails_kept: timedelta = Field(default=timedelta(days=90), description="mails that are settled")


@cache
def settings() -> Settings:
    """Read once at start."""
    return Settings()
