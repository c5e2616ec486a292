"""The broker's users: the committed file is the generated one, nats-server takes it, and real connections obey it."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from chassis.bus import Bus, NotPermitted, connected_bus
from chassis.testing import NatsServer, wait_until
from events.registry import REGISTRY, consumers
from portalctl.home import FEEDS, NATS_USERS, SERVICES
from portalctl.permissions import authorization, permissions_of, shipped
from portalctl.supervisor.broker import program

FOLDER = Path(__file__).parents[2] / "deploy" / "nats"


class GuardedServer(NatsServer):
    """With the shipped users; each one's password is its name backwards."""

    def start(self) -> None:
        super().start()
        self.kill()
        config = self.folder / "nats.conf"
        config.write_text(config.read_text() + authorization(lambda user: user[::-1]))
        with (self.folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen([program(), "-c", str(config)], stdout=log, stderr=log)
        wait_until(self._listens, seconds=20)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedServer]:
    server = GuardedServer(tmp_path)
    server.start()
    yield server
    server.kill()


@contextlib.asynccontextmanager
async def bus_of(server: NatsServer, user: str) -> AsyncIterator[Bus]:
    bus = await connected_bus(user, server.url, user=user, password=user[::-1])
    try:
        yield bus
    finally:
        await bus.close()


async def refusals(server: NatsServer, user: str, ask: str, *, publish: bool) -> list[str]:
    """What the broker says to a plain client that asks for one subject, within a second."""
    said: list[str] = []
    told = asyncio.Event()

    async def hear(error: Exception) -> None:
        said.append(str(error).lower())
        told.set()

    client = Client()
    await client.connect(server.url, user=user, password=user[::-1], error_cb=hear)
    if publish:
        await client.publish(ask, b"{}", reply=f"_INBOX_{user}.x")
    else:
        await client.subscribe(ask)
    await client.flush()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(told.wait(), 0.5)
    await client.close()
    return said


def test_the_committed_users_are_those_of_the_registry() -> None:
    assert (FOLDER / "users.conf").read_text("utf-8") == shipped()


def test_nats_server_takes_the_shipped_configuration() -> None:
    secrets = {f"NATS_{user.upper()}_PASSWORD": f"{user}-password" for user in (*NATS_USERS, "route")}
    cluster = {"NATS_NAME": "nats-1", "NATS_ROUTES": "[nats://route:secret@nats-2:6222]"}

    told = subprocess.run(
        [program(), "-t", "-c", str(FOLDER / "nats.conf")],
        env=os.environ | secrets | cluster,
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stderr
    assert "is valid" in told.stderr


def test_without_its_passwords_it_does_not_start() -> None:
    bare = {"PATH": os.environ["PATH"], "NATS_NAME": "nats-1", "NATS_ROUTES": "[]"}

    told = subprocess.run(
        [program(), "-t", "-c", str(FOLDER / "nats.conf")], env=bare, capture_output=True, text=True, check=False
    )

    assert told.returncode != 0
    assert "NATS_" in told.stderr


@pytest.mark.parametrize("user", NATS_USERS)
def test_nobody_publishes_for_another(user: str) -> None:
    own = {subject for subject in permissions_of(user).publish if not subject.startswith(("$JS.", "dlq."))}

    assert own == {subject for subject, event in REGISTRY.items() if event.owner() == user}
    assert not [subject for subject in own if "*" in subject or ">" in subject]
    assert permissions_of(user).subscribe == [f"_INBOX_{user}.>"]


async def test_each_publishes_what_is_its_own_and_is_told_at_once_what_is_not(guarded: GuardedServer) -> None:
    async with bus_of(guarded, "portalctl") as bus:
        await bus.apply()
    for user in (*SERVICES, *FEEDS):
        async with bus_of(guarded, user) as bus:
            for subject, event in REGISTRY.items():
                if event.owner() == user:
                    await bus.publish(subject, b"{}", {})
            foreign = next(subject for subject, event in sorted(REGISTRY.items()) if event.owner() != user)
            started = asyncio.get_running_loop().time()
            with pytest.raises(NotPermitted, match=r"(?i)permissions violation"):
                await bus.publish(foreign, b"{}", {})
            assert asyncio.get_running_loop().time() - started < 1


async def test_a_service_reads_and_acknowledges_its_own_consumers(guarded: GuardedServer) -> None:
    async with bus_of(guarded, "portalctl") as bus:
        await bus.apply()
    for (stream, service), (subject, *_) in consumers().items():
        async with bus_of(guarded, stream.lower()) as sender:
            await sender.publish(subject, b"{}", {"Nats-Msg-Id": f"{stream}-{service}"})
        async with bus_of(guarded, service) as bus:
            async for batch in bus.deliveries(stream):
                for delivery in batch:
                    await delivery.ack()
                if batch:
                    break


async def test_no_service_reads_what_is_not_meant_for_it(guarded: GuardedServer) -> None:
    async with bus_of(guarded, "portalctl") as bus:
        await bus.apply()

    for call in (
        "$JS.API.CONSUMER.MSG.NEXT.BILLING.documents",
        "$JS.API.CONSUMER.MSG.NEXT.CRM.users",
        "$JS.API.CONSUMER.CREATE.BILLING",
        "$JS.API.CONSUMER.CREATE.BILLING.mine.billing.>",
        "$JS.API.CONSUMER.DURABLE.CREATE.BILLING.contacts",
        "$JS.API.STREAM.MSG.GET.BILLING",
        "$JS.API.DIRECT.GET.BILLING",
        "$JS.API.STREAM.DELETE.CONTACTS",
        "$JS.API.STREAM.PURGE.CONTACTS",
        "$JS.ACK.BILLING.documents.1.1.1.1.1",
    ):
        assert await refusals(guarded, "contacts", call, publish=True), call
    for subject in ("billing.>", ">", "_INBOX.>", "_INBOX_documents.>", "$JS.EVENT.>"):
        assert await refusals(guarded, "contacts", subject, publish=False), subject
    assert not await refusals(guarded, "contacts", "_INBOX_contacts.a", publish=False)
    assert await refusals(guarded, "gateway", "$JS.API.CONSUMER.CREATE.BILLING", publish=True)
    assert await refusals(guarded, "portalctl", "$JS.API.STREAM.DELETE.BILLING", publish=True)


@pytest.mark.parametrize(("user", "password"), [("contacts", "contacts"), ("stranger", "regnarts"), ("", "")])
def test_a_stranger_and_a_wrong_password_get_no_connection(guarded: GuardedServer, user: str, password: str) -> None:
    asked = json.dumps({"verbose": False, "user": user, "pass": password})
    with socket.create_connection(("127.0.0.1", guarded.port), 5) as connection, connection.makefile("rb") as answers:
        assert answers.readline().startswith(b"INFO")
        connection.sendall(f"CONNECT {asked}\r\nPING\r\n".encode())

        assert answers.readline() == b"-ERR 'Authorization Violation'\r\n"
        assert answers.readline() == b""
