"""The user administration: rows that are corrected, taken away and given back, and what is refused in words."""

import csv
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.accounts import add, choose, row_of
from tests.browser.tab import NewTab, Tab
from tests.people import Person, invitation_token
from tests.portal import Portal
from tests.world import Company

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def admin(new_tab: NewTab, company: Company) -> Tab:
    tab = new_tab(company.admin)
    tab.open("/users")
    return tab


def new_name(company: Company) -> str:
    return f"person-{uuid4().hex[:6]}@{company.customer.domain}"


def test_a_wrong_address_is_corrected_until_the_link_is_used(portal: Portal, admin: Tab, company: Company) -> None:
    wrong, right = new_name(company), new_name(company)
    row = add(admin, wrong)
    row.get_by_role("button", name="Nora Neu einladen").click()
    expect(row).to_have_attribute("data-state", "invited")
    old = invitation_token(portal.mails, wrong)

    dialog = choose(admin, wrong, "Bearbeiten")
    dialog.get_by_label("E-Mail").fill(right)
    dialog.get_by_label("Nachname").fill("Neumann")
    dialog.get_by_label("Graphen").check()
    dialog.get_by_role("button", name="Speichern").click()
    expect(admin.page.get_by_role("dialog")).to_have_count(0)
    row = row_of(admin, right)
    expect(row).to_contain_text("Nora Neumann")
    expect(row).to_contain_text("Rechnungen, Graphen")
    expect(row).to_have_attribute("data-state", "created")
    row.get_by_role("button", name="Nora Neumann einladen").click()
    expect(row).to_have_attribute("data-state", "invited")

    person = portal.invited(right)
    stranger = portal.stranger(wrong)
    assert stranger.post("/auth/invitations/check", {"token": old}).status_code in (404, 410)
    admin.page.reload()
    admin.settle()
    expect(row_of(admin, right)).to_have_attribute("data-state", "active")
    dialog = choose(admin, right, "Bearbeiten")
    expect(dialog.get_by_label("E-Mail")).to_have_attribute("readonly", "")
    assert person.get("/auth/session").json()["user"]["family_name"] == "Neumann"


def test_deactivated_is_out_at_once_and_comes_back(admin: Tab, new_tab: NewTab, company: Company) -> None:
    person = company.customer.person(f"aus-{uuid4().hex[:6]}")
    admin.page.reload()
    admin.settle()
    theirs = new_tab(person)
    theirs.open("/files")
    theirs.page.locator("[data-live=on]").wait_for()

    dialog = choose(admin, person.username, "Deaktivieren")
    expect(dialog).to_contain_text("sofort abgemeldet")
    dialog.get_by_role("button", name="Deaktivieren").click()
    expect(row_of(admin, person.username)).to_have_attribute("data-state", "deactivated")
    theirs.page.wait_for_url("**/sign-in*")

    choose(admin, person.username, "Wieder aktivieren").get_by_role("button", name="Wieder aktivieren").click()
    expect(row_of(admin, person.username)).to_have_attribute("data-state", "active")
    assert person.phone is not None
    theirs.page.goto("/sign-in")
    theirs.settle()
    theirs.sign_in(person.username, person.phone)


def test_somebody_removed_is_gone_from_the_list(admin: Tab, company: Company) -> None:
    username = new_name(company)
    add(admin, username)
    choose(admin, username, "Entfernen").get_by_role("button", name="Abbrechen").click()
    expect(row_of(admin, username)).to_have_count(1)
    choose(admin, username, "Entfernen").get_by_role("button", name="Entfernen").click()
    expect(row_of(admin, username)).to_have_count(0)
    admin.page.reload()
    admin.settle()
    expect(row_of(admin, username)).to_have_count(0)


def test_the_last_admin_stays_and_the_portal_says_why(admin: Tab, company: Company) -> None:
    me = company.admin.username
    for item, button in (("Deaktivieren", "Deaktivieren"), ("Entfernen", "Entfernen")):
        dialog = choose(admin, me, item)
        dialog.get_by_role("button", name=button).click()
        expect(dialog.get_by_role("alert")).to_contain_text("Verwaltung")
        dialog.get_by_role("button", name="Abbrechen").click()
    dialog = choose(admin, me, "Bearbeiten")
    dialog.get_by_label("Rolle").select_option("member")
    dialog.get_by_role("button", name="Speichern").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Verwaltung")


