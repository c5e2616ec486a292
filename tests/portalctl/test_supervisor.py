"""`portalctl run` for real: what it starts, says, restarts, and how it ends."""

import contextlib
import os
import signal
import time
from pathlib import Path

import httpx2
import pytest

from chassis.testing import wait_until
from tests.portal import FIRST_OPERATOR, Portal, running_portal

pytestmark = pytest.mark.timeout(300)
NAMES = {"nats", "auth", "users", "documents", "contacts", "contracts", "metrics", "gateway"}


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def budget(seconds: float) -> float:
    """Of a quiet machine; more where others use the processors too."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_run_json_says_all_that_a_script_needs(portal: Portal) -> None:
    run = portal.run

    assert run["public_url"] == portal.url
    assert run["mail_url"] == f"{portal.url}/dev/mail"
    assert run["nats_url"].startswith("nats://127.0.0.1:")
    assert set(run["feeds"]) == {"billing", "crm", "network"}
    assert all(set(feed) == {"user", "password"} for feed in run["feeds"].values())
    assert set(run["processes"]) == NAMES
    assert all(set(process) == {"pid", "port"} for process in run["processes"].values())
    assert all(is_alive(process["pid"]) for process in run["processes"].values())


def test_nobody_else_can_read_the_state(portal: Portal) -> None:
    private = ("run.json", "env.json", "secrets.json", "gateway-signing-key.json", "nats.conf", "mails.jsonl")

    assert portal.home.stat().st_mode & 0o777 == 0o700
    assert {name: oct((portal.home / name).stat().st_mode & 0o777) for name in private} == dict.fromkeys(
        private, "0o600"
    )


def test_the_first_operators_link_is_printed_and_in_the_mailbox(portal: Portal) -> None:
    theirs = (mail for mail in portal.mails() if FIRST_OPERATOR in mail["to"])
    (mail,) = (mail for mail in theirs if "/invitation#" in mail["text"])
    link = next(word for word in portal.said().split() if "/invitation#" in word)

    assert link.startswith(f"{portal.url}/invitation#")
    assert link in mail["text"]
    assert link in httpx2.get(portal.run["mail_url"]).text


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_killed_process_comes_back_and_it_is_said(portal: Portal, name: str) -> None:
    before = portal.kill(name)

    wait_until(lambda: portal.pids[name] != before and is_alive(portal.pids[name]), seconds=20)
    assert f"{name} was killed by SIGKILL; starting it again" in portal.said()
    wait_until(lambda: _answers(portal), seconds=60, every=0.2)


def _answers(portal: Portal) -> bool:
    """Through the gateway down to a service that asks its database."""
    try:
        body = {"username": "nobody@kunde.example", "password": "falsch"}
        answer = httpx2.post(f"{portal.url}/api/v1/auth/login", json=body, headers={"Origin": portal.url}, timeout=5)
    except httpx2.TransportError:
        return False
    return answer.status_code in (401, 429)


def test_a_port_in_use_is_named_with_its_holder(portal: Portal, tmp_path: Path) -> None:
    second = Portal(tmp_path / "second", port=portal.port)
    second.launch()

    assert second.process is not None
    assert second.process.wait(30) == 2
    assert f"port {portal.port} is in use by pid {portal.pids['gateway']}" in second.said()


def test_one_supervisor_for_one_folder(portal: Portal) -> None:
    done = portal.command("run", "--port", "1", check=False)

    assert done.returncode == 2
    assert f"pid {portal.run['pid']}" in done.stderr


def test_killed_then_started_again_then_ended_by_ctrl_c(tmp_path: Path) -> None:
    with running_portal(tmp_path / "home") as portal:
        operator, pids = portal.operator(), portal.pids

        assert portal.process is not None
        portal.process.kill()
        portal.process.wait()
        wait_until(lambda: not [pid for pid in pids.values() if is_alive(pid)], seconds=5)

        assert started_again_within(portal, budget(8))
        assert operator.get("/auth/session").json()["user"]["username"] == FIRST_OPERATOR
        assert len(portal.mails()) == 1
        assert "/invitation#" not in portal.said()

        admin, pids = portal.customer().admin, portal.pids
        with admin.client.stream("GET", "/api/v1/live", headers={"Accept": "text/event-stream"}) as stream:
            assert stream.status_code == 200
            asked = time.monotonic()
            assert portal.stop(signal.SIGINT) == 0
            assert time.monotonic() - asked < 5
        assert not [name for name, pid in pids.items() if is_alive(pid)]
        assert not (portal.home / "run.json").exists()


def started_again_within(portal: Portal, seconds: float) -> bool:
    portal.terminal.unlink()
    started = time.monotonic()
    portal.start()
    return time.monotonic() - started < seconds


def test_ctrl_c_while_starting_leaves_nobody_behind(tmp_path: Path) -> None:
    portal = Portal(tmp_path / "home")
    portal.launch()
    wait_until(lambda: "Starting the services" in portal.said(), seconds=60)

    assert portal.stop(signal.SIGTERM) == 0
    assert _named(portal.home) == []


def _named(home: Path) -> list[str]:
    """Processes whose command or environment names this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if str(home).encode() in words:
                found.append(process.name)
    return found


