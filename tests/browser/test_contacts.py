"""Ansprechpartner: theirs by topic, ours by role, gaps, confirmation, protected roles, and who was faster."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, expect

from chassis.testing import wait_until
from tests.browser.crm import a_contact, tell
from tests.browser.tab import NewTab, Tab
from tests.portal import Portal
from tests.world import Company, World

pytestmark = pytest.mark.browser
LONG_AGO = timedelta(days=430)


@pytest.fixture
def firm(world: World) -> Company:
    """A company of its own for each test: what one changes, another does not see."""
    return world.company()


def known(company: Company, *, side: str = "customer") -> list[dict[str, Any]]:
    return list(company.admin.get("/contacts", params={"side": side, "limit": "200"}).json().get("items", []))


def add(company: Company, **fields: Any) -> dict[str, Any]:
    """By the company's own admin."""
    usual = {"given_name": "Clara", "family_name": "Netz", "roles": ["technical"], "email": "clara@kunde.example"}
    made = company.admin.post("/contacts", usual | fields)
    assert made.status_code in (201, 202), made.text
    return dict(made.json())


def change(company: Company, contact: dict[str, Any], **fields: Any) -> None:
    headers = {"If-Match": f'"{contact["version"]}"'}
    done = company.admin.client.patch(f"/api/v1/contacts/{contact['id']}", json=fields, headers=headers)
    assert done.status_code in (200, 202), done.text


def role(tab: Tab, name: str) -> Locator:
    return tab.page.locator(f"tbody[data-role='{name}']")


def at_contacts(new_tab: NewTab, company: Company) -> Tab:
    tab = new_tab(company.admin)
    tab.open("/contacts")
    return tab


def as_operator(new_tab: NewTab, portal: Portal, company: Company, path: str) -> Tab:
    operator = portal.operator()
    assert operator.post("/auth/session/customer", {"customer_id": company.customer.id}).status_code == 200
    tab = new_tab(operator)
    tab.open(path)
    return tab


def test_the_operators_people_stand_by_topic(new_tab: NewTab, world: World, firm: Company) -> None:
    mark = uuid4().hex[:6]
    chief = {"family_name": f"Leiter-{mark}", "roles": ["noc", "escalation_2"], "hours": "rund um die Uhr"}
    deputy = {"family_name": f"Vertreter-{mark}", "roles": ["noc"], "deputy_of": f"OP-{mark}", "languages": ["en"]}
    number = firm.customer.number
    tell(
        world.portal,
        a_contact(number, f"OP-{mark}", side="operator", **chief),
        a_contact(number, f"OV-{mark}", side="operator", **deputy),
    )
    wait_until(lambda: len([one for one in known(firm, side="operator") if mark in one["name"]]) == 2, seconds=30)
    tab = at_contacts(new_tab, firm)
    noc = tab.page.locator("li[data-topic=noc]")

    expect(noc.get_by_role("heading")).to_have_text("NOC rund um die Uhr")
    expect(noc).to_contain_text("rund um die Uhr")
    expect(noc).to_contain_text(f"Clara Vertreter-{mark}")
    expect(noc).to_contain_text(f"Vertritt Clara Leiter-{mark}")
    expect(noc.get_by_role("link", name="030 23125-201").first).to_have_attribute("href", "tel:+493023125201")
    expect(tab.page.locator("li[data-topic=escalation_2]")).to_contain_text(f"Leiter-{mark}")
    expect(tab.page.locator("li[data-topic] button")).to_have_count(0)


def test_a_gap_is_shown_and_filled(new_tab: NewTab, firm: Company) -> None:
    tab = at_contacts(new_tab, firm)
    gap = role(tab, "data_protection")
    expect(gap).to_contain_text("niemand eingetragen")
    tab.shows("9 Rollen ohne Person")
    gap.get_by_role("button", name="Datenschutz: Person eintragen").click()
    dialog = tab.page.get_by_role("dialog", name="Person eintragen")
    expect(dialog.get_by_label("Datenschutz")).to_be_checked()
    dialog.get_by_label("Vorname").fill("Dora")
    dialog.get_by_label("Nachname").fill("Schutz")
    dialog.get_by_label("Telefon").fill("12")
    dialog.get_by_role("button", name="Speichern").click()
    expect(dialog).to_contain_text("Das ist keine Telefonnummer")
    dialog.get_by_label("Telefon").fill("030 23125-250")
    dialog.get_by_role("button", name="Speichern").click()

    expect(dialog).to_have_count(0)
    expect(gap.locator("tr[data-contact]")).to_contain_text("Dora Schutz")
    expect(gap.locator("tr[data-gap]")).to_have_count(0)
    tab.shows("8 Rollen ohne Person")


