"""A service `auth` with cheap hashes, a real mail server beside it, and people on their way in."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import func, select

from chassis.db import utc_now
from chassis.identity import ANONYMOUS, HEADER, Identity, sign
from chassis.outbox import OutboxRow
from chassis.testing import KEY, keys
from events.base import Event, decode, event_of
from events.users import CustomerChanged, MembershipChanged, UserChanged, UserInvited
from services.auth.handlers import handlers
from services.auth.main import create_with, postman_of
from services.auth.models import Base, CounterRow, TotpFactor
from services.auth.settings import Settings
from services.auth.totp import code_at, step_of
from tests.mailbox import Mailbox, mailbox, text_of

__all__ = ["Mailbox", "mailbox", "text_of"]

PASSWORD = "Tasse-7-blau-Nebel"
STRANGER = replace(ANONYMOUS, ip="192.0.2.7", rid="rid-1")
GATEWAY = Identity(sub="gateway")

Known = TypeVar("Known", bound=Event)
Row = TypeVar("Row", bound=Base)


@dataclass
class Person:
    """Somebody whom `users` has told about."""

    user_id: UUID
    membership_id: UUID
    customer_id: UUID
    email: str
    seed: str = ""
    recovery_codes: list[str] = field(default_factory=list)


class Auth:
    """The service under test, spoken to through HTTP as the gateway would."""

    def __init__(self, app: FastAPI, mailbox: Mailbox) -> None:
        self.app = app
        self.mailbox = mailbox
        self.settings: Settings = app.state.settings
        self.database = app.state.database
        app.state.verifier.trust(keys())

    def client(self, identity: Identity = STRANGER) -> AsyncClient:
        """A browser with its own cookie jar."""
        token = sign(identity, audience="auth", key=KEY)
        transport = ASGITransport(app=self.app, raise_app_exceptions=False)
        headers = {HEADER: token, "User-Agent": "Testbrowser 1.0"}
        return AsyncClient(transport=transport, base_url="http://auth.example", headers=headers)

    async def signed_in(self, browser: AsyncClient, *, role: str = "admin") -> AsyncClient:
        """The same browser with the identity that the gateway would sign for its session cookie now."""
        principal = await self.principal(session=browser.cookies["session"])
        assert principal is not None
        identity = Identity(
            sub=principal["user_id"],
            role=role,
            sid=principal["session_id"],
            amr=tuple(principal["amr"]),
            step_up_at=principal["step_up_at"],
            ip="192.0.2.7",
            rid="rid-2",
        )
        browser.headers[HEADER] = sign(identity, audience="auth", key=KEY)
        return browser

    def half(self, principal: dict[str, Any]) -> AsyncClient:
        """A caller with the identity that the gateway signs for a ticket."""
        return self.client(Identity(sub=principal["user_id"], amr=tuple(principal["amr"]), ip="192.0.2.7"))

    async def principal(self, **question: Any) -> dict[str, Any] | None:
        """What the gateway would hear."""
        async with self.client(GATEWAY) as gateway:
            answer = await gateway.post("/inner/principal", json=question)
        if answer.status_code == 401:
            return None
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def handle(self, event: Event) -> None:
        """As the consumer would, in a transaction."""
        async with self.database.transaction() as session:
            await handlers.handlers[event.subject](event, session)

    async def deliver(self) -> None:
        """Until no mail is due."""
        while await postman_of(self.app).deliver_due():
            pass

    async def events(self, kind: type[Known]) -> list[Known]:
        """What was told of this kind, oldest first."""
        async with self.database.reading() as session:
            rows = await session.scalars(
                select(OutboxRow).where(OutboxRow.subject == kind.subject).order_by(OutboxRow.position)
            )
            told = [event_of(decode(row.headers, row.payload)) for row in rows]
        assert all(isinstance(event, kind) for event in told)
        return told  # type: ignore[return-value]

    async def count(self, table: type[Base], *conditions: Any) -> int:
        async with self.database.reading() as session:
            return int(await session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0)

    async def rows(self, table: type[Row]) -> list[Row]:
        async with self.database.reading() as session:
            return list(await session.scalars(select(table)))

    async def time_passes(self, span: timedelta) -> None:
        """Everything that was written down happened so much earlier."""
        async with self.database.transaction() as session:
            for mapper in Base.registry.mappers:
                for row in await session.scalars(select(mapper.class_)):
                    _older(row, span)

    async def person(self, email_address: str = "anna.beispiel@kunde.example", **more: Any) -> Person:
        """Known and active, not yet invited."""
        person = Person(uuid4(), uuid4(), uuid4(), email_address)
        await self.handle(a_customer(person))
        await self.handle(a_user(person, **more))
        await self.handle(a_membership(person))
        return person

    async def invited(self, **more: Any) -> tuple[Person, str]:
        """A person with the secret from the welcome mail."""
        person = await self.person(**more)
        await self.handle(an_invitation(person, **more))
        await self.deliver()
        return person, secret_of(self.mailbox.mails[-1])

    async def with_password(self, **more: Any) -> Person:
        """A person who has set the first password."""
        person, secret = await self.invited(**more)
        async with self.client() as browser:
            answer = await browser.post("/auth/invitations/accept", json={"token": secret, "password": PASSWORD})
        assert answer.status_code == 204, answer.text
        return person

    async def log_in(self, browser: AsyncClient, person: Person) -> str:
        """The first step; returns which one is next."""
        answer = await browser.post("/auth/login", json={"username": person.email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["next"])

    async def enrolled(self, **more: Any) -> tuple[Person, AsyncClient]:
        """A person with an app, in a browser that is signed in."""
        person = await self.with_password(**more)
        browser = self.client()
        assert await self.log_in(browser, person) == "enrol_second_factor"
        start = await browser.post("/auth/second-factor/enrolment", json={})
        person.seed = start.json()["secret"]
        code = code_at(person.seed, step_of(utc_now()))
        confirmed = await browser.post("/auth/second-factor/enrolment/confirm", json={"code": code})
        assert confirmed.status_code == 200, confirmed.text
        person.recovery_codes = confirmed.json()["recovery_codes"]
        return person, await self.signed_in(browser)

    async def fresh_code(self, person: Person) -> str:
        """The code of now, after time enough that it was not used yet."""
        await self.time_passes(timedelta(seconds=90))
        return code_at(person.seed, step_of(utc_now()))

    async def at_second_step(self, person: Person) -> AsyncClient:
        """Another browser after the password."""
        browser = self.client()
        assert await self.log_in(browser, person) == "second_factor"
        return browser


def _older(row: Any, span: timedelta) -> None:
    for column in row.__table__.columns:
        value = getattr(row, column.name)
        if isinstance(value, datetime):
            setattr(row, column.name, value - span)
    if isinstance(row, CounterRow):
        row.tries = [tried - span.total_seconds() for tried in row.tries]
        row.blocked_until -= span.total_seconds()
    if isinstance(row, TotpFactor):
        row.last_step -= int(span.total_seconds()) // 30


def a_customer(person: Person, **changes: Any) -> CustomerChanged:
    return CustomerChanged(
        **{
            "customer_id": person.customer_id,
            "version": 1,
            "number": "KD-10042",
            "name": "Beispiel AG",
            "end_user": True,
            "colocation": False,
            "language": "de",
            "time_zone": "Europe/Berlin",
            "email_domains": (),
            "active": True,
            **changes,
        }
    )


def a_user(person: Person, **changes: Any) -> UserChanged:
    return UserChanged(
        **{
            "user_id": person.user_id,
            "version": 1,
            "email": person.email,
            "given_name": "Anna",
            "family_name": "Beispiel",
            "language": "de",
            "active": True,
            **changes,
        }
    )


def a_membership(person: Person, **changes: Any) -> MembershipChanged:
    return MembershipChanged(
        **{
            "membership_id": person.membership_id,
            "version": 1,
            "user_id": person.user_id,
            "customer_id": person.customer_id,
            "role": "admin",
            "modules": ("invoices",),
            "active": True,
            **changes,
        }
    )


def an_invitation(person: Person, **changes: Any) -> UserInvited:
    return UserInvited(
        **{
            "user_id": person.user_id,
            "membership_id": person.membership_id,
            "customer_id": person.customer_id,
            "customer_name": "Beispiel AG",
            "email": person.email,
            "given_name": "Anna",
            "family_name": "Beispiel",
            "language": "de",
            "invited_by": "Petra Wellmann",
            "actor_id": None,
            "occurred_at": utc_now(),
            **changes,
        }
    )


def secret_of(mail: EmailMessage) -> str:
    """The secret in the fragment of the link."""
    found = re.search(r"https?://[a-z0-9.:]+/[a-z-]+#(\S+)", text_of(mail))
    assert found, text_of(mail)
    return found[1]


@pytest.fixture
async def auth(new_database: Callable[[str], Awaitable[str]], mailbox: Mailbox) -> AsyncIterator[Auth]:
    """With the defaults, except that a hash costs next to nothing."""
    made = make_auth(await new_database("auth"), mailbox)
    yield made
    await made.database.close()


@pytest.fixture
async def make_auth_with(
    new_database: Callable[[str], Awaitable[str]], mailbox: Mailbox
) -> AsyncIterator[Callable[..., Awaitable[Auth]]]:
    """With other settings."""
    made: list[Auth] = []

    async def make(**changes: Any) -> Auth:
        made.append(make_auth(await new_database("auth"), mailbox, **changes))
        return made[-1]

    yield make
    for auth in made:
        await auth.database.close()


def make_auth(database_url: str, mailbox: Mailbox, **changes: Any) -> Auth:
    usual: dict[str, Any] = {
        "smtp_port": mailbox.port,
        "argon2_memory_kib": 8,
        "argon2_rounds": 1,
        "mail_retry_delays_seconds": (30, 60),
    }
    settings = Settings(database_url=database_url, **usual | changes)
    return Auth(create_with(settings), mailbox)
