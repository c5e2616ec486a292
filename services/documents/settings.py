"""What can be set. Environment names add ``DOCUMENTS_`` in front."""

from datetime import timedelta
from functools import cache
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """The defaults are the values of docs/rules/invoices.md."""

    model_config = SettingsConfigDict(env_prefix="DOCUMENTS_")

    database_url: str = Field(
        default="sqlite+aiosqlite:///.portal/documents.db", description="where documents keeps its tables"
    )
    storage_url: str = Field(
        default="file:.portal/objects", description="`file:FOLDER` or `s3://BUCKET?endpoint=https://...&region=...`"
    )
    storage_access_key: str = Field(default="", description="of the S3 store")
    storage_secret_key: SecretStr = Field(default=SecretStr(""), description="of the S3 store")
    content_limit_bytes: int = Field(default=5 * 1024**2, gt=0, description="all files inside one feed record")
    fetch_limit_bytes: int = Field(default=100 * 1024**2, gt=0, description="one file that is fetched by reference")
    fetch_timeout: timedelta = Field(default=timedelta(seconds=60), description="for one file fetched by `url`")
    allowed_file_origins: tuple[str, ...] = Field(
        default=(), description="`scheme://host[:port]` from where a `url` may be fetched; JSON list"
    )
    allowed_buckets: tuple[str, ...] = Field(default=(), description="from where an `object` may be read; JSON list")
    orphan_age: timedelta = Field(default=timedelta(hours=48), description="objects without rows live so long")
    life_interval: timedelta = Field(
        default=timedelta(minutes=1), gt=timedelta(0), description="how often the database notes that it is in use"
    )
    sweep_interval: timedelta = Field(default=timedelta(hours=1), description="how often orphans are sought")
    waiting_interval: timedelta = Field(
        default=timedelta(seconds=5), description="how often parked records are held against known customers"
    )

    drive_quota_bytes: int = Field(default=50 * 1024**3, gt=0, description="room on each customer's exchange drive")
    upload_limit_bytes: int = Field(default=50 * 1024**3, gt=0, description="the largest file on the exchange drive")
    upload_interval: timedelta = Field(
        default=timedelta(seconds=10), description="how often uploads that were left behind are sought"
    )
    drive_trash_kept: timedelta = Field(default=timedelta(days=30), description="then it is removed for good")
    drive_interval: timedelta = Field(
        default=timedelta(seconds=5), description="how often the drive looks for what is to be checked or removed"
    )
    drive_unscannable: Literal["acknowledge", "refuse"] = Field(
        default="acknowledge", description="files that cannot be scanned: handed out to whoever says so, or never"
    )
    clamd_url: str = Field(default="", description="`tcp://HOST:PORT` or `unix:/PATH` of clamd; empty: no scan")
    clamd_limit_bytes: int = Field(
        default=2000 * 1024**2, gt=0, description="StreamMaxLength of clamd; what is larger is unscannable"
    )
    clamd_timeout: timedelta = Field(default=timedelta(seconds=300), description="for each answer of clamd")

    @property
    def scanning(self) -> bool:
        """Files of the exchange drive are held back until they were scanned."""
        return bool(self.clamd_url)

    @field_validator("clamd_url")
    @classmethod
    def is_clamd(cls, value: str) -> str:
        """Anything else would fail at the first file only."""
        parts = urlsplit(value)
        tcp = parts.scheme == "tcp" and parts.hostname and parts.port
        if value and not tcp and not (parts.scheme == "unix" and parts.path.startswith("/")):
            raise ValueError("must be tcp://HOST:PORT or unix:/PATH")
        return value

    @field_validator("allowed_file_origins")
    @classmethod
    def are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Anything more than an origin would promise a check that nobody makes."""
        for origin in value:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != origin:
                raise ValueError(f"{origin} is not scheme://host[:port]")
        return value

    @model_validator(mode="after")
    def store_fits(self) -> Self:
        """Buckets are read through the same store; production does not knock at it without a name."""
        in_s3 = self.storage_url.startswith("s3:")
        if self.allowed_buckets and not in_s3:
            raise ValueError("allowed_buckets needs a storage_url with s3:")
        if self.production and in_s3 and not (self.storage_access_key and self.storage_secret_key.get_secret_value()):
            raise ValueError("production needs storage_access_key and storage_secret_key")
        return self


@cache
def settings() -> Settings:
    """Read once at start."""
    return Settings()
