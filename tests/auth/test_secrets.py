"""Encryption at rest, and that no secret ever leaves: not in an event, a log line, a stored row or an error."""

import io
import json
import logging
from collections.abc import Iterator
from uuid import uuid4

import pytest
import structlog
from sqlalchemy import MetaData, select, text

from chassis.logging import configure_logging
from chassis.outbox import OutboxRow
from services.auth.models import MailRow
from services.auth.secrets import BrokenSecret, SecretBox, new_recovery_code, new_token
from services.auth.settings import LOCAL_SECRET_KEY, Settings
from tests.auth.conftest import PASSWORD, Auth, an_invitation, secret_of

BOX = SecretBox(b"k" * 32)


def test_what_is_sealed_opens_again_for_its_owner_and_purpose_only() -> None:
    owner = uuid4()
    sealed = BOX.seal("totp-seed", owner, "JBSWY3DP")

    assert b"JBSWY3DP" not in sealed
    assert BOX.open("totp-seed", owner, sealed) == "JBSWY3DP"
    for box, purpose, who, data in (
        (SecretBox(b"x" * 32), "totp-seed", owner, sealed),
        (BOX, "mail-secret", owner, sealed),
        (BOX, "totp-seed", uuid4(), sealed),
        (BOX, "totp-seed", owner, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (BOX, "totp-seed", owner, sealed[:5]),
        (BOX, "totp-seed", owner, b""),
    ):
        with pytest.raises(BrokenSecret):
            box.open(purpose, who, data)


def test_sealing_twice_never_gives_the_same() -> None:
    owner = uuid4()

    assert len({BOX.seal("totp-seed", owner, "same") for _ in range(100)}) == 100


def test_recovery_codes_are_80_bits_and_hashed_for_one_person() -> None:
    codes = {new_recovery_code() for _ in range(200)}
    anna, bernd = uuid4(), uuid4()
    code = next(iter(codes))

    assert len(codes) == 200
    assert all(len(code.replace("-", "")) * 5 == 80 for code in codes)
    assert BOX.recovery_hash(anna, code) == BOX.recovery_hash(anna, code.lower().replace("-", " "))
    assert BOX.recovery_hash(anna, code) != BOX.recovery_hash(bernd, code)
    assert BOX.recovery_hash(anna, code) != SecretBox(b"x" * 32).recovery_hash(anna, code)


def test_tokens_have_256_bits() -> None:
    tokens = {new_token() for _ in range(200)}

    assert len(tokens) == 200
    assert {len(token) for token in tokens} == {43}


@pytest.mark.parametrize("key", ["", "short", "x" * 44, "bm90IDMyIGJ5dGVz"])
def test_a_key_that_is_none_stops_the_start(key: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Settings(secret_key=key)  # type: ignore[arg-type]


def test_production_refuses_the_key_of_the_source_code() -> None:
    with pytest.raises(ValueError, match="secret_key of its own"):
        Settings(
            production=True,
            public_url="https://portal.example",
            nats_user="auth",
            nats_password="geheim",
            smtp_tls=True,
        )

    assert LOCAL_SECRET_KEY not in repr(Settings())


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """What the service writes as it runs, in the real format."""
    written = io.StringIO()
    before = logging.root.handlers[:], logging.root.level
    configure_logging("auth", "debug")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written), cache_logger_on_first_use=False)
    yield written
    structlog.reset_defaults()
    logging.root.handlers[:], level = before
    logging.root.setLevel(level)


async def test_no_secret_in_events_logs_or_rows(auth: Auth, logs: io.StringIO) -> None:
    person, secret = await auth.invited()
    await auth.client().post("/auth/invitations/accept", json={"token": secret, "password": PASSWORD})
    browser = auth.client()
    await auth.log_in(browser, person)
    ticket = browser.cookies["ticket"]
    seed = (await browser.post("/auth/second-factor/enrolment", json={})).json()["secret"]
    person.seed = seed
    code = await auth.fresh_code(person)
    codes = (await browser.post("/auth/second-factor/enrolment/confirm", json={"code": code})).json()["recovery_codes"]
    session_token, device = browser.cookies["session"], browser.cookies["device"]
    await auth.client().post("/auth/login", json={"username": person.email, "password": "Falsch-7-geraten"})
    await (await auth.at_second_step(person)).post("/auth/login/second-factor", json={"code": codes[0]})
    await auth.client().post("/auth/password-reset", json={"username": person.email})
    await auth.deliver()
    reset = secret_of(auth.mailbox.mails[-1])
    await auth.client().post("/auth/password-reset/complete", json={"token": reset, "password": "kurz"})
    auth.app.state.hashing = None
    broken = await auth.client().post("/auth/login", json={"username": person.email, "password": PASSWORD})
    assert broken.status_code == 500
    secrets = [secret, PASSWORD, ticket, seed, *codes, session_token, device, "Falsch-7-geraten", reset]
    written = logs.getvalue()

    assert "request_failed" in written
    assert "mail_settled" in written
    assert [word for word in secrets if word in written] == []
    async with auth.database.reading() as session:
        events = b"".join(await session.scalars(select(OutboxRow.payload))).decode()
    assert "auth.login.succeeded.v1" in events
    assert [word for word in [*secrets, code] if f'"{word}"' in events or (len(word) > 6 and word in events)] == []
    assert person.email not in events
    stored = await everything_stored(auth)
    assert person.email in stored
    assert [word for word in secrets if word in stored] == []


async def test_a_waiting_secret_is_encrypted_and_wiped(auth: Auth) -> None:
    auth.mailbox.answers = ["451 later"]
    person = await auth.person()
    await auth.handle(an_invitation(person))
    await auth.deliver()
    (waiting,) = await auth.rows(MailRow)
    assert waiting.secret is not None
    token = auth.app.state.box.open("mail-secret", waiting.id, waiting.secret)
    assert token not in await everything_stored(auth)
    assert token.encode() not in waiting.secret


async def everything_stored(auth: Auth) -> str:
    """Every value of every table as text."""
    found: list[str] = []
    metadata = MetaData()
    async with auth.database.engine.connect() as connection:
        await connection.run_sync(metadata.reflect)
        for table in metadata.sorted_tables:
            rows = await connection.execute(text(f'SELECT * FROM "{table.name}"'))
            found.append(json.dumps([[str(value) for value in row] for row in rows]))
    return "\n".join(found)
