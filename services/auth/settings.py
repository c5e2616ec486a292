"""What can be set. Environment names add ``AUTH_`` in front."""

import base64
import binascii
from datetime import timedelta
from functools import cache
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from chassis.mail import MailSettings

LOCAL_SECRET_KEY = base64.b64encode(b"only for local use, never abroad").decode()


class Settings(MailSettings):
    """The defaults are the values of docs/rules/access.md."""

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    database_url: str = Field(default="sqlite+aiosqlite:///.portal/auth.db", description="where auth keeps its tables")
    secret_key: SecretStr = Field(
        default=SecretStr(LOCAL_SECRET_KEY), description="base64 of 32 bytes; encrypts seeds and waiting mail secrets"
    )
    argon2_memory_kib: int = Field(default=65_536, ge=8, description="memory of one password hash")
    argon2_rounds: int = Field(default=3, ge=1, description="passes over that memory")
    password_hashes_at_once: int = Field(
        default=2, ge=1, description="how many hashes are computed side by side; one per processor"
    )
    password_hashes_waiting: int = Field(default=100, ge=1, description="how many may wait for that before 503")
    password_tries: int = Field(default=10, ge=1, description="wrong passwords per window, account, address and device")
    password_window: timedelta = Field(default=timedelta(minutes=5), description="the window of `password_tries`")
    password_first_delay: timedelta = Field(
        default=timedelta(seconds=30), description="pause after the first full window"
    )
    password_longest_delay: timedelta = Field(default=timedelta(minutes=15), description="to where the pause doubles")
    second_factor_tries_per_5_minutes: int = Field(default=5, ge=1, description="wrong codes per account")
    second_factor_tries_per_hour: int = Field(default=20, ge=1, description="wrong codes per account")
    second_factor_tries_per_day: int = Field(default=50, ge=1, description="wrong codes per account")
    second_factor_failures_to_lock: int = Field(default=10, ge=1, description="wrong codes in a row that lock the app")
    ticket_lifetime: timedelta = Field(default=timedelta(minutes=5), description="from password to second factor")
    ticket_tries: int = Field(default=5, ge=1, description="codes that may be tried with one ticket")
    invitation_lifetime: timedelta = Field(default=timedelta(days=7), description="of a link in a welcome mail")
    reset_lifetime: timedelta = Field(default=timedelta(minutes=30), description="of a link in a reset mail")
    reset_mails_per_hour: int = Field(default=3, ge=1, description="reset or renewal mails per person")
    reset_requests_per_address: int = Field(default=20, ge=1, description="reset requests per hour and address")
    second_factor_link_lifetime: timedelta = Field(
        default=timedelta(days=1), description="of the link that opens the enrolment after a reset of the app"
    )
    email_link_lifetime: timedelta = Field(
        default=timedelta(hours=2), description="of the link that confirms a new address"
    )
    api_tokens_per_user: int = Field(default=20, ge=1, description="living API tokens of one person")
    api_token_lifetime: timedelta = Field(default=timedelta(days=366), description="the longest of a person's token")
    session_idle: timedelta = Field(default=timedelta(minutes=30), description="a session unused for so long is over")
    session_lifetime: timedelta = Field(default=timedelta(hours=12), description="a session is over after this anyway")
    sessions_per_user: int = Field(default=10, ge=1, description="the oldest session ends when there is one more")
    device_lifetime: timedelta = Field(default=timedelta(days=365), description="of the cookie of a known device")
    history_kept: timedelta = Field(default=timedelta(days=90), description="sign-ins, ended sessions, settled mails")

    @field_validator("secret_key")
    @classmethod
    def is_32_bytes(cls, value: SecretStr) -> SecretStr:
        """A key of another length would be a mistake."""
        try:
            raw = base64.b64decode(value.get_secret_value(), validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != 32:
            raise ValueError("secret_key must be the base64 of 32 bytes")
        return value

    @model_validator(mode="after")
    def production_has_a_key_of_its_own(self) -> Self:
        """The local key is in the source code."""
        if self.production and self.secret_key.get_secret_value() == LOCAL_SECRET_KEY:
            raise ValueError("production needs a secret_key of its own")
        return self

    def key(self) -> bytes:
        """The 32 bytes."""
        return base64.b64decode(self.secret_key.get_secret_value())


@cache
def settings() -> Settings:
    """Read once at start."""
    return Settings()
