"""Sign-in, second factor, invitation, resets, deactivation in any order: never in without two factors, no secret twice.

A model beside the service knows what each browser has proved and which secrets were spent. What the service lets in
must always be allowed by the model; what it refuses is its own business here.
"""

import asyncio
import os
import tempfile
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from httpx2 import AsyncClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from chassis.db import utc_now
from chassis.testing import free_port, fresh_database
from events.users import SecondFactorResetRequested
from services.auth.totp import code_at, step_of
from tests.auth.conftest import Auth, Person, a_customer, a_membership, a_user, an_invitation, make_auth, secret_of
from tests.mailbox import Mailbox, text_of

EXAMPLES, STEPS = int(os.environ.get("SIGN_IN_EXAMPLES", "8")), 40
PASSWORDS = ("Tasse-7-blau-Nebel", "Ganz-8-neue-Tasse")
WRONG = "Nie-9-gesetztes-Wort"
Result = TypeVar("Result")


@dataclass
class Browser:
    """What one browser has proved since it last had nothing."""

    client: AsyncClient
    password_proved: bool = False
    complete: bool = False


@dataclass
class Model:
    """What may be."""

    password: str | None = None
    seed: str | None = None
    active: bool = True
    needs_link: bool = False
    spent: set[str] = field(default_factory=set)
    """Links, codes and recovery codes that were taken once."""
    recovery_codes: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    """Kind and secret of every link that was ever mailed."""
    steps_passed: int = 0
    """By how much of TOTP's clock everything that was written down has grown older."""

    def step_key(self) -> str:
        """The code of now; the same characters are another code once time has passed."""
        return f"{self.seed}/{step_of(utc_now()) + self.steps_passed}"


