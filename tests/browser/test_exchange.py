"""Dateien / Austausch: folders and files, by hand and by keyboard alone; versions, trash, preview, order, paging."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.tab import NewTab, Tab
from tests.people import Person
from tests.portal import Portal
from tests.world import Company, World, a_pdf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
MANY = 130


@pytest.fixture
def firm(world: World) -> Company:
    """A company of its own for each test."""
    return world.company()


def folder(person: Person, name: str, parent: str | None = None) -> str:
    made = person.post("/exchange/folders", {"name": name, "parent": parent})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def put(person: Person, name: str, content: bytes, *, parent: str = "", kind: str = "text/plain") -> None:
    """By creation-with-upload, in one request."""
    words = {"filename": name, "filetype": kind} | ({"parent": parent} if parent else {})
    metadata = ",".join(f"{key} {b64(value)}" for key, value in words.items())
    headers = TUS | {"Upload-Length": str(len(content)), "Upload-Metadata": metadata}
    done = person.client.post("/api/v1/exchange/uploads", content=content, headers=headers)
    assert done.status_code == 201, done.text


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def known(person: Person, parent: str | None = None) -> list[dict[str, Any]]:
    params = {"limit": "200"} | ({"parent": parent} if parent else {})
    return list(person.get("/exchange/entries", params=params).json().get("items", []))


def at_exchange(new_tab: NewTab, person: Person, query: str = "") -> Tab:
    tab = new_tab(person)
    tab.open(f"/files/exchange{query}")
    return tab


def as_operator(new_tab: NewTab, portal: Portal, company: Company) -> Tab:
    return at_exchange(new_tab, operator_at(portal, company))


def operator_at(portal: Portal, company: Company) -> Person:
    operator = portal.operator()
    assert operator.post("/auth/session/customer", {"customer_id": company.customer.id}).status_code == 200
    return operator


def row(tab: Tab, name: str) -> Locator:
    return tab.page.locator("tr[data-entry], tr[data-trashed]").filter(has_text=name)


def names(tab: Tab) -> list[str]:
    rows = tab.page.locator("tr[data-entry] .name")
    return [text.removesuffix("neu").strip() for text in rows.all_inner_texts()]


def press_until(tab: Tab, reached: Callable[[], bool], key: str = "Tab", *, most: int = 120) -> None:
    """The keyboard is all there is."""
    for _ in range(most):
        if reached():
            return
        tab.page.keyboard.press(key)
    raise AssertionError(f"not reached with {most} times {key}")


def has_focus(locator: Locator) -> Callable[[], bool]:
    return lambda: locator.count() == 1 and bool(locator.evaluate("element => element === document.activeElement"))


def choose_in_menu(tab: Tab, entry: str, item: str) -> None:
    """Tab to the row's menu, open it, tab to the item, Enter."""
    menu = tab.page.get_by_role("button", name=f"Mehr – {entry}", exact=True)
    press_until(tab, has_focus(menu))
    tab.page.keyboard.press("Enter")
    wanted = tab.page.locator("[popover] .btn").filter(has_text=item)
    press_until(tab, has_focus(wanted))
    tab.page.keyboard.press("Enter")


def test_an_empty_drive_says_what_to_do(new_tab: NewTab, firm: Company) -> None:
    tab = at_exchange(new_tab, firm.admin)

    tab.shows("Hier liegt noch nichts")
    tab.shows("Ziehen Sie Dateien oder ganze Ordner auf diese Seite")
    expect(tab.page.locator("[data-totals]")).to_have_text("Leer")
    tabs = tab.page.get_by_role("navigation", name="Bereiche")
    expect(tabs.get_by_role("link", name="Austausch")).to_have_attribute("aria-current", "page")
    tab.look("exchange-empty")
    tabs.get_by_role("link", name="Rechnungen").click()
    tab.page.wait_for_url("**/files")
    expect(tab.page.locator("tr[data-document]").first).to_be_visible()


