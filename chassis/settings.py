"""Settings that every service has. Environment names add the service's own prefix in front."""

from datetime import timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Read once at start, frozen; a missing or unsafe value stops the start."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_file=None)

    production: bool = Field(default=False, description="refuses demo data, the mailbox page and default secrets")
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535, description="inner port; 0 takes a free one")
    database_url: str = Field(description="sqlite+aiosqlite:///path or postgresql+asyncpg://...")
    migration_database_url: str = Field(
        default="", description="the same database as the role that owns its tables, for portalctl migrate only"
    )
    nats_url: str = Field(default="nats://127.0.0.1:4222", description="several, comma-separated")
    nats_user: str = ""
    nats_password: SecretStr = SecretStr("")
    database_pool_size: int = Field(default=10, ge=1, le=200, description="connections of one process to PostgreSQL")
    statement_timeout: timedelta = Field(default=timedelta(seconds=30), description="of PostgreSQL, for one statement")
    lock_timeout: timedelta = Field(default=timedelta(seconds=10), description="of PostgreSQL, waiting for a lock")
    identity_keys_url: str = Field(
        default="http://127.0.0.1:8079/identity-keys", description="the gateway's public keys, on its inner port"
    )
    public_url: str = Field(default="http://localhost:8080", description="base of every link in mails")
    brand_file: Path = Path("brand.toml")
    log_level: str = "info"
    otlp_endpoint: str = Field(
        default="",
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="a collector of traces, as http://host:4318; none without it",
    )
    leave_after: timedelta = Field(
        default=timedelta(0),
        le=timedelta(seconds=30),
        description="after SIGTERM: serve on for so long, each answer ending its connection, where others take over",
    )
    outbox_kept: timedelta = timedelta(days=35)
    inbox_kept: timedelta = Field(
        default=timedelta(days=100),
        ge=timedelta(days=36),
        description="how long a handled event is known again; longer than any stream keeps it",
    )
    relay_poll_interval: timedelta = Field(
        default=timedelta(seconds=1),
        description="how soon events of a process that died are published; its own go out at once",
    )
    retry_delays_seconds: tuple[float, ...] = Field(
        default=(1, 5, 30, 120, 600, 3600, 3600, 3600), description="waits before each further try of a failed event"
    )

    @model_validator(mode="after")
    def public_url_is_bare(self) -> Self:
        """Links are built by appending a path; production needs https."""
        parts = urlsplit(self.public_url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
            raise ValueError("public_url must be scheme://host[:port]")
        if self.production and parts.scheme != "https":
            raise ValueError("production needs an https public_url")
        return self

    @model_validator(mode="after")
    def production_names_itself_to_the_broker(self) -> Self:
        """Without users whoever reaches the broker may publish invoices."""
        if self.production and not (self.nats_user and self.nats_password.get_secret_value()):
            raise ValueError("production needs nats_user and nats_password")
        return self

    @property
    def secure_cookies(self) -> bool:
        """`__Host-` names and `Secure`, except on plain http for local use."""
        return self.public_url.startswith("https://")
