"""What each process of an embedded installation is told: ports, secrets, addresses, as environment variables."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portalctl.console import Failed
from portalctl.home import FEEDS, ROOT, SERVICES, Home, secrets_of, signing_key_of
from portalctl.supervisor import broker
from portalctl.supervisor.child import Recipe
from portalctl.supervisor.ports import holder, is_free, pick

INNER = ("nats", *SERVICES, "gateway", "smtp", "mailbox")
PREFIXES = tuple(f"{name.upper()}_" for name in (*SERVICES, "gateway"))


@dataclass(frozen=True)
class Installation:
    """One run's plan."""

    home: Home
    public_port: int
    ports: Mapping[str, int]
    secrets: Mapping[str, Any]
    environment: Mapping[str, str]

    @property
    def public_url(self) -> str:
        """Where people go."""
        return f"http://localhost:{self.public_port}"

    @property
    def nats_url(self) -> str:
        """Where feeds go."""
        return f"nats://127.0.0.1:{self.ports['nats']}"

    def recipes(self) -> list[Recipe]:
        """Every process but nats-server, the gateway last."""
        return [
            self._recipe(name, [sys.executable, "-m", "portalctl.main", "serve", name])
            for name in (*SERVICES, "gateway")
        ]

    def nats_recipe(self) -> Recipe:
        """The broker; writes its configuration."""
        config = broker.configure(self.home, self.ports["nats"], self.secrets["nats"])
        return self._recipe("nats", [broker.program(), "-c", str(config)])

    def _recipe(self, name: str, command: list[str]) -> Recipe:
        """A process gets its own variables only: no service learns another's secrets."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith((*PREFIXES, "PORTALCTL_"))}
        own = {k: v for k, v in self.environment.items() if k.startswith(f"{name.upper()}_")}
        port = self.public_port if name == "gateway" else self.ports[name]
        return Recipe(name, command, inherited | own, self.home / "logs" / f"{name}.log", port)

    def ready_url(self, name: str) -> str:
        """Where a process says that it is ready; the gateway does so on its inner port."""
        return f"http://127.0.0.1:{self.ports[name]}/readyz"

    def run_json(self, pids: Mapping[str, int]) -> dict[str, Any]:
        """For scripts that attach."""
        passwords = self.secrets["nats"]
        recipes = {recipe.name: recipe for recipe in self.recipes()}
        return {
            "public_url": self.public_url,
            "mail_url": f"{self.public_url}/dev/mail",
            "nats_url": self.nats_url,
            "feeds": {feed: {"user": feed, "password": passwords[feed]} for feed in FEEDS},
            "pid": os.getpid(),
            "processes": {
                name: {"pid": pid, "port": recipes[name].port if name in recipes else self.ports[name]}
                for name, pid in pids.items()
            },
        }


def plan(home: Home, public_port: int) -> Installation:
    """Choose inner ports (those of the last run where they are free), make secrets, write ``env.json``.

    Raises:
        Failed: the public port is in use; names it and, where the system tells, who holds it.
    """
    if not is_free(public_port):
        who = holder(public_port)
        by = f" by {who}" if who else ""
        raise Failed(f"port {public_port} is in use{by}. Take another one: make run PORT=9090", exit_code=2)
    before = home.read("ports.json") or {}
    taken = {public_port}
    ports = {name: pick(before.get(name), taken) for name in INNER}
    home.write("ports.json", ports)
    secrets = secrets_of(home)
    environment = _environment(home, public_port, ports, secrets)
    chosen = {name: value for name, value in os.environ.items() if name.startswith((*PREFIXES, "PORTALCTL_"))}
    refused = [name for name, value in chosen.items() if name.endswith("_PRODUCTION") and value.lower() in _TRUE]
    if refused:
        raise Failed(
            f"{refused[0]} is set: in production each process runs on its own (`portalctl serve`), without mailbox"
        )
    environment |= chosen
    home.write("env.json", environment)
    return Installation(home, public_port, ports, secrets, environment)


_TRUE = ("1", "true", "yes", "on")


def _environment(home: Home, public_port: int, ports: Mapping[str, int], secrets: Mapping[str, Any]) -> dict[str, str]:
    nats = f"nats://127.0.0.1:{ports['nats']}"
    found: dict[str, str] = {}
    for name in (*SERVICES, "gateway"):
        found |= {
            f"{name.upper()}_{variable}": value
            for variable, value in {
                "NATS_URL": nats,
                "NATS_USER": name,
                "NATS_PASSWORD": secrets["nats"][name],
                "PUBLIC_URL": f"http://localhost:{public_port}",
                "BRAND_FILE": str(ROOT / "brand.toml"),
            }.items()
        }
    for name in SERVICES:
        found[f"{name.upper()}_PORT"] = str(ports[name])
        found[f"{name.upper()}_DATABASE_URL"] = database_url(home, name)
        found[f"{name.upper()}_IDENTITY_KEYS_URL"] = f"http://127.0.0.1:{ports['gateway']}/identity-keys"
        found[f"{name.upper()}_SMTP_HOST"] = "127.0.0.1"
        found[f"{name.upper()}_SMTP_PORT"] = str(ports["smtp"])
        found[f"GATEWAY_{name.upper()}_URL"] = f"http://127.0.0.1:{ports[name]}"
    return found | {
        "AUTH_SECRET_KEY": secrets["auth_secret_key"],
        "DOCUMENTS_STORAGE_URL": f"file:{home / 'objects'}",
        "GATEWAY_PORT": str(public_port),
        "GATEWAY_INNER_PORT": str(ports["gateway"]),
        "GATEWAY_SIGNING_KEY_FILE": str(signing_key_of(home)),
        "GATEWAY_WEB_FOLDER": str(ROOT / "web" / "dist"),
        "GATEWAY_WEATHER": "demo",
        "GATEWAY_MAILBOX_URL": f"http://127.0.0.1:{ports['mailbox']}",
        "PORTALCTL_NATS_URL": nats,
        "PORTALCTL_NATS_USER": "portalctl",
        "PORTALCTL_NATS_PASSWORD": secrets["nats"]["portalctl"],
        "PORTALCTL_BILLING_USER": "billing",
        "PORTALCTL_BILLING_PASSWORD": secrets["nats"]["billing"],
        "PORTALCTL_CRM_USER": "crm",
        "PORTALCTL_CRM_PASSWORD": secrets["nats"]["crm"],
        "PORTALCTL_NETWORK_USER": "network",
        "PORTALCTL_NETWORK_PASSWORD": secrets["nats"]["network"],
    }


def database_url(home: Home, service: str) -> str:
    """A SQLite file in the folder; with ``PORTAL_DATABASE`` a PostgreSQL database there.

    Its name is ``kundenportal_<service>`` unless the address has one, with ``{service}`` in it.
    """
    server = os.environ.get("PORTAL_DATABASE", "").rstrip("/")
    if not server:
        return f"sqlite+aiosqlite:///{home / f'{service}.db'}"
    if not server.startswith("postgresql+asyncpg://"):
        raise Failed("PORTAL_DATABASE must be postgresql+asyncpg://user:password@host:port")
    return server.replace("{service}", service) if "{service}" in server else f"{server}/kundenportal_{service}"
