"""Sign-ins: how many a second and core, beside bare argon2id; and whether a name's existence shows in the time."""

import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from uuid import UUID, uuid4

from chassis.db import Database, utc_now
from chassis.identity import ANONYMOUS, HEADER, sign
from chassis.testing import KEY, free_port, fresh_database
from services.auth.models import Account, TotpFactor, account_key
from services.auth.passwords import Hashing
from services.auth.secrets import SecretBox
from services.auth.settings import Settings
from services.auth.totp import code_at, new_seed, step_of
from tests.bench.listing import identity_keys
from tests.bench.processes import broker, running
from tests.bench.report import Line, Rounds, Section, say

ROUNDS = 5
SIGN_INS = 40
TRIES = 2000
GOAL_SHARE = 0.85
GOAL_MS = 5.0
PASSWORD, WRONG = "Tasse-7-blau-Nebel", "Nie-9-gesetztes-Wort"

HOW = f"""One process of `auth` (`portalctl serve auth`) on SQLite, held on one core; the load on the other. A sign-in
is user name and password, then the code of the app, by a person of its own each time; two at once, so that
the service always has work. {ROUNDS} rounds of {SIGN_INS}, alternating with the anchor: argon2id of the same parameters
(64 MiB, 3 passes, one lane) verifying the same hash as often in one thread, on the same core. Names: {TRIES} wrong
passwords for names that somebody has and {TRIES} for names that nobody has, alternating, with hashes that cost next to
nothing, so that whatever else differs would show; the difference of the medians."""


@dataclass(frozen=True)
class Known:
    """Somebody who can sign in."""

    name: str
    seed: str


def bench() -> Section:
    """Needs two cores."""
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="bench-signin-") as name:
        folder = Path(name)
        lines = _sign_ins(folder, cores)
        lines.append(_names(folder))
    return Section("signin", "Sign-ins", HOW, lines)


def _sign_ins(folder: Path, cores: Sequence[int]) -> list[Line]:
    settings = Settings(database_url=asyncio.run(fresh_database("auth", None, folder)))
    hashing = Hashing(memory_kib=settings.argon2_memory_kib, rounds=settings.argon2_rounds)
    stored = hashing.hash(PASSWORD)
    people = asyncio.run(_fill(settings, stored, SIGN_INS * (ROUNDS + 1)))
    rates, bare = [], []
    alone = {"AUTH_PASSWORD_HASHES_AT_ONCE": "1"}  # as many as there are cores: two on one would share its cache
    with _service(folder, settings.database_url, alone, core=cores[0]) as port:
        for number in range(ROUNDS + 1):
            some = people[number * SIGN_INS : (number + 1) * SIGN_INS]
            with _on_core(cores[-1]):
                rate = _signed_in_per_second(port, some)
            with _on_core(cores[0]):
                own = _verified_per_second(hashing, stored)
            if number:  # the first round warms up
                rates.append(rate)
                bare.append(own)
                say(f"  round {number} of {ROUNDS}: {rate:.1f} sign-ins/s, {own:.1f} bare hashes/s")
    found, anchor = Rounds(rates), Rounds(bare)
    share = found.over(anchor)
    text = f"bare argon2id: {anchor.text('/s', 1)}"
    return [
        Line("sign-ins, a second and core", found.text("/s", 1), text),
        Line("... as a share of it", share.text("", 2), "= 1", f">= {GOAL_SHARE}", share.median >= GOAL_SHARE),
    ]