def test_still_correct_is_one_click(new_tab: NewTab, world: World, firm: Company) -> None:
    contact = a_contact(firm.customer.number, f"C-{uuid4().hex[:8]}")
    tell(world.portal, contact, at=datetime.now(UTC) - LONG_AGO)
    wait_until(lambda: known(firm), seconds=30)
    tab = at_contacts(new_tab, firm)
    row = role(tab, "technical").locator("tr[data-contact]")
    expect(row).to_contain_text("bitte prüfen")
    tab.shows("1 zu bestätigen")
    row.get_by_role("button", name="Clara Netz: stimmt noch").click()

    expect(row).not_to_contain_text("bitte prüfen")
    expect(row).to_contain_text(f"{datetime.now().astimezone():%d.%m.%Y} von Admin Beispiel")
    assert known(firm)[0]["confirmed_by"] == "Admin Beispiel"


def test_a_protected_role_keeps_its_old_value_until_approved(new_tab: NewTab, portal: Portal, firm: Company) -> None:
    tell(portal, a_contact(firm.customer.number, f"C-{uuid4().hex[:8]}", roles=["invoices"]))
    wait_until(lambda: known(firm), seconds=30)
    tab = at_contacts(new_tab, firm)
    row = role(tab, "invoices").locator("tr[data-contact]")
    row.get_by_role("button", name="Clara Netz ändern").click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Bis dahin gilt das Bisherige")
    dialog.get_by_label("E-Mail").fill("rechnung@kunde.example")
    dialog.get_by_role("button", name="Speichern").click()
    expect(dialog).to_have_count(0)
    expect(row).to_contain_text("clara.netz@kunde.example")
    expect(row).to_contain_text("wartet auf Freigabe")
    note = role(tab, "invoices").locator("[data-field=email]")
    expect(note).to_contain_text("rechnung@kunde.example")
    tab.look("contacts-pending", languages=("de",))

    staff = as_operator(new_tab, portal, firm, "/contacts?view=approvals")
    request = staff.page.locator("tr[data-approval]").filter(has_text=firm.customer.number)
    expect(request).to_contain_text("rechnung@kunde.example")
    tab.page.locator("[data-live=on]").wait_for()
    request.get_by_role("button", name="Änderung an Clara Netz freigeben").click()
    expect(request).to_have_count(0)
    expect(row).to_contain_text("rechnung@kunde.example")
    expect(row).not_to_contain_text("wartet auf Freigabe")


def test_a_refusal_has_a_reason_that_the_customer_sees(new_tab: NewTab, portal: Portal, firm: Company) -> None:
    add(firm, family_name="Zugang", roles=["site_access"])
    tab = at_contacts(new_tab, firm)
    expect(role(tab, "site_access").locator("tr[data-gap]")).to_have_count(1)
    staff = as_operator(new_tab, portal, firm, "/contacts?view=approvals")
    request = staff.page.locator("tr[data-approval]").filter(has_text=firm.customer.number)
    request.get_by_role("button", name="Änderung an Clara Zugang ablehnen").click()
    dialog = staff.page.get_by_role("dialog")
    staff.look("contacts-refuse", languages=("de",))
    dialog.get_by_label("Grund").fill("Wir konnten niemanden zurückrufen.")
    dialog.get_by_role("button", name="Ablehnen").click()
    expect(request).to_have_count(0)

    tab.page.reload()
    tab.settle()
    expect(role(tab, "site_access")).to_contain_text("nicht freigegeben")
    expect(role(tab, "site_access")).to_contain_text("Wir konnten niemanden zurückrufen.")


def test_who_comes_second_sees_what_was_saved_and_decides(new_tab: NewTab, firm: Company) -> None:
    contact = add(firm)
    tab = at_contacts(new_tab, firm)
    tab.button("Clara Netz ändern").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("E-Mail").fill("meine@kunde.example")
    change(firm, contact, hours="Mo–Fr 8–17 Uhr")
    dialog.get_by_role("button", name="Speichern").click()
    warning = dialog.get_by_role("alert")
    expect(warning).to_contain_text("Jemand anderes war schneller")
    expect(warning.locator("[data-field=hours]")).to_contain_text("Mo–Fr 8–17 Uhr")
    tab.look("contacts-conflict", languages=("de",))
    warning.get_by_role("button", name="Meine Eingaben trotzdem speichern").click()

    expect(dialog).to_have_count(0)
    assert known(firm)[0]["email"] == "meine@kunde.example"


