"""The operator's own people, and companies with their first administrators from a file."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from chassis.testing import wait_until
from tests.browser.tab import NewTab
from tests.portal import Portal

pytestmark = pytest.mark.browser


def test_a_colleague_is_invited_made_administrator_and_deactivated(new_tab: NewTab, portal: Portal) -> None:
    username = f"team-{uuid4().hex[:6]}@nordwelle.example"
    tab = new_tab(portal.operator())
    tab.open("/staff")
    tab.button("Einladen").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("E-Mail").fill(username)
    dialog.get_by_label("Vorname").fill("Tilda")
    dialog.get_by_label("Nachname").fill("Probe")
    dialog.get_by_role("button", name="Einladen").click()
    row = tab.page.locator(f"tr[data-colleague='{username}']")
    expect(row).to_contain_text("Betreuung")
    wait_until(lambda: [mail for mail in portal.mails() if username in mail["to"]], seconds=20)
    tab.look("staff")

    row.get_by_role("button", name="Erneut senden: Einladung an Tilda Probe").click()
    wait_until(lambda: len([mail for mail in portal.mails() if username in mail["to"]]) == 2, seconds=20)
    row.get_by_role("button", name="Bearbeiten: Tilda Probe").click()
    dialog.get_by_label("Rolle").select_option("administrator")
    dialog.get_by_role("button", name="Speichern").click()
    expect(row).to_contain_text("Administration")
    row.get_by_role("button", name="Bearbeiten: Tilda Probe").click()
    tab.look("staff-edit", languages=("de",))
    dialog.get_by_label("Darf sich anmelden").uncheck()
    dialog.get_by_role("button", name="Speichern").click()
    expect(row).to_contain_text("deaktiviert")


def test_companies_come_from_a_file_after_a_preview(new_tab: NewTab, portal: Portal) -> None:
    mark = uuid4().hex[:6]
    lines = (
        "number;name;admin_email;admin_given_name;admin_family_name",
        f"KD-{mark}1;Müller {mark};anna@{mark}.example;Änne;Müller",
        f"KD-{mark}1;Doppelt;;;",
        ";Ohne Nummer;;;",
    )
    content = "\r\n".join(lines).encode("cp1252")
    tab = new_tab(portal.operator())
    tab.open("/customers")
    tab.page.get_by_role("link", name="Aus CSV-Datei").click()
    tab.page.get_by_label("CSV-Datei").set_input_files(
        {"name": "kunden.csv", "mimeType": "text/csv", "buffer": content}
    )
    expect(tab.page.locator("[data-import=preview]")).to_contain_text("1 Zeilen bewirken etwas")
    expect(tab.page.locator("tr[data-result=refused]")).to_have_count(2)
    assert not [mail for mail in portal.mails() if f"anna@{mark}.example" in mail["to"]]
    tab.look("customers-import")

    tab.button("1 Zeilen übernehmen").click()
    expect(tab.page.locator("[data-import=done]")).to_contain_text("1 Einladungen gehen nacheinander hinaus")
    wait_until(lambda: [mail for mail in portal.mails() if f"anna@{mark}.example" in mail["to"]], seconds=30)
    tab.page.get_by_role("link", name="Zu den Kunden").click()
    expect(tab.page.locator(f"tr[data-customer='KD-{mark}1']")).to_contain_text(f"Müller {mark}")
