"""Gateway and documents as processes that can be killed, with made-up sessions behind them: the way of a large file."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
from joserfc.jwk import OKPKey

from chassis.testing import free_port, wait_until
from portalctl.supervisor.child import tied_to
from tests.bench.sessions import COOKIE, CUSTOMER

ROOT = Path(__file__).parents[1]
UPLOADS = "/api/v1/exchange/uploads"
VERSION = {"Tus-Resumable": "1.0.0"}
SIGNED_IN = {"Cookie": COOKIE, "Sec-Fetch-Site": "same-origin"}
CUSTOMER_ID = UUID(CUSTOMER)


@dataclass
class Process:
    """One of them; started again on the same port after it was killed."""

    command: list[str]
    port: int
    log: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> None:
        with self.log.open("ab") as words:
            self.process = subprocess.Popen(
                self.command,
                stdout=words,
                stderr=words,
                cwd=ROOT,
                env={**os.environ, **self.environment},
                preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509  # as the supervisor does
            )
        if wait:
            wait_until(self.is_up, seconds=60)

    def is_up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"{self.command} ended: {self.log.read_text()[-3000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
            return True
        return False

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass
class Stand:
    """All of them."""

    folder: Path
    database_url: str
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def gateway(self) -> Process:
        return self.processes["gateway"]

    @property
    def documents(self) -> Process:
        return self.processes["documents"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.port}"

    @property
    def uploads(self) -> str:
        """Where uploads are begun."""
        return f"{self.url}{UPLOADS}"

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """As somebody signed in."""
        headers = SIGNED_IN | more.pop("headers", {})
        return httpx2.request(method, f"{self.url}{path}", headers=headers, timeout=60, verify=False, **more)

    def words(self) -> str:
        """For whoever reads a failure."""
        return "\n".join(f"{name}: {one.log.read_text()[-2500:]}" for name, one in self.processes.items())


@contextlib.contextmanager
def exchange_stand(folder: Path, database_url: str, **environment: str) -> Iterator[Stand]:
    """Started and waited for; ``environment`` is for both."""
    ports = {name: free_port() for name in ("inner", "keys", "documents", "gateway")}
    key = folder / "key.json"
    key.write_text(json.dumps(OKPKey.generate_key("Ed25519", {"kid": "stand"}).as_dict(private=True)))
    inner = f"http://127.0.0.1:{ports['inner']}"
    usual = {
        "PORTAL_HOME": str(folder),
        "GATEWAY_PORT": str(ports["gateway"]),
        "GATEWAY_INNER_PORT": str(ports["keys"]),
        "GATEWAY_PUBLIC_URL": f"http://localhost:{ports['gateway']}",
        "GATEWAY_AUTH_URL": inner,
        "GATEWAY_USERS_URL": inner,
        "GATEWAY_DOCUMENTS_URL": f"http://127.0.0.1:{ports['documents']}",
        "GATEWAY_SIGNING_KEY_FILE": str(key),
        "GATEWAY_BRAND_FILE": str(ROOT / "brand.toml"),
        "GATEWAY_REQUESTS_PER_WINDOW": "1000000000",
        "GATEWAY_NATS_URL": "nats://127.0.0.1:9",
        "DOCUMENTS_PORT": str(ports["documents"]),
        "DOCUMENTS_DATABASE_URL": database_url,
        "DOCUMENTS_STORAGE_URL": f"file:{folder / 'objects'}",
        "DOCUMENTS_IDENTITY_KEYS_URL": f"http://127.0.0.1:{ports['keys']}/identity-keys",
        "DOCUMENTS_NATS_URL": "nats://127.0.0.1:9",
        "DOCUMENTS_UPLOAD_INTERVAL": "PT1S",
    }
    stand = Stand(folder, database_url)
    answers = [sys.executable, "-m", "uvicorn", "tests.bench.sessions:inner_answers", "--port", str(ports["inner"])]
    commands = {"inner": [*answers, "--log-level", "warning"]} | {
        name: [sys.executable, "-m", "portalctl.main", "serve", name] for name in ("gateway", "documents")
    }
    try:
        for name, command in commands.items():
            process = Process(command, ports[name], folder / f"{name}.log", usual | environment)
            stand.processes[name] = process
            process.start(wait=False)
        for process in stand.processes.values():
            wait_until(process.is_up, seconds=60)
        yield stand
    finally:
        for process in stand.processes.values():
            process.stop()
