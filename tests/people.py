"""People who use the portal over HTTP as their browsers would: first access, sign-in, authenticator app."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyotp
from httpx2 import Client, Response

from chassis.testing import wait_until

PASSWORD = "Seekabel-verlegt-1872!"
Mails = Callable[[], list[dict[str, Any]]]
STILL_GOOD_FOR = 5
"""Seconds that a shown code is accepted at least: a test on a busy machine needs a while to type it."""


@dataclass
class Phone:
    """An authenticator app that never shows a code twice: the portal takes each only once."""

    seed: str
    last_step: int = 0

    def code(self) -> str:
        """The next unused code; waits for the clock when the portal would not take one yet."""
        step = wait_until(self._usable_step, seconds=65, every=0.2)
        self.last_step = step
        return pyotp.TOTP(self.seed).generate_otp(step)

    def _usable_step(self) -> int | None:
        now = time.time()
        # The portal takes the step before the present one too; one that is about to be too old is of no use.
        oldest = int(now + STILL_GOOD_FOR) // 30 - 1
        step = max(oldest, self.last_step + 1)
        return step if step <= int(now) // 30 + 1 else None


@dataclass
class Person:
    """Somebody with a browser of their own."""

    url: str
    username: str
    client: Client
    phone: Phone | None = None
    recovery_codes: list[str] = field(default_factory=list)

    def get(self, path: str, **kwargs: Any) -> Response:
        return self.client.get(f"/api/v1{path}", **kwargs)

    def post(self, path: str, body: Any = None, **kwargs: Any) -> Response:
        return self.client.post(f"/api/v1{path}", json=body, **kwargs)

    def password_step(self, password: str = PASSWORD) -> Response:
        return self.post("/auth/login", {"username": self.username, "password": password})

    def sign_in(self) -> None:
        assert self.phone is not None
        assert self.password_step().json() == {"next": "second_factor"}
        answer = self.post("/auth/login/second-factor", {"code": self.phone.code()})
        assert answer.status_code == 200, answer.text

    def step_up(self) -> None:
        """A fresh code, for what asks for one."""
        assert self.phone is not None
        answer = self.post("/auth/step-up", {"code": self.phone.code()})
        assert answer.status_code == 200, answer.text

    def first_access(self, token: str) -> None:
        """From the link in the welcome mail to being in."""
        checked = self.post("/auth/invitations/check", {"token": token})
        assert checked.json()["username"] == self.username, checked.text
        accepted = self.post("/auth/invitations/accept", {"token": token, "password": PASSWORD})
        assert accepted.status_code == 204, accepted.text
        assert self.password_step().json() == {"next": "enrol_second_factor"}
        app = self.post("/auth/second-factor/enrolment", {}).json()
        self.phone = Phone(app["secret"])
        confirmed = self.post("/auth/second-factor/enrolment/confirm", {"code": self.phone.code()})
        assert confirmed.status_code == 200, confirmed.text
        self.recovery_codes = confirmed.json()["recovery_codes"]


_BROWSERS: dict[str, list[Client]] = {}
"""By portal: several may run in one process of tests, one in the other's time."""


def browser(url: str, **headers: str) -> Client:
    """A client that is closed when the portal ends."""
    client = Client(base_url=url, headers=headers, timeout=30)
    _BROWSERS.setdefault(url, []).append(client)
    return client


def close_browsers(url: str) -> None:
    """All that were opened for this portal."""
    for client in _BROWSERS.pop(url, []):
        client.close()


def stranger(url: str, username: str = "") -> Person:
    """A browser nobody has signed in with; `Origin` as a browser sends it."""
    return Person(url, username, browser(url, Origin=url))


def invitation_token(mails: Mails, username: str, *, after: int = 0) -> str:
    """The secret in the newest welcome mail to this address, once it has come."""

    def newest() -> str | None:
        texts = [mail["text"] for mail in mails()[after:] if username in mail["to"]]
        found = [match[1] for text in texts if (match := re.search(r"/invitation#(\S+)", text))]
        return found[-1] if found else None

    return str(wait_until(newest, seconds=20))
