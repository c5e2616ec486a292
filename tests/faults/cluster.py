"""Three nodes of nats-server on loopback, each of which may be killed or lose its disk."""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from nats.errors import Error as NatsError
from nats.js.api import StreamInfo

from chassis.bus import Bus
from chassis.testing import NatsServer, eventually, free_port
from portalctl.supervisor.broker import program

REPLICAS = 3
PATIENCE_SECONDS = 90


class Node(NatsServer):
    """One of them."""

    def __init__(self, folder: Path, name: str, routes: dict[str, int]) -> None:
        folder.mkdir()
        super().__init__(folder)
        self.name = name
        self._routes = routes

    def start(self) -> None:
        """Start and wait until it listens; it finds the others by itself."""
        others = ", ".join(f'"nats://127.0.0.1:{port}"' for port in self._routes.values())
        config = self.folder / "nats.conf"
        config.write_text(
            f'server_name: {self.name}\nlisten: "127.0.0.1:{self.port}"\nmax_payload: 8MB\n'
            f'jetstream {{ store_dir: "{self.folder / "js"}", sync_interval: always, max_file: 4GB }}\n'
            f'cluster {{ name: faults, listen: "127.0.0.1:{self._routes[self.name]}", routes: [{others}] }}\n'
        )
        with (self.folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen([program(), "-c", str(config)], stdout=log, stderr=log)
        self.wait_until_it_listens()


class Cluster:
    """What happens to it is told by its methods; `url` names all nodes."""

    def __init__(self, folder: Path) -> None:
        names = [f"n{number}" for number in range(1, REPLICAS + 1)]
        routes = {name: free_port() for name in names}
        self.nodes = {name: Node(folder / name, name, routes) for name in names}
        self.url = ",".join(node.url for node in self.nodes.values())
        self.folder = folder
        self.story: list[str] = []

    def start(self) -> None:
        """All at once: none is ready without a majority."""
        for node in self.nodes.values():
            node.start()

    def kill(self) -> None:
        """Whoever lives."""
        for node in self.nodes.values():
            if node.process and node.process.poll() is None:
                node.kill()

    async def kill_leader(self, bus: Bus, stream: str) -> None:
        """SIGKILL; it comes back when another has taken its place."""
        name = await self._leader(bus, stream)
        await asyncio.to_thread(self.nodes[name].kill)

        async def replaced() -> bool:
            return await self._leader(bus, stream) != name

        await eventually(replaced, seconds=PATIENCE_SECONDS, every=0.2)
        await asyncio.to_thread(self.nodes[name].start)
        self.story.append(f"leader {name} killed")

    async def lose_a_disk(self, bus: Bus, stream: str) -> None:
        """A follower dies and comes back with nothing."""
        leader = await self._leader(bus, stream)
        name = next(one for one in self.nodes if one != leader)
        await asyncio.to_thread(self.nodes[name].kill)
        await asyncio.to_thread(shutil.rmtree, self.nodes[name].folder / "js")
        await asyncio.to_thread(self.nodes[name].start)
        self.story.append(f"disk of {name} wiped")

    async def restart_all(self) -> None:
        """SIGKILL of every node, as when the power fails."""
        await asyncio.to_thread(self.kill)
        await asyncio.to_thread(self.start)
        self.story.append("all killed")

    async def whole(self, bus: Bus, *streams: str) -> None:
        """Returns once every replica has everything."""

        async def current() -> bool:
            for stream in streams:
                about = await self._about(bus, stream)
                if about is None or about.cluster is None or not about.cluster.leader:
                    return False
                replicas = about.cluster.replicas or []
                if len(replicas) != REPLICAS - 1 or not all(one.current and not one.offline for one in replicas):
                    return False
            return True

        await eventually(current, seconds=PATIENCE_SECONDS, every=0.2)

    async def _leader(self, bus: Bus, stream: str) -> str:
        async def named() -> str | None:
            about = await self._about(bus, stream)
            leader = about.cluster.leader if about and about.cluster else None
            return leader if leader in self.nodes else None

        return str(await eventually(named, seconds=PATIENCE_SECONDS, every=0.1))

    @staticmethod
    async def _about(bus: Bus, stream: str) -> StreamInfo | None:
        with contextlib.suppress(NatsError, TimeoutError, OSError):
            return await bus._stream_api().stream_info(stream)
        return None


@contextlib.contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """One for the block."""
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()
