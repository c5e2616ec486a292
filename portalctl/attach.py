"""How a command finds an installation: the environment, completed by what `portalctl run` left in its folder."""

import os

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from portalctl.home import Home


class Settings(BaseSettings):
    """The command line's own way to the broker. Environment names add ``PORTALCTL_`` in front."""

    model_config = SettingsConfigDict(env_prefix="PORTALCTL_", frozen=True)

    nats_url: str = "nats://127.0.0.1:4222"
    nats_user: str = ""
    nats_password: SecretStr = SecretStr("")
    nats_replicas: int = Field(default=1, ge=1, le=5, description="of the streams that `nats apply` declares")
    billing_user: str = Field(default="", description="publishes invoices; empty: as nats_user")
    billing_password: SecretStr = SecretStr("")
    crm_user: str = ""
    crm_password: SecretStr = SecretStr("")
    network_user: str = ""
    network_password: SecretStr = SecretStr("")


def attach() -> Settings:
    """Complete the environment from ``env.json`` of `PORTAL_HOME`; what is set already counts more."""
    for name, value in (Home.chosen().read("env.json") or {}).items():
        os.environ.setdefault(name, value)
    return Settings()
