"""The folder of an installation (`PORTAL_HOME`, usually ``.portal``): what lies where, who may read it."""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey

from portalctl.console import Failed

ROOT = Path(__file__).parent.parent
"""Where the code lies, with ``brand.toml`` and ``web/dist``."""

FEEDS = ("billing", "crm", "network")
SERVICES = ("auth", "users", "documents", "contacts", "contracts", "metrics")
NATS_USERS = (*SERVICES, "gateway", "portalctl", *FEEDS)


class Home:
    """Paths, and files that only their owner may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @classmethod
    def chosen(cls) -> "Home":
        """``PORTAL_HOME``, else ``.portal`` here."""
        return cls(Path(os.environ.get("PORTAL_HOME") or ".portal"))

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def read(self, name: str) -> Any:
        """A JSON file of this folder; None where there is none."""
        try:
            return json.loads((self / name).read_text("utf-8"))
        except FileNotFoundError:
            return None

    def write(self, name: str, value: Any) -> None:
        """A JSON file, whole or not at all, for its owner only."""
        write_private(self / name, json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """For the one supervisor that may use this folder.

        Raises:
            Failed: another one does.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        with (self / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise Failed(
                    f"{self.folder} is in use: portalctl run, pid {lock.read().strip()}", exit_code=2
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; mode 0600 from the first byte on."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def secrets_of(home: Home) -> dict[str, Any]:
    """The installation's secrets, made once: auth's key and a NATS password for each user."""
    known: dict[str, Any] = home.read("secrets.json") or {}
    wanted = {
        "auth_secret_key": known.get("auth_secret_key") or base64.b64encode(secrets.token_bytes(32)).decode(),
        "nats": {user: secrets.token_urlsafe(24) for user in NATS_USERS} | known.get("nats", {}),
    }
    if wanted != known:
        home.write("secrets.json", wanted)
    return wanted


def signing_key_of(home: Home) -> Path:
    """The file with the gateway's Ed25519 key (JWK), made once."""
    path = home / "gateway-signing-key.json"
    if not path.exists():
        key = OKPKey.generate_key("Ed25519", {"kid": secrets.token_hex(8)})
        home.write(path.name, key.as_dict(private=True))
    return path