def test_rename_move_trash_and_restore_by_keyboard_alone(new_tab: NewTab, firm: Company) -> None:
    target = folder(firm.admin, "Archiv")
    deep = folder(firm.admin, "2026", target)
    put(firm.admin, "bericht.txt", b"Inhalt")
    tab = at_exchange(new_tab, firm.admin)
    tab.page.locator("h1").focus()

    choose_in_menu(tab, "bericht.txt", "Umbenennen")
    dialog = tab.page.get_by_role("dialog", name="„bericht.txt“ umbenennen")
    expect(dialog.get_by_label("Neuer Name")).to_be_focused()
    tab.page.keyboard.type("Abschlussbericht")
    tab.page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(row(tab, "Abschlussbericht.txt")).to_be_visible()

    choose_in_menu(tab, "Abschlussbericht.txt", "Verschieben")
    dialog = tab.page.get_by_role("dialog", name="„Abschlussbericht.txt“ verschieben")
    tree = dialog.get_by_role("tree", name="Wohin?")
    expect(tree.get_by_role("treeitem", name="Archiv")).to_be_visible()
    press_until(tab, has_focus(tree.get_by_role("treeitem", name="Austausch")))
    for key in ("ArrowDown", "ArrowRight"):
        tab.page.keyboard.press(key)
    expect(tree.get_by_role("treeitem", name="2026")).to_be_visible()
    tab.page.keyboard.press("ArrowRight")
    expect(tree.get_by_role("treeitem", name="2026")).to_have_attribute("aria-selected", "true")
    tab.look("exchange-move", languages=("de",))
    tab.page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(row(tab, "Abschlussbericht.txt")).to_have_count(0)
    assert [entry["name"] for entry in known(firm.admin, deep)] == ["Abschlussbericht.txt"]

    for name in ("Archiv", "2026"):
        press_until(tab, has_focus(tab.page.get_by_role("link", name=f"Ordner {name} öffnen")))
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("[data-here]")).to_have_text(name)
    choose_in_menu(tab, "Abschlussbericht.txt", "In den Papierkorb")
    undo = tab.button("Rückgängig")
    expect(undo).to_be_focused()
    tab.page.keyboard.press("Enter")
    expect(row(tab, "Abschlussbericht.txt")).to_be_visible()
    expect(tab.page.locator("[data-here]")).to_be_focused()
    choose_in_menu(tab, "Abschlussbericht.txt", "In den Papierkorb")
    expect(undo).to_be_focused()
    expect(tab.page.locator("[data-totals]")).to_have_text("Leer")

    press_until(tab, has_focus(tab.page.get_by_role("link", name="Papierkorb")), "Shift+Tab")
    tab.page.keyboard.press("Enter")
    expect(row(tab, "Abschlussbericht.txt")).to_be_visible()
    back = tab.button("Abschlussbericht.txt wiederherstellen")
    press_until(tab, has_focus(back))
    tab.page.keyboard.press("Enter")
    tab.shows("Der Papierkorb ist leer")
    assert [entry["name"] for entry in known(firm.admin, deep)] == ["Abschlussbericht.txt"]


def test_a_new_folder_and_a_name_that_is_taken_or_not_allowed(new_tab: NewTab, firm: Company) -> None:
    tab = at_exchange(new_tab, firm.admin)
    for name, said in (("Nachweise", None), ("NACHWEISE", "gibt es schon"), ("con", "Windows")):
        tab.button("Neuer Ordner").click()
        dialog = tab.page.get_by_role("dialog", name="Neuer Ordner")
        dialog.get_by_label("Name des Ordners").fill(name)
        dialog.get_by_role("button", name="Anlegen").click()
        if said:
            expect(dialog).to_contain_text(said)
            tab.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
    expect(tab.page.locator("tr[data-entry]")).to_have_count(1)
    expect(row(tab, "Nachweise")).to_be_visible()


def test_a_folder_cannot_go_into_itself_and_is_not_offered(new_tab: NewTab, firm: Company) -> None:
    folder(firm.admin, "innen", folder(firm.admin, "außen"))
    tab = at_exchange(new_tab, firm.admin)
    tab.button("Mehr – außen").click()
    tab.button("Verschieben").click()
    tree = tab.page.get_by_role("tree")
    expect(tree.get_by_role("treeitem", name="Austausch")).to_be_visible()
    expect(tree.get_by_role("treeitem")).to_have_count(1)
    expect(tab.page.get_by_role("dialog").get_by_text("liegt schon hier")).to_be_visible()


