"""The main job in containers: image, compose, PostgreSQL, three NATS nodes, S3 and SMTP. Where no engine is asked for,
`tests/e2e` does the same job on processes of this machine.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from chassis.testing import free_port, wait_until
from portalctl.commands.secrets import names
from portalctl.main import main
from tests.people import Person, stranger
from tests.world import a_pdf

ROOT = Path(__file__).parents[2]
HOST = os.environ.get("TEST_CONTAINERS_HOST", "localhost")
pytestmark = [
    pytest.mark.skipif(
        not os.environ.get("TEST_CONTAINERS"), reason="`make test-containers`; tests/e2e does it without"
    ),
    pytest.mark.timeout(900),
]


class Compose:
    """One project of its own."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(ROOT / "deploy", folder / "deploy")
        shutil.copytree(ROOT / "tests" / "deploy", folder / "stand_ins", ignore=shutil.ignore_patterns("*.py"))
        assert main(["secrets", str(folder / "deploy")]) == 0
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._project = f"kundenportal-{uuid4().hex[:8]}"
        self._folder = folder / "deploy"
        self._environment = os.environ | {
            "PORTAL_LISTEN": str(self.port),
            "PORTAL_URL": self.url,
            "POSTGRES_IMAGE": "postgres:15",
            "CLAMD_URL": "",
        }

    def __call__(self, *arguments: str, seconds: int = 300, check: bool = True) -> str:
        files = ["-f", "compose.yaml", "-f", "../stand_ins/compose.test.yaml"]
        done = subprocess.run(
            ["docker", "compose", "-p", self._project, *files, *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def portalctl(self, *arguments: str, mount: str = "") -> str:
        volume = ["-v", mount] if mount else []
        return self("run", "--rm", "--no-deps", "-T", *volume, "portalctl", *arguments)

    def invitation(self, username: str) -> str:
        """The secret of the link, as the mail server took it."""

        def found() -> str | None:
            for mail in self("logs", "--no-log-prefix", "mailpit").split("MESSAGE FOLLOWS"):
                if f"To: {username}" in mail and (match := re.search(r"/invitation#([\w-]+)", mail)):
                    return match[1]
            return None

        return wait_until(found, seconds=60, every=0.5)


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    image = os.environ.get("PORTAL_IMAGE", "kundenportal:latest")
    subprocess.run(["docker", "build", "-q", "-f", "deploy/Dockerfile", "-t", image, "."], cwd=ROOT, check=True)
    made = Compose(tmp_path_factory.mktemp("compose"))
    try:
        made("up", "-d", "--wait", "--wait-timeout", "240", seconds=400)
        yield made
    finally:
        made("down", "-v", "--timeout", "20", check=False)


def invited(compose: Compose, username: str) -> Person:
    person = stranger(compose.url, username)
    person.first_access(compose.invitation(username))
    return person


def test_an_invoice_is_read_although_a_broker_node_is_lost(compose: Compose, tmp_path: Path) -> None:
    compose.portalctl(
        *("invite-operator", "--email", "ada@nordwelle.example", "--given-name", "Ada", "--family-name", "Probe")
    )
    operator = invited(compose, "ada@nordwelle.example")
    made = operator.post(
        "/customers", {"number": "KD-1", "name": "Container AG", "email_domains": ["container.example"]}
    )
    assert made.status_code == 201, made.text
    assert operator.post("/auth/session/customer", {"customer_id": made.json()["id"]}).status_code == 200
    row = {"email": "anna@container.example", "given_name": "Anna", "family_name": "Muster", "role": "admin"}
    admin_row = operator.post("/users", row | {"modules": ["invoices"]})
    assert admin_row.status_code == 201, admin_row.text
    assert operator.post(f"/users/{admin_row.json()['id']}/invitation").status_code == 202
    admin = invited(compose, "anna@container.example")

    for number in ("RE-1", "RE-2"):
        (tmp_path / f"{number}.pdf").write_bytes(a_pdf(number))
        (tmp_path / f"{number}.pdf").chmod(0o444)
        fields = ("--number", number, "--issued-on", "2026-10-31", "--net", "100", "--tax", "19", "--gross", "119")
        mount = f"{tmp_path / f'{number}.pdf'}:/tmp/{number}.pdf:ro"
        compose.portalctl("publish-invoice", f"/tmp/{number}.pdf", "--customer", "KD-1", *fields, mount=mount)

        def numbers() -> list[str]:
            return [one["number"] for one in admin.get("/documents").json()["items"]]

        wait_until(lambda number=number: number in numbers(), seconds=30)  # type: ignore[misc]
        compose("kill", "nats-2", check=False)

    (document,) = [one for one in admin.get("/documents").json()["items"] if one["number"] == "RE-2"]
    content = admin.get(f"/documents/{document['id']}/files/{document['files'][0]['id']}")
    assert content.content == a_pdf("RE-2")
    compose("up", "-d", "--wait", "nats-2")


def test_no_process_is_root_or_can_write(compose: Compose) -> None:
    who = compose("exec", "-T", "documents", "sh", "-c", "id -u; touch /app/x 2>&1; command -v pip gcc npm; true")

    assert who.splitlines()[0] == "10001"
    assert "Read-only file system" in who or "Permission denied" in who
    assert len(who.splitlines()) == 2


def test_what_leaves_the_processes_holds_no_secret(compose: Compose) -> None:
    said = compose("logs", "--no-log-prefix", *("gateway", "auth", "users", "documents"))
    known = dict(line.split("=", 1) for line in (compose._folder / ".env").read_text().splitlines()[1:])

    assert [name for name in names() if known[name] in said] == []
    for line in said.splitlines():
        if line.startswith("{"):
            json.loads(line)


def test_the_inner_ports_are_not_published(compose: Compose) -> None:
    published = compose("ps", "--format", "{{.Service}} {{.Ports}}")

    open_to_all = {line.split()[0] for line in published.splitlines() if "->" in line}
    assert open_to_all == {"gateway"}
    assert httpx2.get(f"{compose.url}/telemetry").headers["content-type"].startswith("text/html")
