"""The whole portal, started as `make run` starts it, from an empty home on free ports; and people who use it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx2

from chassis.testing import wait_until
from portalctl.supervisor.ports import pick
from tests.people import Person, close_browsers, invitation_token, stranger

FIRST_OPERATOR = "operator@nordwelle.example"
START_SECONDS = 150
FRESH_SECONDS = 300
"""Older than this a second factor is proved anew: the suite takes longer than the ten minutes that it counts."""


class Portal:
    """A supervisor with everything under it."""

    def __init__(self, home: Path, *, port: int = 0, demo: bool = False, **environment: str) -> None:
        self.home = home
        self.port = port or pick(None, set())
        self.url = f"http://localhost:{self.port}"
        self._demo = demo
        self._environment = environment
        self.process: subprocess.Popen[bytes] | None = None
        self._people: dict[str, Person] = {}
        self._fresh_at = 0.0

    def start(self) -> Self:
        """Start the supervisor and wait until everything is ready, demo data or first invitation included."""
        self.launch()
        self.wait()
        return self

    def wait(self) -> None:
        """Until a launched one is up."""
        wait_until(self._is_up, seconds=START_SECONDS, every=0.05)

    def launch(self) -> None:
        """Only start the supervisor; what it says goes to ``terminal.log``."""
        self.home.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "portalctl.main", "run", "--port", str(self.port)]
        command += [] if self._demo else ["--no-demo"]
        with self.terminal.open("ab") as terminal:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, **self._environment, "PORTAL_HOME": str(self.home)},
                stdin=subprocess.DEVNULL,
                stdout=terminal,
                stderr=terminal,
                start_new_session=True,
            )

    @property
    def terminal(self) -> Path:
        return self.home / "terminal.log"

    def said(self) -> str:
        """Everything on the terminal so far."""
        return self.terminal.read_text("utf-8")

    def _is_up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"portalctl run ended with {self.process.returncode}:\n{self.said()[-4000:]}")
        return (self.home / "run.json").exists() and "Ctrl-C ends everything" in self.said().rpartition("Ready after")[
            2
        ]

    @property
    def run(self) -> dict[str, Any]:
        """``run.json`` as it is now."""
        return dict(json.loads((self.home / "run.json").read_text("utf-8")))

    @property
    def pids(self) -> dict[str, int]:
        """Process name to pid."""
        return {name: process["pid"] for name, process in self.run["processes"].items()}

    def stop(self, number: signal.Signals = signal.SIGINT, *, seconds: float = 10) -> int:
        """Ctrl-C; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Kill one of the processes; returns the pid that it had."""
        pid = self.pids[name]
        os.kill(pid, number)
        return pid

    def command(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `portalctl` against this installation."""
        known = ("AUTH_", "USERS_", "DOCUMENTS_", "GATEWAY_", "PORTALCTL_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(known)}
        done = subprocess.run(
            [sys.executable, "-m", "portalctl.main", *map(str, arguments)],
            env={**clean, **self._environment, "PORTAL_HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def mails(self) -> list[dict[str, Any]]:
        """All mails that were sent, newest last."""
        return list(httpx2.get(f"{self.run['mail_url']}.json", timeout=10).json()["items"])

    def stranger(self, username: str = "") -> Person:
        """A fresh browser."""
        return stranger(self.url, username)

    def invited(self, username: str) -> Person:
        """Walk the first access of somebody whose invitation is in the mailbox."""
        person = self.stranger(username)
        person.first_access(invitation_token(self.mails, username))
        return person

    def operator(self) -> Person:
        """The first operator, signed in; the same browser each time."""
        if FIRST_OPERATOR not in self._people:
            self._people[FIRST_OPERATOR] = self.invited(FIRST_OPERATOR)
            self._fresh_at = time.monotonic()
        operator = self._people[FIRST_OPERATOR]
        if operator.get("/auth/session").status_code != 200:
            # somebody went on with this session in a real browser, where it got a new id
            operator.sign_in()
            self._fresh_at = time.monotonic()
        if time.monotonic() - self._fresh_at > FRESH_SECONDS:
            operator.step_up()
            self._fresh_at = time.monotonic()
        return operator

    def customer(
        self, name: str = "Beispiel Logistik AG", *, number: str | None = None, **fields: Any
    ) -> "NewCustomer":
        """A new customer with its first admin signed in, made as the operator would."""
        number = number or f"KD-{uuid4().int % 10**9:09d}"
        domain = re.sub(r"[^a-z0-9]+", "-", f"{name}-{number}".lower()).strip("-")
        made = self.operator().post("/customers", {"number": number, "name": name, **fields})
        assert made.status_code == 201, made.text
        customer = NewCustomer(self, made.json()["id"], number, f"{domain}.example")
        customer.admin = customer.person("admin", role="admin")
        return customer


@dataclass
class NewCustomer:
    """A company in the portal."""

    portal: Portal
    id: str
    number: str
    domain: str
    admin: Person = None  # type: ignore[assignment]  # set at once by `Portal.customer`

    def invite(self, name: str, *, role: str = "member", modules: tuple[str, ...] = ("invoices",)) -> str:
        """Create a user and send the invitation; returns the user name."""
        operator = self.portal.operator()
        opened = operator.post("/auth/session/customer", {"customer_id": self.id})
        assert opened.status_code < 300, opened.text
        username = f"{name}@{self.domain}"
        body = {"email": username, "given_name": name.title(), "family_name": "Beispiel", "role": role}
        made = operator.post("/users", body | {"modules": list(modules)})
        assert made.status_code == 201, made.text
        sent = operator.post(f"/users/{made.json()['id']}/invitation")
        assert sent.status_code < 300, sent.text
        return username

    def person(self, name: str, *, role: str = "member", modules: tuple[str, ...] = ("invoices",)) -> Person:
        """Somebody of this company, all the way in."""
        return self.portal.invited(self.invite(name, role=role, modules=modules))


@contextmanager
def running_portal(home: Path, **options: Any) -> Iterator[Portal]:
    """One for the block; ended, whatever happens."""
    portal = Portal(home, **options)
    try:
        yield portal.start()
    finally:
        close_browsers(portal.url)
        if portal.process is not None and portal.process.poll() is None:
            portal.process.send_signal(signal.SIGTERM)
            try:
                portal.process.wait(10)
            except subprocess.TimeoutExpired:
                portal.process.kill()
                portal.process.wait()
