"""The databases are put back from a backup that is older than objects and broker (docs/operations/backup.md)."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from chassis.testing import _postgres_binaries, wait_until
from tests.people import Person
from tests.portal import Portal, running_portal
from tests.world import Company, World, a_pdf, begin_upload, invoice_data

SCRIPTS = Path(__file__).parents[2] / "deploy" / "postgres"


class Databases:
    """Those of one portal on a server of PostgreSQL, and the shipped scripts."""

    def __init__(self, base_url: str) -> None:
        self._prefix = f"portal_{uuid4().hex[:12]}_"
        self.url = f"{base_url}/{self._prefix}{{service}}"
        server = urlsplit(base_url.replace("+asyncpg", ""))
        binaries = _postgres_binaries()
        self._environment = {
            **os.environ,
            "PATH": f"{binaries}:{os.environ['PATH']}" if binaries else os.environ["PATH"],
            "PGHOST": server.hostname or "",
            "PGPORT": str(server.port),
            "PGUSER": server.username or "",
            "PGPASSWORD": server.password or "",
            "DATABASE": f"{self._prefix}%s",
        }

    def run(self, script: str, folder: Path) -> None:
        done = subprocess.run(
            [SCRIPTS / script, folder], env=self._environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr


def numbers(person: Person) -> set[str]:
    return {row["number"] for row in person.get("/documents").json()["items"]}


def told_of(mails: list[dict[str, Any]], number: str) -> int:
    return sum(number in mail["text"] for mail in mails)


def test_what_came_after_the_backup_comes_again_and_is_said(tmp_path: Path, postgres_url: str) -> None:
    databases = Databases(postgres_url)
    quick = {"USERS_NOTICES_QUIET": "PT1S", "DOCUMENTS_LIFE_INTERVAL": "PT0.2S"}
    with running_portal(tmp_path / "home", PORTAL_DATABASE=databases.url, **quick) as portal:
        world = World(portal)
        old = world.company()
        before = f"RE-{old.canary}"
        databases.run("backup.sh", tmp_path / "backup")
        since = (tmp_path / "backup" / "since").read_text().strip()

        _by_nats(portal, old.customer.number, "RE-after", tmp_path)
        wait_until(lambda: "RE-after" in numbers(old.admin), seconds=20)
        world.publish(old, "RE-http")
        begin_upload(old.admin, "messwerte.txt", 7, b"kanarie")
        new = world.company()
        old.admin.client.patch("/api/v1/users/me", json={"family_name": "Nachher"})
        wait_until(lambda: told_of(portal.mails(), "RE-after") == 1, seconds=20)
        portal.stop()
        databases.run("restore.sh", tmp_path / "backup")
        portal.start()

        assert numbers(old.admin) == {before}
        some = ("users", "documents", "contracts", "auth")
        report = {name: portal.command("heal", name, "--since", since).stdout for name in some}

        assert numbers(old.admin) == {before, "RE-after"}, report["documents"]
        assert old.admin.get("/users/me").json()["family_name"] == "Nachher"
        _the_new_company_is_known(portal, new)
        assert "of 1 users.customer.changed.v1" in report["users"], report["users"]
        assert "BILLING: 1 events again, 0 known; 1 handled" in report["documents"], report["documents"]
        assert "documents: 1 rows before, 2 now (+1)" in report["documents"], report["documents"]
        assert f"it came by HTTP: invoice RE-http of {old.customer.number}" in report["documents"], report["documents"]
        assert f"invoice RE-{new.canary} of {new.customer.number}" in report["documents"], report["documents"]
        assert report["documents"].count("in no row: drive file") == 1, report["documents"]
        again = portal.command("heal", "documents", "--since", since).stdout
        assert "BILLING: 1 events again, 1 known; nothing new" in again, again
        world.publish(old, "RE-http")
        assert numbers(old.admin) == {before, "RE-after", "RE-http"}
        assert told_of(portal.mails(), "RE-after") == 1


def _by_nats(portal: Portal, customer: str, number: str, folder: Path) -> None:
    file = folder / f"{number}.pdf"
    file.write_bytes(a_pdf(number))
    fields = invoice_data(customer, number, b"")
    del fields["files"], fields["customer_number"]
    file.with_suffix(".json").write_text(json.dumps(fields))
    portal.command("publish-invoice", "--customer", customer, file)


def _the_new_company_is_known(portal: Portal, new: Company) -> None:
    operator = portal.operator()
    found = operator.get("/customers", params={"q": new.customer.number}).json()["items"]
    assert [row["id"] for row in found] == [new.customer.id]
    # What changes from here on is newer for everybody.
    content = a_pdf("later")
    assert World(portal).send(invoice_data(new.customer.number, "RE-later", content), content).status_code == 202
