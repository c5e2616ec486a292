"""Make the secrets of an installation: `.env` for compose, the gateway's signing key. What is there already stays."""

import argparse
import base64
import json
import secrets
from pathlib import Path

from joserfc.jwk import OKPKey

from portalctl.console import say
from portalctl.home import NATS_USERS, SERVICES, write_private

ENV, KEY = ".env", "signing-key.json"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where to."""
    parser.add_argument("folder", type=Path, nargs="?", default=Path("deploy"), help="beside compose.yaml")


def run(chosen: argparse.Namespace) -> None:
    """Writes what is missing; a second run changes nothing."""
    env, key = chosen.folder / ENV, chosen.folder / KEY
    known = _known(env)
    missing = [name for name in names() if name not in known]
    if missing:
        before = (
            env.read_text("utf-8") if env.exists() else "# Secrets of this installation: never into version control.\n"
        )
        lines = "".join(f"{name}={_secret(name)}\n" for name in missing)
        write_private(env, f"{before.rstrip()}\n{lines}")
    if not key.exists():
        made = OKPKey.generate_key("Ed25519", {"kid": secrets.token_hex(8)})
        write_private(key, json.dumps(made.as_dict(private=True)) + "\n")
        # The gateway's user in the container is nobody here; the folder keeps others away.
        key.chmod(0o444)
    say(f"{env}: {len(missing)} made, {len(known)} kept; {key}")


def names() -> list[str]:
    """Every variable that compose cannot do without."""
    return [
        "POSTGRES_PASSWORD",
        "POSTGRES_OWNER_PASSWORD",
        *(f"POSTGRES_{service.upper()}_PASSWORD" for service in SERVICES),
        *(f"NATS_{user.upper()}_PASSWORD" for user in (*NATS_USERS, "route")),
        "AUTH_SECRET_KEY",
        "STORAGE_ACCESS_KEY",
        "STORAGE_SECRET_KEY",
        "GRAFANA_PASSWORD",
    ]


def _known(env: Path) -> set[str]:
    lines = env.read_text("utf-8").splitlines() if env.exists() else []
    return {line.partition("=")[0] for line in lines if "=" in line and not line.startswith("#")}


def _secret(name: str) -> str:
    """Letters and digits, a letter first: nats-server would read others as numbers, and URLs would need quoting."""
    if name == "AUTH_SECRET_KEY":
        return base64.b64encode(secrets.token_bytes(32)).decode()
    return f"s{secrets.token_hex(20)}"
