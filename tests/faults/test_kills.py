"""Invoices are published while relay, consumer, broker and database are killed; afterwards every store is read."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.testing import NatsServer, eventually
from tests.faults.figures import say
from tests.faults.oracle import effects
from tests.faults.plan import Plan
from tests.faults.processes import Postgres, own_postgres
from tests.faults.run import Run, prepared

FULL = os.environ.get("FAULTS") == "full"
SEED = int(os.environ.get("FAULTS_SEED") or random.randrange(1, 2**31))
INVOICES, SECONDS, KILLS = (2000, 120.0, 12) if FULL else (200, 8.0, 2)
RECORDED, RECORDED_SECONDS, RECORDED_KILLS = (2000, 60.0, 12) if FULL else (80, 3.0, 1)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900 if FULL else 240)]


@pytest.fixture(params=["sqlite", "postgresql"] if FULL else ["sqlite"])
def postgres(request: pytest.FixtureRequest) -> Iterator[Postgres | None]:
    """A server that may be killed, or none: SQLite."""
    if request.param == "sqlite":
        yield None
        return
    with own_postgres() as server:
        yield server


def words_of(folder: Path) -> str:
    return "\n".join(f"{log.name}:\n{log.read_text()[-3000:]}" for log in folder.glob("*.log"))


def everyone_was_killed(run: Run, times: int) -> None:
    assert min(run.source.killed, run.listener.killed, run.broker.killed) >= times
    assert run.source.ended_otherwise == []
    assert run.listener.ended_otherwise == []


async def test_every_invoice_has_one_document_and_one_object(
    nats: NatsServer, postgres: Postgres | None, tmp_path: Path
) -> None:
    kills = {"relay": KILLS, "consumer": KILLS, "broker": KILLS}
    more = {"postgresql": postgres} if postgres else {}
    url = postgres.url if postgres else None
    async with prepared(Plan(SEED, INVOICES), nats, tmp_path, seconds=SECONDS, postgres=url) as run:
        await run.storm(kills | dict.fromkeys(more, KILLS), **more)

        say(run.story() + (f", PostgreSQL {postgres.killed}" if postgres else ", SQLite"))
        assert await run.settled() == [], words_of(tmp_path)
        everyone_was_killed(run, KILLS)


async def recorded_under_kills(nats: NatsServer, folder: Path, *, inbox: bool) -> list[str]:
    """What is wrong after a run without repeats by the sender: whatever is doubled, the kills have doubled."""
    plan = Plan(SEED, RECORDED, adverse=False)
    async with prepared(plan, nats, folder, seconds=RECORDED_SECONDS, inbox=inbox) as run:
        await run.storm(dict.fromkeys(("relay", "consumer", "broker"), RECORDED_KILLS))
        await run.caught_up()
        await eventually(run.idle, seconds=60, every=0.1)
        wrong = await effects(run.stores, run.plan)
        say(f"recorder {'with' if inbox else 'without'} its inbox: {run.story()}; {len(wrong)} wrong effects")
        everyone_was_killed(run, RECORDED_KILLS)
        return wrong


async def test_a_consumer_with_its_inbox_has_one_effect_per_invoice(nats: NatsServer, tmp_path: Path) -> None:
    assert await recorded_under_kills(nats, tmp_path, inbox=True) == []


async def test_the_same_run_without_the_inbox_doubles_and_is_seen(nats: NatsServer, tmp_path: Path) -> None:
    wrong = await recorded_under_kills(nats, tmp_path, inbox=False)

    assert wrong
    assert all(finding.endswith("is too much") for finding in wrong)