def test_the_demo_can_be_signed_in_to(tmp_path: Path) -> None:
    with running_portal(tmp_path / "home", demo=True) as portal:
        printed = portal.said()
        anna = portal.stranger("anna@beispiel-logistik.example")
        password = printed.partition(f"user name {anna.username}")[2].split()[1]
        assert anna.password_step(password).json() == {"next": "second_factor"}
        code = portal.command("demo-code", anna.username).stdout.strip()
        assert anna.post("/auth/login/second-factor", {"code": code}).status_code == 200

        folders = anna.get("/documents/folders").json()
        kinds = {
            kind: len(anna.get(f"/documents?kind={kind}").json()["items"]) for kind in ("credit_note", "correction")
        }
        contacts = anna.get("/contacts?limit=200").json()["items"]
        review = anna.get("/contacts/review").json()
        states = {row["state"] for row in anna.get("/users?limit=200").json()["items"]}
        newcomer = portal.stranger("lena.erstmals@beispiel-logistik.example")
        newcomer.first_access(printed.partition("/invitation#")[2].split()[0])

        assert len(folders) in (9, 10)
        assert sum(year["count"] for year in folders) >= 108
        assert kinds == {"credit_note": 1, "correction": 1}
        assert len(contacts) == 20
        assert {contact["confirmed_by"] for contact in contacts} == {None, "Anna Beispiel"}
        assert [contact["roles"] for contact in contacts if contact["pending"]] == [["invoices"]]
        assert (review["due_count"], review["gaps"]) == (2, ["technical_out_of_hours"])
        assert states == {"created", "invited", "password_set", "active", "deactivated"}
        assert newcomer.get("/auth/session").status_code == 200
        assert (portal.home / "demo.json").stat().st_mode & 0o777 == 0o600
        assert portal.command("demo").stdout == "The demo data is loaded already.\n"


def test_production_takes_no_demo_and_no_supervisor(tmp_path: Path) -> None:
    safe = {"USERS_NATS_USER": "users", "USERS_NATS_PASSWORD": "geheim", "USERS_SMTP_TLS": "true"}
    url = "https://portal.nordwelle.example"
    portal = Portal(tmp_path / "home", USERS_PRODUCTION="true", USERS_PUBLIC_URL=url, **safe)

    refused = portal.command("demo", check=False)
    portal.launch()

    assert refused.returncode == 1
    assert "production takes no demo data" in refused.stderr
    assert portal.process is not None
    assert portal.process.wait(30) == 1
    assert "USERS_PRODUCTION is set" in portal.said()
