"""What the gateway can be told from outside. Environment names add ``GATEWAY_`` in front."""

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read once at start, frozen. The gateway has no database and no state of its own."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    database_url: str = Field(default="", description="unused: the gateway keeps nothing")
    port: int = Field(default=8080, ge=0, le=65535, description="public port; 0 takes a free one")
    inner_host: str = Field(default="127.0.0.1", description="where the inner port listens")
    inner_port: int = Field(default=8079, ge=0, le=65535, description="health, telemetry and identity keys")
    auth_url: str = "http://127.0.0.1:8081"
    users_url: str = "http://127.0.0.1:8082"
    documents_url: str = "http://127.0.0.1:8083"
    contracts_url: str = "http://127.0.0.1:8085"
    contacts_url: str = "http://127.0.0.1:8086"
    metrics_url: str = "http://127.0.0.1:8088"
    mailbox_url: str = Field(default="", description="embedded mode only: the supervisor's mailbox page")
    signing_key_file: Path = Field(
        default=Path(".portal/signing-key.json"),
        description="Ed25519 private key as a JWK, or a JWK set whose first key signs",
    )
    web_folder: Path = Field(default=Path("web/dist"), description="the built web app")
    trusted_proxies: int = Field(default=0, ge=0, le=10, description="how many proxies of ours append X-Forwarded-For")
    requests_per_window: int = Field(default=2000, gt=0, description="per user, token or anonymous address")
    rate_window: timedelta = timedelta(minutes=5)
    principal_kept: timedelta = Field(
        default=timedelta(seconds=5), le=timedelta(seconds=5), description="how old an answer of auth may be"
    )
    authorisation_kept: timedelta = Field(
        default=timedelta(seconds=60), description="how old one of users may be while it does not answer"
    )
    live_kept: timedelta = Field(default=timedelta(hours=1), description="how far back /live resumes")
    streams_per_user: int = Field(default=8, gt=0, description="open /live streams of one person")
    heartbeat: timedelta = Field(default=timedelta(seconds=15), description="between signs of life on /live")
    weather: Literal["met", "demo", "off"] = Field(
        default="off", description="on the start page: `met` asks MET Norway, `demo` makes values up, `off` shows none"
    )
    weather_url: str = Field(
        default="https://api.met.no/weatherapi/locationforecast/2.0/compact", description="where `met` asks"
    )
    leave_after: timedelta = Field(
        default=timedelta(0),
        le=timedelta(seconds=30),
        description="after SIGTERM: serve on for so long, each answer ending its connection, where others take over",
    )
    in_flight_per_service: int = Field(default=512, gt=0, description="more at once are answered 503")

    @model_validator(mode="after")
    def services_are_plain_http(self) -> Self:
        """Upstream addresses are built by appending a path; the mailbox never runs in production."""
        for url in (*self.services.values(), self.mailbox_url or "http://x"):
            parts = urlsplit(url)
            if parts.scheme != "http" or not parts.hostname or parts.path.strip("/") or parts.query:
                raise ValueError(f"{url} must be http://host[:port]")
        if self.production and self.mailbox_url:
            raise ValueError("production refuses the mailbox page")
        if self.production and self.weather == "demo":
            raise ValueError("production refuses made-up weather")
        return self

    @property
    def services(self) -> dict[str, str]:
        """Service name to its address."""
        return {
            "auth": self.auth_url,
            "users": self.users_url,
            "documents": self.documents_url,
            "contacts": self.contacts_url,
            "metrics": self.metrics_url,
            "contracts": self.contracts_url,
        }

    @property
    def cookie_prefix(self) -> str:
        """Browsers take a ``__Host-`` cookie only over https, for this host alone."""
        return "__Host-" if self.secure_cookies else ""


@cache
def settings() -> Settings:
    """From the environment, once."""
    return Settings()