def _names(folder: Path) -> Line:
    settings = Settings(
        database_url=asyncio.run(fresh_database("auth", None, folder)), argon2_memory_kib=8, argon2_rounds=1
    )
    stored = Hashing(memory_kib=8, rounds=1).hash(PASSWORD)
    people = asyncio.run(_fill(settings, stored, TRIES // 5))
    cheap = {"AUTH_ARGON2_MEMORY_KIB": "8", "AUTH_ARGON2_ROUNDS": "1"}
    known, unknown = [], []
    with _service(folder, settings.database_url, cheap) as port:
        connection = HTTPConnection("127.0.0.1", port)
        for number in range(TRIES):
            somebody = people[number % len(people)].name
            address = f"198.{18 + number // 65_536}.{number // 256 % 256}.{number % 256}"
            for names, name in ((known, somebody), (unknown, f"niemand-{number % len(people)}@kunde.example")):
                start = time.perf_counter()
                status, _ = _post(connection, "/auth/login", {"username": name, "password": WRONG}, address=address)
                names.append((time.perf_counter() - start) * 1000)
                assert status == 401, status
    apart = abs(statistics.median(known) - statistics.median(unknown))
    measured = f"{apart:.2f} ms apart (known {statistics.median(known):.2f}, unknown {statistics.median(unknown):.2f})"
    return Line(f"a known name beside an unknown one, {TRIES:,} tries each", measured, "", "< 5 ms", apart < GOAL_MS)


async def _fill(settings: Settings, stored: str, count: int) -> list[Known]:
    box, now = SecretBox(settings.key()), utc_now()
    people = [(uuid4(), Known(f"person-{number}@kunde.example", new_seed())) for number in range(count)]
    database = Database(settings.database_url)
    async with database.transaction() as session:
        session.add_all(_account(user_id, known, stored) for user_id, known in people)
        await session.flush()
        session.add_all(
            TotpFactor(
                user_id=user_id,
                state="active",
                seed=box.seal("totp-seed", user_id, known.seed),
                last_step=0,
                created_at=now,
                confirmed_at=now,
            )
            for user_id, known in people
        )
    await database.close()
    return [known for _, known in people]


def _account(user_id: UUID, known: Known, stored: str) -> Account:
    return Account(
        user_id=user_id,
        version=1,
        email=known.name,
        email_key=account_key(known.name),
        given_name="Anna",
        family_name="Beispiel",
        language="de",
        active=True,
        password_hash=stored,
        password_set_at=utc_now(),
    )


@contextlib.contextmanager
def _service(folder: Path, database_url: str, more: dict[str, str], core: int | None = None) -> Iterator[int]:
    port = free_port()
    with broker() as nats, identity_keys() as keys_url:
        environment = {
            "PORTAL_HOME": str(folder),
            "AUTH_PORT": str(port),
            "AUTH_DATABASE_URL": database_url,
            "AUTH_IDENTITY_KEYS_URL": keys_url,
            "AUTH_NATS_URL": nats.url,
        }
        command = [sys.executable, "-m", "services.auth.main"]
        with running(command, log=folder / "auth.log", environment=environment | more, port=port) as process:
            if core is not None:
                for thread in Path(f"/proc/{process.pid}/task").iterdir():
                    os.sched_setaffinity(int(thread.name), {core})
            yield port


@contextlib.contextmanager
def _on_core(core: int) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _signed_in_per_second(port: int, people: Sequence[Known]) -> float:
    def sign_in(numbered: tuple[int, Known]) -> None:
        number, known = numbered
        connection = HTTPConnection("127.0.0.1", port)
        address = f"198.51.100.{number}"
        status, ticket = _post(
            connection, "/auth/login", {"username": known.name, "password": PASSWORD}, address=address
        )
        assert status == 200, status
        code = code_at(known.seed, step_of(utc_now()))
        status, _ = _post(connection, "/auth/login/second-factor", {"code": code}, address=address, cookie=ticket)
        assert status == 200, status
        connection.close()

    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(sign_in, enumerate(people)))
    return len(people) / (time.perf_counter() - start)


def _verified_per_second(hashing: Hashing, stored: str) -> float:
    start = time.perf_counter()
    for _ in range(SIGN_INS):
        assert hashing.verify(stored, PASSWORD)
    return SIGN_INS / (time.perf_counter() - start)


def _post(
    connection: HTTPConnection, path: str, body: dict[str, str], *, address: str, cookie: str = ""
) -> tuple[int, str]:
    """Status, and the ticket cookie."""
    identity = replace(ANONYMOUS, ip=address, rid="bench")
    headers = {"Content-Type": "application/json", HEADER: sign(identity, audience="auth", key=KEY)}
    if cookie:
        headers["Cookie"] = cookie
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    cookies = answer.headers.get_all("Set-Cookie") or []
    return answer.status, next((one.partition(";")[0] for one in cookies if one.startswith("ticket=")), "")
