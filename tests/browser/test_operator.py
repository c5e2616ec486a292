"""The operator's pages: customers, people and their invitations, records that could not be filed."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.tab import NewTab
from tests.portal import Portal
from tests.world import Company, World, a_pdf, invoice_data

pytestmark = pytest.mark.browser


def test_a_customer_is_found_opened_and_always_named(new_tab: NewTab, portal: Portal, company: Company) -> None:
    tab = new_tab(portal.operator())
    tab.open("/customers")
    tab.page.get_by_role("searchbox", name="Kunden durchsuchen").fill(company.customer.number)
    expect(tab.page.locator("tr[data-customer]")).to_have_count(1)
    tab.button(f"Firma {company.canary} öffnen").click()
    tab.page.wait_for_url("**/")
    expect(tab.page.locator("header")).to_contain_text(f"Firma {company.canary}")

    tab.open("/customers?q=gibtesnicht")
    tab.shows("Nichts gefunden zu „gibtesnicht“")
    tab.page.get_by_role("link", name="Alle anzeigen").click()
    expect(tab.page.locator("tr[data-customer]").first).to_be_visible()
    expect(tab.page.locator("header")).to_contain_text(f"Firma {company.canary}")


def test_a_look_by_the_operator_leaves_the_document_new(new_tab: NewTab, portal: Portal, company: Company) -> None:
    operator = portal.operator()
    assert operator.post("/auth/session/customer", {"customer_id": company.customer.id}).status_code == 200
    tab = new_tab(operator)
    tab.open("/files")
    row = tab.page.locator("tr[data-document]").first
    row.get_by_role("button").first.click()
    tab.page.get_by_role("dialog").locator("iframe").wait_for()
    tab.page.keyboard.press("Escape")

    expect(row.get_by_text("neu", exact=True)).to_be_visible()


def test_a_number_that_is_taken_is_said_at_once(new_tab: NewTab, portal: Portal, company: Company) -> None:
    tab = new_tab(portal.operator())
    tab.open("/customers")
    tab.button("Kunde anlegen").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Kundennummer").fill(company.customer.number)
    dialog.get_by_label("Name", exact=True).fill("Noch einmal GmbH")
    dialog.get_by_role("button", name="Anlegen").click()

    expect(dialog.get_by_role("alert")).to_contain_text("Vorgangsnummer")
    dialog.get_by_role("button", name="Abbrechen").click()
    expect(tab.page.get_by_role("dialog")).to_have_count(0)


def test_a_person_goes_from_created_to_invited_in_the_row(new_tab: NewTab, portal: Portal, company: Company) -> None:
    username = f"neu-{uuid4().hex[:6]}@{company.customer.domain}"
    tab = new_tab(company.admin)
    tab.open("/users")
    tab.page.get_by_label("E-Mail", exact=True).fill(username)
    tab.page.get_by_label("Vorname").fill("Nora")
    tab.page.get_by_label("Nachname").fill("Neu")
    tab.page.get_by_role("button", name="Rechnungen – Apps").click()
    tab.page.get_by_label("Graphen").check()
    tab.page.keyboard.press("Escape")
    tab.button("Anlegen").click()
    row = tab.page.locator(f"tr[data-user='{username}']")
    expect(row).to_contain_text("Rechnungen, Graphen")
    assert not [mail for mail in portal.mails() if username in mail["to"]]

    row.get_by_role("button", name="Nora Neu einladen").click()
    expect(row).to_have_attribute("data-state", "invited")
    expect(row.get_by_role("button", name="Erneut senden: Einladung an Nora Neu")).to_be_visible()
    assert tab.page.locator("tr[data-user]").first.get_attribute("data-user") == username


def test_a_conflict_is_dropped_only_after_a_question(new_tab: NewTab, world: World, company: Company) -> None:
    number = f"KO-{uuid4().hex[:8]}"
    world.publish(company, number)
    other = a_pdf("etwas anderes")
    assert world.send(invoice_data(company.customer.number, number, other), other).status_code == 409
    tab = new_tab(world.portal.operator())
    tab.open("/operator/documents")
    tab.page.get_by_role("link", name="Konflikte").click()
    row = tab.page.locator(f"tr[data-case='{number}']")
    expect(row).to_contain_text("Dieselbe Nummer mit anderem Inhalt.")

    row.get_by_role("button", name=f"{number} verwerfen").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Abbrechen").click()
    expect(row).to_be_visible()
    row.get_by_role("button", name=f"{number} verwerfen").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Verwerfen").click()
    expect(row).to_have_count(0)
