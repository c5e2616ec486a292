"""Many people from a file, the company's mail domains, the quarterly review, and the log as a file."""

import csv
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from chassis.testing import wait_until
from tests.browser.accounts import add, row_of
from tests.browser.tab import NewTab
from tests.portal import Portal
from tests.world import Company, World

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_file_is_looked_at_before_anybody_is_made(
    portal: Portal, new_tab: NewTab, company: Company, tmp_path: Path
) -> None:
    domain, mark = company.customer.domain, uuid4().hex[:6]
    tab = new_tab(company.admin)
    tab.open("/users?view=import")
    with tab.page.expect_download() as saving:
        tab.button("Vorlage herunterladen").click()
    saving.value.save_as(tmp_path / "template.csv")
    head = (tmp_path / "template.csv").read_text("utf-8-sig").splitlines()[0]
    lines = [
        f"zoe-{mark}@{domain};Zoë;Müller;admin;;de;",
        f"max-{mark}@{domain};Max;=1+1;member;invoices,graphs;en;2099-12-31",
        f"{company.admin.username};Schon;Da;;;;",
        "kein-at;Otto;Ohne;chef;;;",
    ]
    file = tmp_path / "people.csv"
    file.write_bytes("\r\n".join([head, *lines]).encode("cp1252"))
    tab.page.get_by_label("CSV-Datei").set_input_files(file)
    note = tab.page.locator("[data-import=preview]")
    expect(note).to_contain_text("2 würden angelegt, 1 gibt es schon, 1 gehen so nicht.")
    expect(tab.page.locator("tr[data-line='2']")).to_contain_text("Zoë Müller")
    bad = tab.page.locator("tr[data-line='5']")
    expect(bad).to_contain_text("Das ist keine E-Mail-Adresse.")
    expect(bad).to_contain_text("Die Rolle ist member oder admin.")
    tab.page.get_by_label("Nur Zeilen mit Fehlern zeigen").check()
    expect(tab.page.locator("tr[data-line]")).to_have_count(1)
    tab.page.get_by_label("Nur Zeilen mit Fehlern zeigen").uncheck()
    tab.look("users-import")
    before = len(portal.mails())

    tab.button("2 anlegen").click()
    expect(tab.page.locator("[data-import=done]")).to_contain_text("2 sind angelegt")
    tab.page.get_by_role("link", name="Zur Liste").click()
    expect(row_of(tab, f"zoe-{mark}@{domain}")).to_contain_text("Verwaltung")
    expect(row_of(tab, f"max-{mark}@{domain}")).to_contain_text("Rechnungen, Graphen")
    expect(row_of(tab, f"max-{mark}@{domain}")).to_contain_text("bis 31.12.2099")
    assert not [mail for mail in portal.mails()[before:] if mark in str(mail["to"])]

    (tmp_path / "no.csv").write_bytes(b"PK\x03\x04\x00")
    tab.open("/users?view=import")
    tab.page.get_by_label("CSV-Datei").set_input_files(tmp_path / "no.csv")
    expect(tab.page.get_by_role("alert")).to_contain_text("keine CSV-Datei mit den Spalten der Vorlage")


def test_the_mail_domains_are_said_before_one_types(portal: Portal, new_tab: NewTab, world: World) -> None:
    company = world.company()
    operator, domain = portal.operator(), company.customer.domain
    path = f"/api/v1/customers/{company.customer.id}"
    tag = {"If-Match": operator.client.get(path).headers["etag"]}
    changed = operator.client.patch(path, json={"email_domains": [domain]}, headers=tag)
    assert changed.status_code == 200, changed.text

    tab = new_tab(company.admin)
    tab.open("/users")
    tab.shows(f"Nur Adressen mit @{domain}.")
    field = tab.page.get_by_label("E-Mail", exact=True)
    expect(tab.page.locator(f"[id='{field.get_attribute('aria-describedby')}']")).to_contain_text(domain)
    field.fill("fremd@andere.example")
    tab.page.get_by_label("Vorname").fill("Fred")
    tab.page.get_by_label("Nachname").fill("Fremd")
    tab.button("Anlegen").click()
    expect(tab.page.get_by_role("alert")).to_contain_text("gehört nicht zu den E-Mail-Domains der Firma")
    tab.look("users-domains", languages=("de",))
    row = add(tab, f"eigen-{uuid4().hex[:6]}@{domain}")
    expect(row).to_contain_text("angelegt")


def test_the_quarterly_review_has_a_name_and_a_date(new_tab: NewTab, world: World) -> None:
    company = world.company()
    tab = new_tab(company.admin)
    tab.open("/users?view=access")
    tab.shows("Noch nie geprüft.")
    expect(tab.page.get_by_text("fällig", exact=True)).to_be_visible()
    tab.look("users-review")
    tab.button("Geprüft, alles richtig").click()
    me = tab.page.request.get("/api/v1/users/me").json()
    expect(tab.page.locator("[data-review=done]")).to_contain_text(f"{me['given_name']} {me['family_name']}")
    expect(tab.page.get_by_text("fällig", exact=True)).to_have_count(0)
    tab.page.reload()
    tab.settle()
    expect(tab.page.locator("[data-review=done]")).to_be_visible()


def test_the_log_is_saved_as_a_file(new_tab: NewTab, company: Company, tmp_path: Path) -> None:
    tab = new_tab(company.admin)
    tab.open("/users")
    add(tab, f"datei-{uuid4().hex[:6]}@{company.customer.domain}")
    wait_until(lambda: "user_created" in tab.page.request.get("/api/v1/users/audit").text(), seconds=10)
    tab.open("/users?view=log")
    with tab.page.expect_download() as saving:
        tab.page.get_by_role("link", name="Als CSV-Datei").click()
    saving.value.save_as(tmp_path / "audit.csv")
    with (tmp_path / "audit.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert {"user_created", "user_invited"} <= {row["what"] for row in rows}