class AnyOrder(RuleBasedStateMachine):
    """One person, some browsers, a mailbox, an administration, and time."""

    browsers = Bundle("browsers")
    let_in = 0
    """How often somebody got in, over all examples: a test in which nobody ever does shows nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.box = Mailbox(free_port())
        self.server = Controller(self.box, hostname="127.0.0.1", port=self.box.port)
        self.server.start()
        self.model = Model()
        self.known: list[Browser] = []
        self.version = 1

    def run(self, doing: Awaitable[Result]) -> Result:
        async def done() -> Result:
            return await doing

        return self.runner.run(done())

    def teardown(self) -> None:
        self.run(self.auth.database.close())
        self.server.stop()
        self.runner.close()
        self.folder.cleanup()

    @initialize(target=browsers, begun=st.booleans())
    def somebody(self, begun: bool) -> Browser:
        async def begin() -> None:
            url = await fresh_database("auth", None, Path(self.folder.name))
            self.auth: Auth = make_auth(url, self.box)
            self.person = Person(uuid4(), uuid4(), uuid4(), "anna.beispiel@kunde.example")
            for event in (a_customer(self.person), a_user(self.person), a_membership(self.person)):
                await self.auth.handle(event)

        self.run(begin())
        return self.first_access() if begun else self.open_a_browser()

    @rule(target=browsers)
    def first_access(self) -> Browser:
        """The way that everybody goes once; later it is a repetition, which must do no harm."""
        browser = self.open_a_browser()
        self.invite()
        self.mails_come()
        self.use_an_invitation(-1, PASSWORDS[0])
        self.say_the_password(browser, self.model.password or PASSWORDS[0])
        self.set_an_app_up(browser, right=True, which=-1, with_link=self.model.needs_link)
        return browser

    @rule(target=browsers)
    def open_a_browser(self) -> Browser:
        self.known.append(Browser(self.auth.client()))
        return self.known[-1]

    # --- what the administration does ---------------------------------------------------------------------------------

    @rule()
    def invite(self) -> None:
        self.run(self.auth.handle(an_invitation(self.person)))

    @rule(active=st.booleans())
    def switch_the_account(self, active: bool) -> None:
        self.version += 1
        self.run(self.auth.handle(a_user(self.person, version=self.version, active=active)))
        self.model.active = active
        if not active:
            self._everybody_is_out()

    @rule()
    def take_the_app_away(self) -> None:
        event = SecondFactorResetRequested(
            user_id=self.person.user_id,
            customer_id=self.person.customer_id,
            reason="verloren",
            requested_by="Petra Wellmann",
            actor_id=uuid4(),
            by_operator=False,
            occurred_at=utc_now(),
        )
        self.run(self.auth.handle(event))
        if self.model.active:
            self.model.seed, self.model.recovery_codes, self.model.needs_link = None, [], True
            self._everybody_is_out()

    @rule()
    def mails_come(self) -> None:
        before = len(self.box.mails)
        self.run(self.auth.deliver())
        for mail in self.box.mails[before:]:
            text = text_of(mail)
            for kind in ("invitation", "password-reset", "second-factor"):
                if f"/{kind}#" in text:
                    self.model.links.append((kind, secret_of(mail)))

    @rule(minutes=st.sampled_from([1, 6, 31, 800, 12_000]))
    def time_passes(self, minutes: int) -> None:
        self.run(self.auth.time_passes(timedelta(minutes=minutes)))
        self.model.steps_passed += 2 * minutes
        if minutes > 5:
            for browser in self.known:
                browser.password_proved = False
        if minutes > 30:
            for browser in self.known:
                browser.complete = False

    # --- what people do -----------------------------------------------------------------------------------------------

    @rule(which=st.integers(0, 50), password=st.sampled_from(PASSWORDS))
    def use_an_invitation(self, which: int, password: str) -> None:
        if secret := self._link("invitation", which):
            body = {"token": secret, "password": password}
            answer = self.run(self.auth.client().post("/auth/invitations/accept", json=body))
            if answer.status_code == 204:
                self._spend(secret)
                self.model.password = password

    @rule()
    def forget_the_password(self) -> None:
        body = {"username": self.person.email}
        assert self.run(self.auth.client().post("/auth/password-reset", json=body)).status_code == 202

    @rule(which=st.integers(0, 50), password=st.sampled_from(PASSWORDS))
    def use_a_reset_link(self, which: int, password: str) -> None:
        if secret := self._link("password-reset", which):
            body = {"token": secret, "password": password}
            answer = self.run(self.auth.client().post("/auth/password-reset/complete", json=body))
            if answer.status_code == 204:
                self._spend(secret)
                self.model.password = password
                self._everybody_is_out()

    @rule(browser=browsers, password=st.sampled_from((*PASSWORDS, WRONG)))
    def say_the_password(self, browser: Browser, password: str) -> None:
        body = {"username": self.person.email, "password": password}
        answer = self.run(browser.client.post("/auth/login", json=body))
        if answer.status_code == 200:
            assert password == self.model.password
            assert self.model.active
            browser.password_proved = True

    @rule(browser=browsers, right=st.booleans(), which=st.integers(0, 50), with_link=st.booleans())
    def set_an_app_up(self, browser: Browser, right: bool, which: int, with_link: bool) -> None:
        secret = self._link("second-factor", which) if with_link else None
        before = self.model.seed
        start = self.run(browser.client.post("/auth/second-factor/enrolment", json={"token": secret} if secret else {}))
        if start.status_code != 200:
            return
        assert browser.password_proved or browser.complete
        assert before is None or browser.complete
        seed = start.json()["secret"]
        code = code_at(seed, step_of(utc_now())) if right else "000000"
        answer = self.run(browser.client.post("/auth/second-factor/enrolment/confirm", json={"code": code}))
        if answer.status_code != 200:
            return
        assert right
        assert not self.model.needs_link or secret is not None or browser.complete
        if self.model.needs_link and secret:
            self._spend(secret)
        self.model.seed, self.model.needs_link = seed, False
        self.model.recovery_codes = answer.json()["recovery_codes"]
        self._spend(self.model.step_key())
        self._is_in(browser)

    @rule(browser=browsers, right=st.booleans())
    def say_a_code(self, browser: Browser, right: bool) -> None:
        if self.model.seed is None:
            return
        code = code_at(self.model.seed, step_of(utc_now())) if right else "000000"
        answer = self.run(browser.client.post("/auth/login/second-factor", json={"code": code}))
        if answer.status_code == 200:
            assert right
            self._spend(self.model.step_key())
            self._is_in(browser)

    @rule(browser=browsers, which=st.integers(0, 9))
    def say_a_recovery_code(self, browser: Browser, which: int) -> None:
        if not self.model.recovery_codes:
            return
        code = self.model.recovery_codes[which]
        answer = self.run(browser.client.post("/auth/login/second-factor", json={"code": code}))
        if answer.status_code == 200:
            self._spend(code)
            self._is_in(browser)

    @rule(browser=browsers)
    def sign_out(self, browser: Browser) -> None:
        async def leave() -> int:
            if not browser.client.cookies.get("session") or not await self._principal(browser):
                return 0
            await self.auth.signed_in(browser.client)
            return (await browser.client.delete("/auth/session")).status_code

        if self.run(leave()) == 204:
            browser.complete = False

    @rule(browser=consumes(browsers))
    def close_a_browser(self, browser: Browser) -> None:
        self.run(browser.client.aclose())
        self.known.remove(browser)

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def nobody_is_in_without_both_factors(self) -> None:
        for browser in self.known:
            if browser.client.cookies.get("session") and self.run(self._principal(browser)):
                assert browser.complete
                assert self.model.active

    def _is_in(self, browser: Browser) -> None:
        assert browser.password_proved or browser.complete, "a second factor without a password"
        assert self.model.active
        browser.complete, browser.password_proved = True, False
        AnyOrder.let_in += 1

    def _spend(self, secret: str) -> None:
        assert secret not in self.model.spent, "the same secret twice"
        self.model.spent.add(secret)

    def _everybody_is_out(self) -> None:
        for browser in self.known:
            browser.complete = browser.password_proved = False

    def _link(self, kind: str, which: int) -> str | None:
        secrets = [secret for its, secret in self.model.links if its == kind]
        return secrets[which % len(secrets)] if secrets else None

    async def _principal(self, browser: Browser) -> dict[str, Any] | None:
        return await self.auth.principal(session=browser.client.cookies["session"])


@pytest.mark.timeout(600)
def test_in_any_order_nobody_is_in_without_two_factors_and_no_secret_works_twice() -> None:
    profile = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize="SIGN_IN_EXAMPLES" not in os.environ,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(AnyOrder, settings=profile)
    assert AnyOrder.let_in >= EXAMPLES // 2
