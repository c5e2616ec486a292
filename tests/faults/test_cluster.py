"""Three broker nodes while invoices flow: the leader killed, a disk wiped, all killed; none lost, none doubled."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.bus import BusDown, connected_bus
from chassis.testing import eventually
from tests.faults.cluster import REPLICAS, Cluster, running_cluster
from tests.faults.figures import say
from tests.faults.plan import Plan
from tests.faults.run import prepared
from tests.faults.test_kills import FULL, SEED, words_of

INVOICES, SECONDS, TURNS = (5000, 150.0, 4) if FULL else (150, 6.0, 1)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200 if FULL else 240)]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    with running_cluster(folder) as started:
        yield started


async def declared(cluster: Cluster) -> None:
    """As `portalctl nats apply` does: again, until the nodes have chosen a leader."""
    bus = await connected_bus("setup", cluster.url, replicas=REPLICAS)

    async def taken() -> bool:
        try:
            return bool(await bus.apply())
        except BusDown:
            return False

    await eventually(taken, seconds=60, every=0.2)
    await bus.close()


async def test_every_invoice_has_one_document_whatever_happens_to_the_nodes(cluster: Cluster, tmp_path: Path) -> None:
    await declared(cluster)
    plan = Plan(SEED, INVOICES)
    async with prepared(plan, cluster, tmp_path, seconds=SECONDS, replicas=REPLICAS) as run:
        bus = run.stores.bus
        about = (await bus._stream_api().stream_info("BILLING")).config
        assert about.num_replicas == REPLICAS
        await run.source.start()
        await run.listener.start()
        for _ in range(TURNS):
            for blow in (
                lambda: cluster.kill_leader(bus, "BILLING"),
                lambda: cluster.lose_a_disk(bus, "BILLING"),
                cluster.restart_all,
            ):
                before = await run.handled()

                async def gone_on(before: int = before) -> bool:
                    return await run.handled() > before or await run.all_emitted()

                await eventually(gone_on, seconds=60, every=0.1)
                await blow()
                await cluster.whole(bus, "BILLING", "USERS", "DOCUMENTS")
        await asyncio.to_thread(run.released.touch)
        await eventually(run.all_emitted, seconds=120, every=0.1)

        assert await run.settled() == [], words_of(tmp_path) + words_of(cluster.folder / "n1")
        say(f"{run.story()}; cluster: {', '.join(cluster.story)}")
        assert len(cluster.story) == 3 * TURNS
        assert run.source.ends == run.listener.ends == []