def test_somebody_who_is_gone_meanwhile(new_tab: NewTab, firm: Company) -> None:
    contact = add(firm)
    tab = at_contacts(new_tab, firm)
    tab.button("Clara Netz ändern").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Telefon").fill("030 23125-222")
    headers = {"If-Match": f'"{contact["version"]}"'}
    assert firm.admin.client.delete(f"/api/v1/contacts/{contact['id']}", headers=headers).status_code == 204
    dialog.get_by_role("button", name="Speichern").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_role("button", name="Schließen").last.click()
    expect(tab.page.locator("tr[data-contact]")).to_have_count(0)


def test_a_person_is_removed_only_after_a_question(new_tab: NewTab, firm: Company) -> None:
    add(firm)
    tab = at_contacts(new_tab, firm)
    for answer in ("Abbrechen", "Entfernen"):
        tab.button("Mehr – Clara Netz").click()
        tab.button("Clara Netz entfernen").click()
        dialog = tab.page.get_by_role("dialog", name="Clara Netz entfernen?")
        dialog.get_by_role("button", name=answer).click()
        expect(dialog).to_have_count(0)
        assert len(known(firm)) == (1 if answer == "Abbrechen" else 0)
    expect(role(tab, "technical").locator("tr[data-gap]")).to_have_count(1)


def test_an_older_word_of_the_crm_is_a_conflict_for_the_operator(
    new_tab: NewTab, portal: Portal, firm: Company
) -> None:
    key, number = f"C-{uuid4().hex[:8]}", firm.customer.number
    tell(portal, a_contact(number, key), at=datetime.now(UTC) - LONG_AGO)
    contact = wait_until(lambda: next(iter(known(firm)), None), seconds=30)
    assert firm.admin.post(f"/contacts/{contact['id']}/confirmation").status_code == 200
    tell(portal, a_contact(number, key, version=2, phone="030 23125-299"), at=datetime.now(UTC) - timedelta(days=1))
    operator = portal.operator()

    def in_conflict() -> bool:
        return number in operator.get("/contacts/operator/conflicts", params={"limit": "200"}).text

    wait_until(in_conflict, seconds=30)
    staff = as_operator(new_tab, portal, firm, "/contacts?view=conflicts")
    conflict = staff.page.locator("article[data-conflict]").filter(has_text=number)
    expect(conflict.get_by_role("row", name="Telefon")).to_contain_text("030 23125-299")
    staff.look("contacts-crm-conflicts")
    conflict.get_by_role("button", name="Clara Netz: Eintrag im Portal behalten").click()
    expect(conflict).to_have_count(0)
    assert known(firm)[0]["phone"] == "030 23125-201"


def test_address_books_and_spreadsheets(new_tab: NewTab, firm: Company) -> None:
    add(firm)
    tab = at_contacts(new_tab, firm)
    for name, begins in (("Alle als vCard", "BEGIN:VCARD"), ("Alle als CSV", "\ufeff")):
        with tab.page.expect_download() as download:
            tab.page.get_by_role("link", name=name).click()
        text = download.value.path().read_text("utf-8")
        assert text.startswith(begins)
        assert "Netz" in text
    tab.button("Mehr – Clara Netz").click()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="vCard von Clara Netz").click()
    assert "FN:Clara Netz" in download.value.path().read_text("utf-8")


def test_how_it_looks(new_tab: NewTab, world: World, firm: Company) -> None:
    number = firm.customer.number
    tell(
        world.portal,
        a_contact(number, f"L-{uuid4().hex[:8]}", roles=["technical", "technical_out_of_hours", "abuse"]),
        a_contact(number, f"L-{uuid4().hex[:8]}", family_name="Lang-Doppelname", roles=["invoices", "gardener"]),
        a_contact(
            None, f"L-{uuid4().hex[:8]}", roles=["account_manager"], hours="Mo–Fr 9–17 Uhr", languages=["de", "en"]
        ),
        at=datetime.now(UTC) - LONG_AGO,
    )
    wait_until(lambda: len(known(firm)) == 2, seconds=30)
    tab = at_contacts(new_tab, firm)
    tab.look("contacts")
    for language in ("de", "en"):
        tab.open("/contacts")
        tab.speak(language)
        role(tab, "invoices").locator("button").nth(1).click()
        tab.page.get_by_role("dialog").wait_for()
        tab.look("contacts-edit", languages=(language,))


def test_how_the_operators_part_looks(new_tab: NewTab, portal: Portal, firm: Company) -> None:
    add(firm, family_name="Wartend", roles=["site_access"])
    staff = as_operator(new_tab, portal, firm, "/contacts?view=approvals")
    expect(staff.page.locator("tr[data-approval]").filter(has_text="Wartend").first).to_be_visible()
    staff.look("contacts-approvals")
    staff.open("/contacts")
    expect(staff.button("Eigene Person eintragen")).to_be_visible()
