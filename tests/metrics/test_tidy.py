"""What is too old goes, rollups stay; PostgreSQL's months come ahead and on demand."""

from datetime import timedelta
from typing import Any

import pytest

from chassis.db import utc_now
from services.metrics.models import Counters, Slot
from services.metrics.store.rows import is_postgresql
from services.metrics.tidy import tidy
from tests.metrics.conftest import DAY, Metrics, iso, steady, yesterday_ms


async def partitions_of(metrics: Metrics) -> set[str]:
    async with metrics.database.reading() as session:
        if not is_postgresql(session):
            pytest.skip("SQLite has no partitions")
        connection = await session.connection()
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'partitions'"
        return {name for (name,) in await connection.exec_driver_sql(names)}


async def test_months_are_made_ahead_and_on_demand(metrics: Metrics) -> None:
    assert await partitions_of(metrics) == set()
    now = utc_now()

    await tidy(metrics.database, metrics.app.state.settings, now)

    ahead = {(now.replace(day=1) + timedelta(days=32 * n)).strftime("%Y_%m") for n in range(3)}
    assert await partitions_of(metrics) == {f"{table}_{month}" for table in ("counters", "slots") for month in ahead}
    await metrics.ready()
    await metrics.take(steady("UL-1", yesterday_ms() - 200 * DAY, 2))
    assert f"counters_{iso(yesterday_ms() - 200 * DAY)[:7].replace('-', '_')}" in await partitions_of(metrics)


@pytest.mark.parametrize("metrics_settings", [{"raw_kept": timedelta(days=40)}])
async def test_old_samples_go_and_rollups_stay(metrics: Metrics) -> None:
    customer, line = await metrics.ready()
    start = yesterday_ms() - 38 * DAY
    await metrics.take(steady("UL-1", start, 38 * 288 + 1))
    assert await metrics.count(Slot) == 38 * 288
    later = utc_now() + timedelta(days=75)

    await tidy(metrics.database, metrics.app.state.settings, later)

    left = await metrics.count(Counters)
    assert left < 38 * 288 + 1
    query: dict[str, Any] = {"from": iso(start), "to": iso(start + 38 * DAY), "bucket": "day"}
    volume = await metrics.get(customer, f"/metrics/lines/{line}/volume", **query)
    assert volume["total"]["in"] == 38 * 288 * 300_000_000


@pytest.mark.parametrize("metrics_settings", [{"raw_kept": timedelta(days=40)}])
async def test_what_would_be_removed_at_once_is_not_taken(metrics: Metrics) -> None:
    await metrics.ready()

    taken = await metrics.take(steady("UL-1", yesterday_ms() - 41 * DAY, 3))

    assert taken.refused == {"too_old": 3}
