"""Dateien / Rechnungen: tree, search, address, paging, and what happens when something is wrong."""

from uuid import uuid4

import pytest
from playwright.sync_api import Route, expect

from chassis.testing import wait_until
from tests.browser.tab import NewTab, Tab
from tests.world import Company, World, a_pdf, invoice_data

pytestmark = pytest.mark.browser
MANY = 53


@pytest.fixture(scope="module")
def archive(world: World) -> Company:
    """A company with more invoices than fit on a page, and an attachment on one of them."""
    company = world.company()
    for n in range(MANY):
        content = a_pdf(f"Nummer {n}")
        data = invoice_data(company.customer.number, f"AR-{n:04d}", content, issued_on=f"2025-{n % 12 + 1:02d}-02")
        assert world.send(data, content).status_code == 202
    content = a_pdf("Verkehrsbericht")
    report = {
        "customer_number": company.customer.number,
        "document_id": f"VB-{uuid4().hex[:8]}",
        "invoice_number": "AR-0003",
        "kind": "traffic_report",
        "title": "Verkehrsbericht April",
        "issued_on": "2025-04-02",
        "files": [invoice_data("", "bericht", content)["files"][0] | {"role": "attachment"}],
    }
    assert world.send(report, content, path="documents").status_code == 202

    def all_there() -> bool:
        folders = company.admin.get("/documents/folders").json()
        return bool(sum(year["count"] for year in folders) == MANY + 2)

    wait_until(all_there, seconds=60)
    return company


@pytest.fixture
def tab(new_tab: NewTab, archive: Company) -> Tab:
    tab = new_tab(archive.admin)
    tab.open("/files")
    return tab


def numbers(tab: Tab) -> list[str]:
    return tab.page.locator("tr[data-document] .lead > :first-child").all_inner_texts()


def test_the_tree_and_the_address_follow_each_other(tab: Tab) -> None:
    tree = tab.page.get_by_role("navigation", name="Zeitraum")
    tree.get_by_role("link", name="2025").click()
    tree.get_by_role("link", name="April").click()
    tab.page.wait_for_url("**/files?year=2025&month=4")
    expect(tab.page.locator("tr[data-document]")).to_have_count(6)
    expect(tree.get_by_role("link", name="April")).to_have_attribute("aria-current", "true")

    tab.page.reload()
    tab.settle()
    expect(tab.page.locator("tr[data-document]")).to_have_count(6)
    tab.page.go_back()
    tab.page.wait_for_url("**/files?year=2025")
    expect(tree.get_by_role("link", name="2025")).to_have_attribute("aria-current", "true")


def test_an_attachment_stands_under_its_invoice(tab: Tab) -> None:
    tab.open("/files?year=2025&month=4")
    group = tab.page.locator("tbody").filter(has_text="AR-0003")

    expect(group.locator("tr")).to_have_count(2)
    expect(group.locator("tr.child")).to_contain_text("Verkehrsbericht April")
    expect(group.locator("tr.child")).to_contain_text("Anlage")


def test_the_search_finds_and_says_when_it_does_not(tab: Tab) -> None:
    field = tab.page.get_by_role("searchbox", name="Rechnungen durchsuchen")
    field.fill("AR-0007")
    tab.page.wait_for_url("**/files?q=AR-0007")
    expect(tab.page.locator("tr[data-document]")).to_have_count(1)

    tab.open("/files?year=2026&q=AR-0007")
    tab.shows("Nichts gefunden zu „AR-0007“")
    tab.page.get_by_role("link", name="In allen Jahren suchen").click()
    expect(tab.page.locator("tr[data-document]")).to_have_count(1)


def test_more_comes_below_and_each_document_once(tab: Tab) -> None:
    expect(tab.page.locator("tr[data-document]")).to_have_count(50)
    before = numbers(tab)
    tab.button("Weitere anzeigen").click()
    expect(tab.page.locator("tr[data-document]")).to_have_count(MANY + 2)
    after = numbers(tab)

    assert len(set(after)) == len(after)
    assert after[: len(before)] == before
    expect(tab.button("Weitere anzeigen")).to_have_count(0)


def test_a_new_invoice_comes_in_front_of_all_that_was_loaded(tab: Tab, world: World, archive: Company) -> None:
    tab.button("Weitere anzeigen").click()
    expect(tab.page.locator("tr[data-document]")).to_have_count(MANY + 2)
    tab.page.locator("[data-live=on]").wait_for()
    number = f"NEU-{uuid4().hex[:6]}"
    content = a_pdf(number)
    sent = world.send(invoice_data(archive.customer.number, number, content, issued_on="2026-11-02"), content)
    assert sent.status_code == 202

    expect(tab.page.locator("tr.arrived")).to_contain_text([number])
    assert numbers(tab)[0] == number
    tab.page.get_by_role("button", name="Mitteilungen").click()
    tab.page.get_by_role("link", name=f"Rechnung {number} ist da.").click()
    expect(tab.page.get_by_role("dialog", name=number)).to_be_visible()


def test_somebody_elses_document_is_not_there(new_tab: NewTab, company: Company, archive: Company) -> None:
    tab = new_tab(company.admin)
    tab.open(f"/files?document={archive.documents[0]}")

    expect(tab.page.get_by_role("alert")).to_contain_text("Vorgangsnummer")
    expect(tab.page.get_by_role("dialog")).to_have_count(0)


def test_without_connection_the_page_says_so_and_tries_again(tab: Tab) -> None:
    def broken(route: Route) -> None:
        route.abort()

    tab.page.route("**/api/v1/documents?*", broken)
    tab.page.get_by_role("navigation", name="Zeitraum").get_by_role("link", name="2026").click()
    alert = tab.page.get_by_role("alert")
    expect(alert).to_contain_text("Das Portal ist gerade nicht zu erreichen.")
    tab.page.unroute("**/api/v1/documents?*", broken)
    alert.get_by_role("button", name="Erneut versuchen").click()
    expect(alert).to_have_count(0)
    expect(tab.page.locator("tr[data-document]").first).to_be_visible()
    tab.complaints = [one for one in tab.complaints if "ERR_FAILED" not in one]


def test_on_a_phone_two_selections_stand_for_the_tree(tab: Tab) -> None:
    tab.page.set_viewport_size({"width": 360, "height": 740})
    tab.page.get_by_label("Jahr").select_option("2025")
    tab.page.get_by_label("Monat").select_option("4")
    tab.page.wait_for_url("**/files?year=2025&month=4")

    expect(tab.page.locator("tr[data-document]")).to_have_count(6)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360