def test_versions_say_who_when_and_the_checksum(new_tab: NewTab, portal: Portal, firm: Company) -> None:
    put(firm.admin, "vertrag.txt", b"erster Stand")
    put(operator_at(portal, firm), "vertrag.txt", b"zweiter Stand")
    tab = at_exchange(new_tab, firm.admin)
    expect(row(tab, "vertrag.txt")).to_contain_text("neu")
    tab.button("Mehr – vertrag.txt").click()
    tab.button("Versionen").click()
    dialog = tab.page.get_by_role("dialog", name="Versionen von vertrag.txt")
    newest, first = dialog.locator("[data-version='2']"), dialog.locator("[data-version='1']")
    expect(newest).to_contain_text("aktuell")
    expect(newest).to_contain_text("Nordwelle")
    expect(first).to_contain_text(firm.canary)
    expect(first.locator(".mono")).to_have_text(hashlib.sha256(b"erster Stand").hexdigest())
    tab.look("exchange-versions", languages=("de",))
    with tab.page.expect_download() as download:
        first.get_by_role("link", name="Version 1 herunterladen").click()
    assert download.value.path().read_bytes() == b"erster Stand"


def test_pdf_and_pictures_are_shown_in_the_page_and_a_folder_comes_as_zip(
    new_tab: NewTab, portal: Portal, firm: Company
) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (300, 200), "#3a7").save(picture, "PNG")
    inside = folder(firm.admin, "Bilder")
    put(firm.admin, "plan.pdf", a_pdf("Lageplan"), kind="application/pdf", parent=inside)
    put(firm.admin, "rack.png", picture.getvalue(), kind="image/png", parent=inside)
    put(firm.admin, "notiz.html", b"<script>alert(1)</script>", kind="text/html", parent=inside)
    mine = at_exchange(new_tab, firm.admin, f"?folder={inside}")
    mine.page.locator("[data-live=on]").wait_for()
    expect(row(mine, "plan.pdf")).to_contain_text("noch nicht geöffnet")

    staff = as_operator(new_tab, portal, firm)
    staff.page.get_by_role("link", name="Ordner Bilder öffnen").click()
    expect(row(staff, "plan.pdf")).to_contain_text("neu")
    row(staff, "plan.pdf").get_by_role("button", name="plan.pdf").first.click()
    expect(staff.page.get_by_role("dialog", name="plan.pdf").locator("iframe")).to_be_visible()
    staff.page.keyboard.press("Escape")
    expect(row(mine, "plan.pdf")).not_to_contain_text("noch nicht geöffnet")
    row(staff, "rack.png").get_by_role("button", name="rack.png").first.click()
    image = staff.page.get_by_role("dialog", name="rack.png").get_by_role("img")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") == 300
    staff.look("exchange-picture", languages=("de",))
    staff.page.keyboard.press("Escape")
    expect(row(staff, "notiz.html").get_by_role("button", name="notiz.html", exact=True)).to_have_count(0)

    with staff.page.expect_download() as download:
        staff.page.get_by_role("link", name="Alles als ZIP – Bilder").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert {Path(name).name for name in archive.namelist()} >= {"plan.pdf", "rack.png", "notiz.html"}


def test_the_order_is_in_the_address_and_more_comes_below(new_tab: NewTab, firm: Company) -> None:
    for n in range(MANY):
        folder(firm.admin, f"Ordner {n:03d}")
    put(firm.admin, "klein.txt", b"1")
    put(firm.admin, "groß.txt", b"1" * 5000)
    tab = at_exchange(new_tab, firm.admin)
    expect(tab.page.locator("tr[data-entry]")).to_have_count(100)
    expect(tab.page.locator("[data-totals]")).to_contain_text("130 Ordner und 2 Dateien, 5 kB")
    assert names(tab)[:2] == ["Ordner 000", "Ordner 001"]
    tab.button("Weitere anzeigen").click()
    expect(tab.page.locator("tr[data-entry]")).to_have_count(MANY + 2)
    assert len(set(names(tab))) == MANY + 2

    tab.page.get_by_role("columnheader", name="Größe").get_by_role("button").click()
    tab.page.wait_for_url("**sort=-size")
    expect(tab.page.get_by_role("columnheader", name="Größe")).to_have_attribute("aria-sort", "descending")
    tab.button("Weitere anzeigen").click()
    expect(tab.page.locator("tr[data-entry]")).to_have_count(MANY + 2)
    assert names(tab)[-2:] == ["groß.txt", "klein.txt"]
    tab.page.set_viewport_size({"width": 380, "height": 900})
    tab.page.get_by_label("Sortieren nach").select_option("Name, Z bis A")
    tab.page.wait_for_url("**sort=-name")
    expect(tab.page.locator("tr[data-entry]").first).to_contain_text("Ordner 129")


