"""The inner port, the signing key, and the process itself."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from joserfc import jws
from joserfc.jwk import KeySet, OKPKey

from chassis.identity import Identity, Verifier
from chassis.testing import eventually, free_port
from gateway.settings import Settings
from gateway.signing import Signer
from tests.gateway.conftest import BRAND, World


async def test_the_inner_port_tells_health_telemetry_and_public_keys(world: World) -> None:
    inner = f"http://127.0.0.1:{world.gateway.inner_port}"
    async with world.http.get(world.api("/documents/folders"), headers=world.signed_in()):
        pass
    async with world.http.get(inner + "/healthz") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})
    async with world.http.get(inner + "/readyz") as answer:
        assert answer.status == 200
    async with world.http.get(inner + "/telemetry") as answer:
        figures = await answer.text()
    async with world.http.get(inner + "/identity-keys") as answer:
        keys = await answer.json()
    async with world.http.get(inner + "/api/v1/brand") as answer:
        assert answer.status == 404

    series = (
        'request_duration_seconds_count{method="GET",route="/api/v1/documents/folders",service="gateway",status="200"}'
    )
    assert series in figures
    assert 'gateway_lookups_total{result="asked"}' in figures
    assert [set(key) for key in keys["keys"]] == [{"kty", "crv", "x", "kid", "alg"} & set(keys["keys"][0])]
    assert "d" not in keys["keys"][0]


async def test_the_inner_paths_are_not_on_the_public_port(world: World) -> None:
    for path in ("/identity-keys", "/telemetry", "/readyz", "/healthz"):
        async with world.http.get(world.base + path) as answer:
            text = await answer.text()
        assert "kid" not in text
        assert "request_duration" not in text


def test_a_key_that_is_none_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    key = OKPKey.generate_key("Ed25519", {"kid": "a"})
    bad: list[Any] = [
        key.as_dict(private=False),
        {name: value for name, value in key.as_dict(private=True).items() if name != "kid"},
        OKPKey.generate_key("X25519", {"kid": "a"}).as_dict(private=True),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "a"},
        {"keys": []},
    ]
    for data in bad:
        path.write_text(json.dumps(data))
        with pytest.raises(ValueError, match="must"):
            Signer.from_file(path)


async def test_keys_rotate_the_first_signs_all_are_served(tmp_path: Path) -> None:
    old, new = (OKPKey.generate_key("Ed25519", {"kid": kid}) for kid in ("old", "new"))
    path = tmp_path / "key.json"
    path.write_text(json.dumps({"keys": [new.as_dict(private=True), old.as_dict(private=True)]}))
    signer = Signer.from_file(path)

    token = signer.token(Identity(sub="anonymous"), "auth", {}).decode()

    assert jws.extract_compact(token.encode()).headers()["kid"] == "new"
    assert {key["kid"] for key in signer.public()["keys"]} == {"old", "new"}
    verifier = Verifier("auth", "http://127.0.0.1:9/")
    verifier.trust(KeySet.import_key_set(signer.public()).as_dict(private=False))  # type: ignore[arg-type]
    assert (await verifier.verify(token)).sub == "anonymous"


def test_a_token_is_renewed_while_ten_seconds_are_left() -> None:
    now = [0.0]
    signer = Signer(KeySet([OKPKey.generate_key("Ed25519", {"kid": "a"})]), clock=lambda: now[0])
    cache: Any = {}
    person = Identity(sub="a")

    first = signer.token(person, "auth", cache)
    now[0] = 48
    assert signer.token(person, "auth", cache) is first
    assert signer.token(person, "users", cache) is not first
    assert signer.token(person, "auth", cache, ip="192.0.2.1") is not first
    now[0] = 50
    assert cache["auth", "", "de"][0] is first
    signer.token(person, "auth", cache)
    assert cache["auth", "", "de"][1] > 90


class Process:
    """`portalctl serve gateway`, without `portalctl`."""

    def __init__(self, folder: Path, **values: str) -> None:
        self.port, self.inner_port = free_port(), free_port()
        (folder / "brand.toml").write_text(BRAND)
        key = OKPKey.generate_key("Ed25519", {"kid": "one"})
        (folder / "key.json").write_text(json.dumps(key.as_dict(private=True)))
        names = {
            "GATEWAY_PORT": str(self.port),
            "GATEWAY_INNER_PORT": str(self.inner_port),
            "GATEWAY_SIGNING_KEY_FILE": str(folder / "key.json"),
            "GATEWAY_BRAND_FILE": str(folder / "brand.toml"),
            "GATEWAY_WEB_FOLDER": str(folder / "dist"),
            "GATEWAY_NATS_URL": "nats://127.0.0.1:9",
        }
        self.log = folder / "log"
        command = [sys.executable, "-c", "from gateway.main import run; run()"]
        with self.log.open("ab") as log:
            environment = os.environ | names | values
            self.popen = subprocess.Popen(command, env=environment, stderr=log, cwd=Path(__file__).parents[2])

    async def listens(self) -> bool:
        try:
            async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{self.port}/api/v1/brand"):
                return True
        except aiohttp.ClientError:
            assert self.popen.poll() is None, self.log.read_text()
            return False


@pytest.fixture
def process_in(tmp_path: Path) -> Any:
    started = []

    def start(**values: str) -> Process:
        started.append(Process(tmp_path, **values))
        return started[-1]

    yield start
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
        process.popen.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_starts_and_ends_when_it_is_told(process_in: Callable[..., Process], number: signal.Signals) -> None:
    process = process_in()
    await eventually(process.listens, seconds=60, every=0.1)

    process.popen.send_signal(number)
    code = await asyncio.to_thread(process.popen.wait, 5)

    assert code == 0
    log = process.log.read_text()
    assert '"gateway_stopped"' in log
    assert "Traceback" not in log
    for line in log.splitlines():
        json.loads(line)


async def test_a_port_in_use_stops_the_start_and_is_named(process_in: Callable[..., Process]) -> None:
    first = process_in()
    await eventually(first.listens, seconds=60, every=0.1)
    second = process_in(GATEWAY_PORT=str(first.port))

    code = await asyncio.to_thread(second.popen.wait, 60)

    assert code != 0
    assert str(first.port) in second.log.read_text()


@pytest.mark.parametrize(
    "values",
    [
        {"production": True, "public_url": "https://portal.example", "mailbox_url": "http://127.0.0.1:1"},
        {"production": True},
        {"auth_url": "https://auth.example"},
        {"auth_url": "http://auth.example/path"},
        {"principal_kept": 6},
        {"public_url": "http://portal.example/path"},
    ],
)
def test_an_unsafe_setting_stops_the_start(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Settings(**values)
