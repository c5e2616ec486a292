"""Counters are committed before the answer, and nothing that happens afterwards takes them back."""

from chassis.db import Database, utc_now
from services.auth.models import CounterRow
from services.auth.storage.counters import account_counter, clear, give_back, locked, password_rule, take
from tests.auth.conftest import PASSWORD, Auth


async def tries_of(database: Database, key: str) -> int:
    async with database.reading() as session:
        row = await session.get(CounterRow, key)
        return len(row.tries) if row else 0


async def test_a_try_is_counted_although_the_work_after_it_breaks(auth: Auth) -> None:
    person = await auth.with_password()
    key = account_counter("password", person.email)

    class Broken:
        async def verify(self, _stored: str, _password: str) -> bool:
            raise RuntimeError("no memory for a hash")

    auth.app.state.hashing = Broken()
    answer = await auth.client().post("/auth/login", json={"username": person.email, "password": PASSWORD})

    assert answer.status_code == 500
    assert await tries_of(auth.database, key) == 1


async def test_a_wrong_code_is_counted_although_the_request_is_refused(auth: Auth) -> None:
    person, _ = await auth.enrolled()
    browser = await auth.at_second_step(person)

    answer = await browser.post("/auth/login/second-factor", json={"code": "000000"})

    assert answer.status_code == 401
    assert await tries_of(auth.database, f"factor:user:{person.user_id}") == 1


async def test_counters_survive_a_restart(auth: Auth) -> None:
    person = await auth.with_password()
    for _ in range(3):
        await auth.client().post("/auth/login", json={"username": person.email, "password": "wrong-7-wrong"})

    restarted = Database(auth.settings.database_url)
    try:
        assert await tries_of(restarted, account_counter("password", person.email)) == 3
    finally:
        await restarted.close()


async def test_all_counters_or_none(auth: Auth) -> None:
    rule = password_rule(auth.settings)
    now = utc_now()
    async with auth.database.transaction() as session:
        for _ in range(10):
            await take(session, {"full": rule}, now)

    async with auth.database.transaction() as session:
        refused = await take(session, {"full": rule, "empty": rule}, now)

    assert refused.total_seconds() > 0
    assert await tries_of(auth.database, "empty") == 0


async def test_giving_back_and_clearing(auth: Auth) -> None:
    rule = password_rule(auth.settings)
    now = utc_now()
    async with auth.database.transaction() as session:
        await take(session, {"a": rule, "b": rule}, now)
        (await locked(session, {"b": None}, now))["b"].failures_in_a_row = 4

    async with auth.database.transaction() as session:
        await give_back(session, {"a": None}, now)
        await clear(session, {"b": None}, now)

    assert await tries_of(auth.database, "a") == 0
    assert await tries_of(auth.database, "b") == 0
    async with auth.database.reading() as session:
        assert (await session.get_one(CounterRow, "b")).failures_in_a_row == 0