def test_what_the_other_side_brings_appears_by_itself_and_is_told(
    new_tab: NewTab, portal: Portal, firm: Company
) -> None:
    tab = at_exchange(new_tab, firm.admin)
    tab.shows("Hier liegt noch nichts")
    tab.page.locator("[data-live=on]").wait_for()
    name = f"messung-{uuid4().hex[:6]}.txt"
    put(operator_at(portal, firm), name, b"42")

    expect(row(tab, name)).to_contain_text("neu")
    expect(row(tab, name)).to_contain_text("Nordwelle")
    tab.page.get_by_role("button", name="Mitteilungen").click()
    tab.page.get_by_role("link", name=f"Neu im Austausch: {name}").click()
    tab.page.wait_for_url("**/files/exchange**")


def test_who_may_see_the_exchange_only_is_led_there_and_strangers_see_nothing(
    new_tab: NewTab, company: Company, firm: Company
) -> None:
    inside = folder(firm.admin, "geheim")
    other = at_exchange(new_tab, company.admin, f"?folder={inside}")
    expect(other.page.get_by_role("alert")).to_contain_text("gibt es nicht")
    other.page.get_by_role("link", name="Zurück zum Austausch").click()
    expect(other.page.get_by_text("geheim")).to_have_count(0)

    username = firm.customer.invite("paula", role="member", modules=("exchange",))
    paula = firm.customer.portal.invited(username)
    tab = new_tab(paula)
    tab.open("/files")
    tab.page.wait_for_url("**/files/exchange")
    expect(tab.page.get_by_role("navigation", name="Bereiche").get_by_role("link")).to_have_text(["Austausch"])


def test_deleting_for_good_asks_first(new_tab: NewTab, firm: Company) -> None:
    put(firm.admin, "weg.txt", b"x" * 3000)
    tab = at_exchange(new_tab, firm.admin)
    tab.button("Mehr – weg.txt").click()
    tab.button("In den Papierkorb").click()
    tab.page.get_by_role("link", name="Papierkorb").click()
    expect(row(tab, "weg.txt")).to_be_visible()
    tab.look("exchange-trash")
    for answer in ("Abbrechen", "Endgültig löschen"):
        tab.button("weg.txt endgültig löschen").click()
        dialog = tab.page.get_by_role("dialog", name="„weg.txt“ endgültig löschen?")
        if answer == "Abbrechen":
            tab.look("exchange-delete", languages=("de",))
        dialog.get_by_role("button", name=answer).click()
        expect(dialog).to_have_count(0)
    tab.shows("Der Papierkorb ist leer")
    assert firm.admin.get("/exchange/usage").json()["used"] == 0


def test_how_it_looks(new_tab: NewTab, portal: Portal, firm: Company) -> None:
    folder(firm.admin, "Einzelverbindungen")
    folder(firm.admin, "Verträge und Unterlagen aus dem Jahr 2026 mit einem wirklich langen Namen")
    put(firm.admin, "lageplan.pdf", a_pdf("Lageplan"), kind="application/pdf")
    put(operator_at(portal, firm), "messprotokoll-2026-11.csv", b"1;2\n" * 60_000)
    tab = at_exchange(new_tab, firm.admin)
    tab.look("exchange")
    staff = as_operator(new_tab, portal, firm)
    staff.look("exchange-operator")
    for width in (360, 768):
        tab.page.set_viewport_size({"width": width, "height": 800})
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    tab.page.set_viewport_size({"width": 1280, "height": 900})
    tab.button("Neuer Ordner").click()
    tab.look("exchange-new-folder", languages=("de",))
    tab.page.keyboard.press("Escape")
    tab.button("Mehr – lageplan.pdf").click()
    tab.look("exchange-menu", languages=("de",))
