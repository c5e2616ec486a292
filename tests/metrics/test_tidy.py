"""What is too old goes, rollups stay; PostgreSQL's months come ahead and on demand."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from chassis.db import utc_now
from chassis.migrations import migrate
from services.metrics.models import Counters, Rollup, Slot
from services.metrics.store.rows import is_postgresql
from services.metrics.tidy import roll_up_half_days, tidy
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


async def half_days(metrics: Metrics) -> list[tuple[Any, ...]]:
    columns = (Rollup.position, Rollup.in_octets, Rollup.measured_ms, Rollup.present, Rollup.in_max_bps)
    async with metrics.database.reading() as session:
        rows = await session.execute(select(*columns).where(Rollup.seconds == 43_200).order_by(Rollup.position))
        return [tuple(row) for row in rows]


async def a_day_without_half_days(metrics: Metrics) -> list[tuple[Any, ...]]:
    """As a version left it that did not know them; returns what they should be."""
    await metrics.ready()
    await metrics.take(steady("UL-1", yesterday_ms(), 288 + 1))
    wanted = await half_days(metrics)
    async with metrics.database.transaction() as session:
        await session.execute(delete(Rollup).where(Rollup.seconds == 43_200))
    assert [row[3] for row in wanted] == [144, 144]
    return wanted


async def test_half_days_are_made_of_what_there_was_before_them(metrics: Metrics) -> None:
    wanted = await a_day_without_half_days(metrics)
    async with metrics.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0004'")

    await migrate("metrics", metrics.database.engine.url.render_as_string(hide_password=False))

    assert await half_days(metrics) == wanted


async def test_half_days_that_an_older_version_left_out_are_made_at_the_start(metrics: Metrics) -> None:
    wanted = await a_day_without_half_days(metrics)

    await roll_up_half_days(metrics.database, utc_now())

    assert await half_days(metrics) == wanted
