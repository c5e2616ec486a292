"""The portal on PostgreSQL with two processes of every service and two gateways, as a cluster would run it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx2

from chassis.testing import free_port, wait_until
from portalctl.home import SERVICES
from tests.balancer import Balancer, balancing
from tests.portal import Portal

NAMES = (*SERVICES, "gateway")


@dataclass
class Replica:
    """One process, reached on a port of its own; its health on another one where it is a gateway."""

    name: str
    port: int
    inner_port: int
    process: subprocess.Popen[bytes] | None = None
    """None: under the portal's supervisor, which starts it again."""

    def is_ready(self) -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{self.inner_port}/readyz", timeout=1).status_code == 200
        except httpx2.TransportError:
            return False


class Cluster:
    """Two of each, behind a balancer each."""

    def __init__(self, portal: Portal, balancers: dict[str, Balancer]) -> None:
        self.portal = portal
        self.balancers = balancers
        self.replicas: list[Replica] = []

    def add(self, replica: Replica) -> None:
        """Start it, unless the supervisor has; it gets requests once it is ready."""
        if replica.process is None and all(one.name != replica.name for one in self.replicas):
            self.replicas.append(replica)
        else:
            self._start(replica)
            self.replicas.append(replica)
        self._join(replica)

    def roll(self, replica: Replica) -> None:
        """As a rolling update does: no new connections, SIGTERM, another one in its place."""
        self.balancers[replica.name].backends.remove(replica.port)
        if replica.process is None:
            before = self.portal.kill(replica.name, signal.SIGTERM)
            wait_until(lambda: self.portal.pids.get(replica.name) not in (None, before), seconds=30)
        else:
            replica.process.send_signal(signal.SIGTERM)
            assert replica.process.wait(20) in (0, -signal.SIGTERM)
            self._start(replica)
        self._join(replica)

    def _join(self, replica: Replica) -> None:
        wait_until(replica.is_ready, seconds=60, every=0.1)
        self.balancers[replica.name].backends.append(replica.port)

    def _start(self, replica: Replica) -> None:
        known = json.loads((self.portal.home / "env.json").read_text("utf-8"))
        prefix = replica.name.upper()
        own = {name: value for name, value in known.items() if name.startswith(f"{prefix}_")}
        own[f"{prefix}_PORT"] = str(replica.port)
        if replica.name == "gateway":
            own["GATEWAY_INNER_PORT"] = str(replica.inner_port)
        with (self.portal.home / "logs" / f"{replica.name}-2.log").open("ab") as log:
            replica.process = subprocess.Popen(
                [sys.executable, "-m", "portalctl.main", "serve", replica.name],
                env={**os.environ, **own},
                stdout=log,
                stderr=log,
            )

    def end(self) -> None:
        """Those that the supervisor does not know."""
        for replica in self.replicas:
            if replica.process is not None:
                replica.process.kill()
                replica.process.wait(10)


@contextmanager
def running_cluster(home: Path, postgres_url: str, **environment: str) -> Iterator[Cluster]:
    """For the block."""
    balancers = {name: Balancer(free_port()) for name in NAMES}
    front = free_port()
    urls = {f"GATEWAY_{name.upper()}_URL": f"http://127.0.0.1:{balancers[name].port}" for name in SERVICES}
    leaving = {f"{name.upper()}_LEAVE_AFTER": "PT1.5S" for name in NAMES}
    portal = Portal(
        home,
        port=balancers["gateway"].port,
        PORTAL_DATABASE=f"{postgres_url}/cluster_{uuid4().hex[:12]}_{{service}}",
        GATEWAY_PORT=str(front),
        GATEWAY_REQUESTS_PER_WINDOW="1000000000",
        **(urls | leaving | environment),
    )
    cluster = Cluster(portal, balancers)
    with ExitStack() as stack:
        stack.callback(portal.stop, signal.SIGINT)
        portal.launch()
        # The public port must be free until the supervisor has looked.
        wait_until((home / "env.json").exists, seconds=60)
        stack.enter_context(balancing(*balancers.values()))
        portal.wait()
        stack.callback(cluster.end)
        ports = json.loads((home / "ports.json").read_text("utf-8"))
        for name in NAMES:
            cluster.add(Replica(name, front if name == "gateway" else ports[name], ports[name]))
        for name in NAMES:
            port = free_port()
            cluster.add(Replica(name, port, free_port() if name == "gateway" else port))
        yield cluster
