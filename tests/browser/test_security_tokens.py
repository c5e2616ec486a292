"""API tokens: made with scopes and an end, shown once, used, deleted."""

from uuid import uuid4

import httpx2
import pytest
from playwright.sync_api import expect

from chassis.testing import wait_until
from tests.browser.accounts import give_code
from tests.browser.tab import NewTab, Tab
from tests.people import Person
from tests.portal import Portal
from tests.world import Company

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def person(company: Company) -> Person:
    return company.customer.person(f"token-{uuid4().hex[:6]}", modules=("invoices", "contracts"))


def make(tab: Tab, person: Person, name: str, *scopes: str) -> str:
    """Fill in the form; the secret that is shown."""
    tab.button("Token anlegen").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    for scope in scopes:
        dialog.get_by_label(scope).check()
    dialog.get_by_role("button", name="Token anlegen").click()
    if tab.page.get_by_role("dialog", name="Bitte bestätigen").count():
        assert person.phone is not None
        give_code(tab, person.phone)
    shown = tab.page.locator("[data-token-secret]")
    shown.wait_for()
    return shown.get_attribute("data-token-secret") or ""


def status(portal: Portal, token: str, path: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.get(f"{portal.url}/api/v1{path}", headers=headers, timeout=10).status_code


def test_a_token_reads_what_was_ticked_and_nothing_else(portal: Portal, new_tab: NewTab, person: Person) -> None:
    tab = new_tab(person)
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.open("/api-tokens")
    tab.shows("Noch kein Token")
    tab.button("Token anlegen").click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog.get_by_role("checkbox")).to_have_count(2)
    dialog.get_by_label("Name").fill("leer")
    dialog.get_by_role("button", name="Token anlegen").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Bitte kreuzen Sie an")
    dialog.get_by_role("button", name="Abbrechen").click()

    token = make(tab, person, "Buchhaltung", "Rechnungen")
    assert token.startswith("kp_")
    tab.page.get_by_role("dialog").get_by_role("button", name="Kopieren").click()
    expect(tab.page.get_by_role("dialog").get_by_role("button", name="Kopiert")).to_be_visible()
    assert tab.page.evaluate("navigator.clipboard.readText()") == token
    tab.button("Fertig").click()
    row = tab.page.locator("tr[data-token=Buchhaltung]")
    expect(row).to_contain_text("Rechnungen")
    expect(row).to_contain_text("noch nie")
    assert token not in tab.page.content()

    assert status(portal, token, "/documents") == 200
    assert status(portal, token, "/contracts") == 403
    tab.page.reload()
    tab.settle()
    expect(row).not_to_contain_text("noch nie")

    row.get_by_role("button", name="Token Buchhaltung löschen").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Löschen").click()
    expect(row).to_have_count(0)
    wait_until(lambda: status(portal, token, "/documents") == 401, seconds=6)


def test_how_the_tokens_look(new_tab: NewTab, person: Person) -> None:
    tab = new_tab(person)
    tab.open("/api-tokens")
    tab.look("tokens-none")
    make(tab, person, "Auswertung", "Rechnungen", "Verträge")
    tab.page.get_by_text("So wird es benutzt").click()
    tab.look("token-fresh", languages=("de",))
    tab.button("Fertig").click()
    tab.look("tokens")
    for language in ("de", "en"):
        tab.speak(language)
        tab.page.locator("main button.main").click()
        tab.page.get_by_role("dialog").wait_for()
        tab.look("token-new", languages=(language,))
        tab.page.keyboard.press("Escape")
