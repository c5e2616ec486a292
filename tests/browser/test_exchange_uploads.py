"""Dateien / Austausch: files on their way. Dragged in, cut off, taken up again, seen by the other side."""

import hashlib
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Dialog, Locator, Route, expect

from chassis.testing import wait_until
from tests.browser.dropping import drop
from tests.browser.tab import NewTab, Tab
from tests.people import Person
from tests.portal import Portal
from tests.world import Company, World, a_pdf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
LARGE = 200_000_000
SLOW = 12_000_000
"""Bytes a second: slow enough that a reload hits the middle."""


@pytest.fixture
def firm(world: World) -> Company:
    """A company of its own for each test."""
    return world.company()


@pytest.fixture(scope="module")
def call_records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """200 MB that do not compress."""
    path = tmp_path_factory.mktemp("large") / "einzelverbindungen-2026-10.csv"
    with path.open("wb") as file:
        noise = random.Random(5)
        for _ in range(LARGE // 1_000_000):
            file.write(noise.randbytes(1_000_000))
    yield path
    path.unlink()


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def at_exchange(new_tab: NewTab, person: Person) -> Tab:
    tab = new_tab(person)
    tab.open("/files/exchange")
    return tab


def as_operator(new_tab: NewTab, portal: Portal, company: Company) -> Tab:
    operator = portal.operator()
    assert operator.post("/auth/session/customer", {"customer_id": company.customer.id}).status_code == 200
    return at_exchange(new_tab, operator)


def known(person: Person, parent: str | None = None) -> list[dict[str, Any]]:
    params = {"parent": parent} if parent else {}
    return list(person.get("/exchange/entries", params=params).json().get("items", []))


def row(tab: Tab, name: str) -> Locator:
    return tab.page.locator("tr[data-entry]").filter(has_text=name)


def upload(tab: Tab, name: str) -> Locator:
    return tab.page.locator(f"li[data-upload='{name}']")


@dataclass
class Line:
    """What this tab is connected by, as the browser itself plays it."""

    session: CDPSession

    def limit(self, bytes_per_second: int) -> None:
        limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
        self.session.send("Network.emulateNetworkConditions", limits)


def slow_down(tab: Tab, bytes_per_second: int = SLOW) -> Line:
    line = Line(tab.page.context.new_cdp_session(tab.page))
    line.session.send("Network.enable")
    line.limit(bytes_per_second)
    return line


def test_200_mb_dragged_in_and_reloaded_in_the_middle_arrive_whole_and_both_sides_see_what_happens(
    new_tab: NewTab, portal: Portal, firm: Company, call_records: Path
) -> None:
    tab = at_exchange(new_tab, firm.admin)
    tab.page.locator("[data-live=on]").wait_for()
    slow_down(tab)
    drop(tab.page, call_records)
    going = upload(tab, call_records.name)
    expect(going).to_have_attribute("data-state", "sending")
    expect(going).to_contain_text("noch")
    assert done(going) < LARGE

    warned: list[str] = []

    def leave(dialog: Dialog) -> None:
        warned.append(dialog.type)
        dialog.accept()

    tab.page.on("dialog", leave)
    tab.page.locator("h1").click()
    has_sent(going, 40e6)
    tab.page.reload()
    tab.settle()
    assert warned == ["beforeunload"]

    # The browser lends a dropped file again: nobody is asked for anything.
    has_sent(going, 40e6)
    expect(row(tab, call_records.name)).to_contain_text("200 MB", timeout=90_000)
    expect(row(tab, call_records.name)).to_contain_text("noch nicht geöffnet")
    expect(tab.page.locator("[data-unfinished-uploads]")).to_have_count(0)

    staff = as_operator(new_tab, portal, firm)
    expect(staff.page.locator("[data-whose]")).to_contain_text(firm.canary)
    theirs = row(staff, call_records.name)
    expect(theirs).to_contain_text("neu")
    with staff.page.expect_download() as download:
        theirs.get_by_role("link", name=f"{call_records.name} herunterladen").click()
    assert sha256_of(download.value.path()) == sha256_of(call_records)
    expect(row(tab, call_records.name)).not_to_contain_text("noch nicht geöffnet")
    expect(row(tab, call_records.name)).to_contain_text("geöffnet")
    wait_until(lambda: known(firm.admin)[0]["sha256"] == sha256_of(call_records), seconds=30)


def test_a_chosen_file_is_chosen_again_after_a_reload_and_another_one_is_refused(
    new_tab: NewTab, firm: Company, call_records: Path
) -> None:
    tab = at_exchange(new_tab, firm.admin)
    slow_down(tab, 3 * SLOW)
    choose(tab.button("Dateien hochladen"), tab, call_records)
    going = upload(tab, call_records.name)
    tab.page.on("dialog", lambda dialog: dialog.accept())
    has_sent(going, 60e6)
    tab.page.reload()
    tab.settle()
    left = tab.page.locator(f"li[data-unfinished='{call_records.name}']")
    expect(left).to_contain_text("von 200 MB sind da")
    tab.look("exchange-unfinished")
    other = call_records.parent / "andere.csv"
    other.write_bytes(b"x")
    again = left.get_by_role("button", name=f"Datei erneut wählen: {call_records.name}")
    choose(again, tab, other)
    tab.shows("Das ist nicht dieselbe Datei")
    choose(again, tab, call_records)
    expect(left).to_have_count(0)
    has_sent(going, 60e6)
    expect(row(tab, call_records.name)).to_contain_text("200 MB", timeout=60_000)
    wait_until(lambda: known(firm.admin)[0]["sha256"] == sha256_of(call_records), seconds=30)


def choose(button: Locator, tab: Tab, *paths: Path) -> None:
    """In the browser's own file dialog."""
    with tab.page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files(list(paths))


def done(row: Locator) -> float:
    return float(row.locator("progress").evaluate("element => element.value"))


def has_sent(row: Locator, least: float) -> None:
    """Waits for it."""
    wait_until(lambda: done(row) > least, seconds=40)


def test_a_folder_dragged_in_arrives_with_everything_in_it(new_tab: NewTab, firm: Company, tmp_path: Path) -> None:
    folder = tmp_path / "Nachweise 2026"
    (folder / "Oktober" / "leer").mkdir(parents=True)
    (folder / "liesmich.txt").write_text("für Sie")
    (folder / ".DS_Store").write_bytes(b"x")
    for n in range(5):
        (folder / "Oktober" / f"teil-{n}.csv").write_text(f"{n};" * 100)
    loose = tmp_path / "lose.txt"
    loose.write_text("daneben")
    tab = at_exchange(new_tab, firm.admin)
    drop(tab.page, folder, loose, upto="dragOver")
    expect(tab.page.locator(".over")).to_contain_text("Loslassen zum Hochladen in „Austausch“")
    drop(tab.page, folder, loose)

    expect(row(tab, "lose.txt")).to_be_visible()
    tab.shows("7 Dateien sind hochgeladen")
    tab.page.get_by_role("link", name="Ordner Nachweise 2026 öffnen").click()
    expect(row(tab, "liesmich.txt")).to_be_visible()
    expect(tab.page.locator("tr[data-entry]")).to_have_count(2)
    tab.page.get_by_role("link", name="Ordner Oktober öffnen").click()
    expect(tab.page.locator("tr[data-entry]")).to_have_count(6)
    expect(tab.page.locator("tr[data-entry]").first).to_contain_text("leer")
    expect(tab.page.locator("[data-totals]")).to_contain_text("1 Ordner und 5 Dateien")
    expect(tab.page.get_by_role("navigation", name="Wo Sie sind")).to_contain_text("Nachweise 2026")

    drop(tab.page, folder / "Oktober" / "teil-0.csv")
    expect(tab.page.locator("tr[data-entry]")).to_have_count(6)
    wait_until(lambda: versions(firm.admin, tab, "teil-0.csv") == 2, seconds=20)


def versions(person: Person, tab: Tab, name: str) -> int:
    entry = row(tab, name).get_attribute("data-entry")
    return len(person.get(f"/exchange/files/{entry}/versions").json())


def test_pause_resume_cancel_and_going_on_elsewhere_in_the_portal(
    new_tab: NewTab, firm: Company, call_records: Path
) -> None:
    tab = at_exchange(new_tab, firm.admin)
    slow_down(tab)
    drop(tab.page, call_records)
    going = upload(tab, call_records.name)
    has_sent(going, 5e6)
    tab.page.get_by_role("navigation", name="Apps").get_by_role("link", name="Ansprechpartner").click()
    tab.page.wait_for_url("**/contacts")
    chip = tab.page.locator("a.uploading")
    expect(chip).to_contain_text("%")
    before = chip.inner_text()
    expect(chip).not_to_have_text(before)
    chip.click()

    going.get_by_role("button", name=f"{call_records.name} anhalten").click()
    expect(going).to_have_attribute("data-state", "paused")
    expect(going).to_contain_text("angehalten")
    stopped_at = done(going)
    tab.look("exchange-paused")
    going.get_by_role("button", name=f"{call_records.name} fortsetzen").press("Enter")
    expect(going).to_have_attribute("data-state", "sending")
    has_sent(going, stopped_at + 2e6)
    usage = firm.admin.get("/exchange/usage").json()
    assert LARGE in usage.values()
    going.get_by_role("button", name=f"Upload von {call_records.name} abbrechen").click()
    expect(going).to_have_count(0)
    wait_until(lambda: LARGE not in firm.admin.get("/exchange/usage").json().values(), seconds=20)
    assert known(firm.admin) == []


def test_a_lost_connection_heals_by_itself(new_tab: NewTab, portal: Portal, firm: Company, call_records: Path) -> None:
    tab = at_exchange(new_tab, firm.admin)
    line = slow_down(tab, 2 * SLOW)
    drop(tab.page, call_records)
    going = upload(tab, call_records.name)
    has_sent(going, 20e6)
    portal.kill("gateway")
    expect(going).to_contain_text("Verbindung unterbrochen, geht von selbst weiter")
    line.limit(-1)
    expect(row(tab, call_records.name)).to_contain_text("200 MB", timeout=60_000)
    wait_until(lambda: known(firm.admin)[0]["sha256"] == sha256_of(call_records), seconds=30)
    expect(tab.page.get_by_role("alert")).to_have_count(0)
    tab.complaints = [one for one in tab.complaints if "net::ERR" not in one and "status of 50" not in one]


def test_several_at_once_three_in_parallel_each_whole(new_tab: NewTab, firm: Company, tmp_path: Path) -> None:
    tab = at_exchange(new_tab, firm.admin)
    inside, most = [0], [0]

    def count(route: Route) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        route.continue_()

    tab.page.route("**/api/v1/exchange/uploads/*", count)
    tab.page.on("requestfinished", lambda request: inside.__setitem__(0, inside[0] - ("/uploads/" in request.url)))
    paths = []
    for n in range(8):
        paths.append(tmp_path / f"datei-{n}.bin")
        paths[-1].write_bytes(os.urandom(300_000 + n))
    (tmp_path / "leer.txt").touch()
    choose(tab.button("Dateien hochladen"), tab, *paths, tmp_path / "leer.txt")
    tab.shows("9 Dateien sind hochgeladen")
    expect(tab.page.locator("tr[data-entry]")).to_have_count(9)

    assert 1 < most[0] <= 3
    sums = {entry["name"]: entry["sha256"] for entry in known(firm.admin)}
    assert sums == {path.name: sha256_of(path) for path in [*paths, tmp_path / "leer.txt"]}


def test_what_is_refused_says_why_and_the_rest_goes_on(
    new_tab: NewTab, firm: Company, portal: Portal, tmp_path: Path
) -> None:
    (tmp_path / "con.txt").write_text("ein Name, den Windows für sich behält")
    (tmp_path / "gut.pdf").write_bytes(a_pdf("gut"))
    tab = at_exchange(new_tab, firm.admin)
    drop(tab.page, tmp_path / "con.txt", tmp_path / "gut.pdf")

    expect(row(tab, "gut.pdf")).to_be_visible()
    refused = upload(tab, "con.txt")
    expect(refused).to_have_attribute("data-state", "failed")
    expect(refused.get_by_role("alert")).to_contain_text("Diesen Namen behält Windows für sich")
    tab.look("exchange-refused")
    tab.button("Liste leeren").click()
    expect(refused).to_have_count(0)


def test_a_full_drive_says_so_before_a_byte_is_sent(new_tab: NewTab, firm: Company, tmp_path: Path) -> None:
    quota = firm.admin.get("/exchange/usage").json()["quota"]
    said = {"Tus-Resumable": "1.0.0", "Upload-Length": str(quota - 100), "Upload-Metadata": "filename Z3Jvc3MuY3N2"}
    assert firm.admin.post("/exchange/uploads", headers=said).status_code == 201
    (tmp_path / "klein.csv").write_bytes(b"x" * 1000)
    tab = at_exchange(new_tab, firm.admin)
    drop(tab.page, tmp_path / "klein.csv")

    refused = upload(tab, "klein.csv")
    expect(refused).to_have_attribute("data-state", "failed")
    expect(refused.get_by_role("alert")).to_contain_text("Auf dem Laufwerk ist nicht genug Platz")


def test_whoever_is_signed_out_in_the_middle_signs_in_and_goes_on(
    new_tab: NewTab, firm: Company, call_records: Path
) -> None:
    admin = firm.admin
    assert admin.phone
    tab = new_tab()
    tab.open("/sign-in")
    tab.sign_in(admin.username, admin.phone)
    tab.open("/files/exchange")
    slow_down(tab, 3 * SLOW)
    drop(tab.page, call_records)
    has_sent(upload(tab, call_records.name), 20e6)
    (other,) = [one["id"] for one in admin.get("/auth/sessions").json()["items"] if not one["current"]]
    assert admin.client.delete(f"/api/v1/auth/sessions/{other}").status_code == 204
    tab.page.wait_for_url("**/sign-in*", timeout=10_000)
    tab.shows("Bitte melden Sie sich wieder an")
    tab.sign_in(admin.username, admin.phone)
    tab.open("/files/exchange")
    expect(row(tab, call_records.name)).to_contain_text("200 MB", timeout=60_000)
    wait_until(lambda: known(admin)[0]["sha256"] == sha256_of(call_records), seconds=30)