def test_the_last_day_and_the_role_are_set_in_the_row(admin: Tab, company: Company) -> None:
    username = new_name(company)
    add(admin, username)
    dialog = choose(admin, username, "Bearbeiten")
    dialog.get_by_label("Letzter Tag").fill("2099-12-31")
    dialog.get_by_label("Rolle").select_option("admin")
    expect(dialog.get_by_label("Verträge")).to_be_disabled()
    dialog.get_by_role("button", name="Speichern").click()
    expect(row_of(admin, username)).to_contain_text("bis 31.12.2099")
    expect(row_of(admin, username)).to_contain_text("Verwaltung")
    expect(row_of(admin, username)).to_contain_text("alle")


def test_two_who_edit_one_row_do_not_undo_each_other(admin: Tab, company: Company) -> None:
    username = new_name(company)
    add(admin, username)
    dialog = choose(admin, username, "Bearbeiten")
    other: Person = company.admin
    row = next(one for one in other.get("/users", params={"limit": 200}).json()["items"] if one["email"] == username)
    version = {"If-Match": f'"{row["version"]}"'}
    changed = other.client.patch(f"/api/v1/users/{row['id']}", json={"given_name": "Norma"}, headers=version)
    assert changed.status_code == 200, changed.text

    dialog.get_by_label("Nachname").fill("Neumann")
    dialog.get_by_role("button", name="Speichern").click()
    expect(dialog.get_by_role("alert")).to_contain_text("inzwischen geändert")
    dialog.get_by_label("Vorname").fill("Norma")
    dialog.get_by_role("button", name="Speichern").click()
    expect(row_of(admin, username)).to_contain_text("Norma Neumann")


def test_the_log_says_who_did_what_to_whom(admin: Tab, company: Company) -> None:
    username = new_name(company)
    add(admin, new_name(company), "Petra", "Protokoll")
    add(admin, username)
    choose(admin, username, "Entfernen").get_by_role("button", name="Entfernen").click()
    expect(row_of(admin, username)).to_have_count(0)
    admin.page.get_by_role("link", name="Protokoll").click()
    entry = admin.page.locator("tr[data-what=user_removed]").first
    for _ in range(20):
        if entry.count():
            break
        admin.page.reload()
        admin.settle()
    expect(entry).to_contain_text("Person entfernt")
    name = company.admin.get("/users/me").json()
    expect(entry).to_contain_text(f"{name['given_name']} {name['family_name']}")
    expect(admin.page.locator("tr[data-what=user_created]", has_text="Petra Protokoll")).to_have_count(1)


def test_who_may_see_what_is_shown_printed_and_saved(admin: Tab, company: Company, tmp_path: Path) -> None:
    username = new_name(company)
    add(admin, username, "=1+1", "Formel")
    admin.page.get_by_role("link", name="Wer darf was sehen").click()
    line = admin.page.locator(f"tr[data-person='{username}']")
    expect(line.locator("[data-module=invoices]")).to_have_attribute("data-open", "true")
    expect(line.locator("[data-module=graphs]")).to_have_attribute("data-open", "false")
    expect(line.locator("[data-module=graphs]")).to_contain_text("nein")
    mine = admin.page.locator(f"tr[data-person='{company.admin.username}'] [data-open=true]")
    expect(mine).to_have_count(6)

    with admin.page.expect_download() as saving:
        admin.button("Als CSV-Datei").click()
    saving.value.save_as(tmp_path / "access.csv")
    with (tmp_path / "access.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    saved = next(row for row in rows if row["E-Mail"] == username)
    assert (saved["Name"], saved["Rechnungen"], saved["Graphen"]) == ("'=1+1 Formel", "ja", "")

    admin.page.emulate_media(media="print")
    expect(admin.page.locator("header.bar")).to_be_hidden()
    expect(admin.page.get_by_role("link", name="Protokoll")).to_be_hidden()
    expect(admin.button("Drucken")).to_be_hidden()
    expect(admin.page.get_by_text("Stand").first).to_be_visible()
    expect(line).to_be_visible()
    admin.page.emulate_media(media="screen")
    admin.look("users-access")
