"""Starts everything in order, keeps it running, and ends it in order."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Mapping, Sequence

import aiohttp

from portalctl.console import Failed, say
from portalctl.home import ROOT, SERVICES
from portalctl.supervisor.child import Child, Recipe, tied_to
from portalctl.supervisor.installation import Installation
from portalctl.supervisor.leash import Leash
from portalctl.supervisor.mailbox import Mailbox, MailboxServers
from portalctl.supervisor.revisions import is_current

READY_SECONDS = 120.0
SERVICES_STOP_SECONDS = 3.5
BROKER_STOP_SECONDS = 0.8


class Supervisor:
    """The processes of one installation."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.mailbox = Mailbox(installation.home / "mails.jsonl")
        self._servers = MailboxServers(self.mailbox)
        self._children: dict[str, Child] = {}
        self._leash = None if sys.platform == "linux" else Leash()
        self._announced = False

    async def start(self) -> None:
        """Broker, mailbox, databases and streams, services, gateway; returns when all are ready.

        Raises:
            Failed: one of them does not come up.
        """
        ports = self.installation.ports
        say("Starting the broker and the mailbox ...")
        await self._start_child(self.installation.nats_recipe())
        await self._servers.start(ports["smtp"], ports["mailbox"])
        await self._listening(ports["nats"])
        say("Bringing databases, streams and consumers up to date ...")
        await asyncio.gather(self._migrate(), self.command("nats", "apply"))
        say("Starting the services and the gateway ...")
        recipes = self.installation.recipes()
        for recipe in recipes:
            await self._start_child(recipe)
        await self._ready([recipe.name for recipe in recipes])
        self._announced = True
        self._announce()

    async def command(self, *arguments: str, shown: bool = False) -> None:
        """Run `portalctl` itself with this installation's environment.

        Raises:
            Failed: it does not end well; its own words are in the message.
        """
        environment = {**os.environ, **self.installation.environment, "PORTAL_HOME": str(self.installation.home.folder)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "portalctl.main", *arguments),
            env=environment,
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=None if shown else asyncio.subprocess.PIPE,
            stderr=None if shown else asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=tied_to(os.getpid()),
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            words = (output or b"").decode("utf-8", "replace").strip()[-2000:]
            raise Failed(f"portalctl {' '.join(arguments)} failed\n{words}".rstrip())

    async def stop(self) -> None:
        """Services and gateway first, so that they still reach the broker; whoever is late is killed."""
        broker = self._children.pop("nats", None)
        for child in self._children.values():
            child.ask_to_stop()
        end = time.monotonic() + SERVICES_STOP_SECONDS
        stopping = (child.stop(within_seconds=end - time.monotonic()) for child in self._children.values())
        await asyncio.gather(*stopping)
        await self._servers.stop()
        if broker is not None:
            await broker.stop(within_seconds=BROKER_STOP_SECONDS)
        if self._leash is not None:
            self._leash.let_go()
        with contextlib.suppress(FileNotFoundError):
            (self.installation.home / "run.json").unlink()

    async def _migrate(self) -> None:
        urls = self.installation.environment
        if not all(is_current(service, urls[f"{service.upper()}_DATABASE_URL"]) for service in SERVICES):
            await self.command("migrate", "all")

    async def _start_child(self, recipe: Recipe) -> None:
        self._children[recipe.name] = Child(recipe, self._on_start, self._on_end)
        await self._children[recipe.name].start()

    def _on_start(self, pid: int) -> None:
        if self._leash is not None:
            self._leash.hold(pid)
        if self._announced:
            self._announce()

    def _on_end(self, pid: int) -> None:
        if self._leash is not None:
            self._leash.release(pid)

    def _announce(self) -> None:
        pids: Mapping[str, int] = {name: child.pid for name, child in self._children.items()}
        self.installation.home.write("run.json", self.installation.run_json(pids))

    async def _listening(self, port: int) -> None:
        end = time.monotonic() + READY_SECONDS
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            except OSError:
                if time.monotonic() > end:
                    raise self._not_ready(["nats"]) from None
                await asyncio.sleep(0.02)

    async def _ready(self, names: Sequence[str]) -> None:
        waiting = list(names)
        end = time.monotonic() + READY_SECONDS
        timeout = aiohttp.ClientTimeout(total=3)
        async with aiohttp.ClientSession(timeout=timeout) as client:
            while waiting:
                for name in tuple(waiting):
                    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                        async with client.get(self.installation.ready_url(name)) as answer:
                            if answer.status == 200:
                                waiting.remove(name)
                if waiting and time.monotonic() > end:
                    raise self._not_ready(waiting)
                if waiting:
                    await asyncio.sleep(0.05)

    def _not_ready(self, names: Sequence[str]) -> Failed:
        logs = ", ".join(str(self._children[name].recipe.log) for name in names)
        return Failed(f"not ready within {READY_SECONDS:.0f} s: {', '.join(names)}. Their words: {logs}")
