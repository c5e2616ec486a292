"""The whole life of a user, from the empty row to the removal, with both sides' screens open and nobody reloading."""

import re
import sqlite3
from contextlib import closing
from hashlib import sha256
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from chassis.testing import wait_until
from tests.browser.accounts import add, choose, link_to, mail_to, row_of
from tests.browser.tab import NewTab, Tab
from tests.people import PASSWORD, Phone, invitation_token
from tests.portal import Portal
from tests.world import Company, World

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SEEN_MS = 10_000


@pytest.fixture
def admin(new_tab: NewTab, company: Company) -> Tab:
    tab = new_tab(company.admin)
    tab.open("/users")
    tab.page.locator("[data-live=on]").wait_for()
    return tab


def test_from_the_empty_row_to_the_removal(portal: Portal, new_tab: NewTab, admin: Tab, company: Company) -> None:
    username = f"leben-{uuid4().hex[:6]}@{company.customer.domain}"
    add(admin, username, "Lena", "Leben")
    row = row_of(admin, username)
    expect(admin.page.locator("main")).to_contain_text("Ein Konto gehört einer Person")
    assert not [mail for mail in portal.mails() if username in mail["to"]]
    row.get_by_role("button", name="Lena Leben einladen").click()
    expect(row).to_have_attribute("data-invitation", "sent")
    expect(row).to_contain_text("gesendet")

    theirs = new_tab()
    theirs.open(f"/invitation#{invitation_token(portal.mails, username)}")
    expect(row).to_have_attribute("data-invitation", "opened", timeout=SEEN_MS)
    expect(row).to_contain_text("geöffnet")
    theirs.page.get_by_label("Neues Passwort", exact=True).fill(PASSWORD)
    theirs.button("Passwort setzen").click()
    theirs.page.wait_for_url("**/sign-in")
    expect(row).to_have_attribute("data-state", "password_set", timeout=SEEN_MS)
    expect(row).to_contain_text("Einladung benutzt, App noch nicht eingerichtet")

    theirs.type_password_step(username)
    phone = Phone(theirs.page.locator("[data-secret]").get_attribute("data-secret") or "")
    theirs.page.locator("input[name=code]").fill(phone.code())
    theirs.page.get_by_label("Ich habe die Codes aufbewahrt").check()
    expect(row).to_have_attribute("data-state", "active", timeout=SEEN_MS)
    theirs.button("Weiter zum Portal").click()
    theirs.page.wait_for_url("**/")
    theirs.settle()
    expect(row).to_contain_text("zuletzt", timeout=SEEN_MS)

    links = theirs.page.locator("header nav a")
    expect(links).to_have_text(["Übersicht", "Dateien"])
    theirs.page.locator("[data-live=on]").wait_for()
    dialog = choose(admin, username, "Bearbeiten")
    dialog.get_by_label("Verträge").check()
    dialog.get_by_role("button", name="Speichern").click()
    expect(row).to_contain_text("Rechnungen, Verträge")
    expect(links).to_have_text(["Übersicht", "Dateien", "Verträge"], timeout=SEEN_MS)

    dialog = choose(admin, username, "Bearbeiten")
    dialog.get_by_label("Rolle").select_option("admin")
    dialog.get_by_role("button", name="Speichern").click()
    expect(theirs.page.locator("header nav a[href='/graphs']")).to_be_visible(timeout=SEEN_MS)
    theirs.page.locator("header button.avatar").click()
    theirs.page.get_by_role("link", name="Benutzer", exact=True).click()
    theirs.settle()
    expect(row_of(theirs, username)).to_contain_text("Sie")

    _lose_the_phone(portal, admin, theirs, username)

    choose(admin, username, "Entfernen").get_by_role("button", name="Entfernen").click()
    expect(row).to_have_count(0)
    theirs.page.wait_for_url("**/sign-in*", timeout=SEEN_MS)
    theirs.type_password_step(username)
    expect(theirs.page.get_by_role("alert")).to_contain_text("Benutzername oder Passwort stimmt nicht.")


def _lose_the_phone(portal: Portal, admin: Tab, theirs: Tab, username: str) -> None:
    """Reset with a reason; out at once; in again only with the password and the mailed link together."""
    row = row_of(admin, username)
    dialog = choose(admin, username, "App zurücksetzen")
    expect(dialog).to_contain_text("überall abgemeldet")
    dialog.get_by_label("Grund").fill("Telefon verloren, an der Stimme erkannt")
    dialog.get_by_role("button", name="Zurücksetzen").click()
    expect(admin.page.get_by_role("dialog")).to_have_count(0)
    theirs.page.wait_for_url("**/sign-in*", timeout=SEEN_MS)
    expect(row).to_have_attribute("data-state", "password_set", timeout=SEEN_MS)

    theirs.open("/sign-in")
    theirs.type_password_step(username)
    expect(theirs.page.get_by_role("alert")).to_contain_text("Link")
    theirs.open(link_to(portal, username, "second-factor"))
    theirs.shows("Ihre Authenticator-App wurde zurückgesetzt.")
    theirs.type_password_step(username)
    phone = Phone(theirs.page.locator("[data-secret]").get_attribute("data-secret") or "")
    theirs.page.locator("input[name=code]").fill(phone.code())
    theirs.page.get_by_label("Ich habe die Codes aufbewahrt").check()
    theirs.button("Weiter zum Portal").click()
    theirs.page.wait_for_url("**/")
    theirs.settle()
    theirs.page.locator("[data-live=on]").wait_for()
    expect(row).to_have_attribute("data-state", "active", timeout=SEEN_MS)
    assert admin.person is not None
    for who in (username, admin.person.username):
        mail_to(portal, who, "an der Stimme erkannt")


def test_what_two_admins_do_each_sees_at_once(new_tab: NewTab, admin: Tab, company: Company) -> None:
    other = new_tab(company.customer.person(f"zweite-{uuid4().hex[:6]}", role="admin"))
    other.open("/users")
    other.page.locator("[data-live=on]").wait_for()
    username = f"beide-{uuid4().hex[:6]}@{company.customer.domain}"
    add(admin, username)
    expect(row_of(other, username)).to_have_attribute("data-state", "created", timeout=SEEN_MS)

    choose(other, username, "Deaktivieren").get_by_role("button", name="Deaktivieren").click()
    expect(row_of(admin, username)).to_have_attribute("data-state", "deactivated", timeout=SEEN_MS)
    choose(admin, username, "Entfernen").get_by_role("button", name="Entfernen").click()
    expect(row_of(other, username)).to_have_count(0, timeout=SEEN_MS)


def test_a_refused_mail_shows_the_servers_reason(portal: Portal, admin: Tab, company: Company) -> None:
    """The built-in mailbox takes nothing for `unbekannt`."""
    username = f"unbekannt@{company.customer.domain}"
    row = add(admin, username)
    row.get_by_role("button", name="Nora Neu einladen").click()
    expect(row).to_have_attribute("data-invitation", "refused", timeout=SEEN_MS)
    expect(row).to_contain_text("Mail abgelehnt")
    expect(row).to_contain_text("550")
    right = f"bekannt-{uuid4().hex[:6]}@{company.customer.domain}"
    dialog = choose(admin, username, "Bearbeiten")
    dialog.get_by_label("E-Mail").fill(right)
    dialog.get_by_role("button", name="Speichern").click()
    row_of(admin, right).get_by_role("button", name="Nora Neu einladen").click()
    assert invitation_token(portal.mails, right)
    expect(row_of(admin, right)).to_have_attribute("data-invitation", "sent")


def test_an_expired_invitation_is_sent_again_and_the_old_link_stays_dead(
    portal: Portal, admin: Tab, company: Company
) -> None:
    username = f"spaet-{uuid4().hex[:6]}@{company.customer.domain}"
    row = add(admin, username)
    row.get_by_role("button", name="Nora Neu einladen").click()
    old = invitation_token(portal.mails, username)
    wait_until(lambda: _invitation(portal, username) is not None, seconds=10)
    with closing(sqlite3.connect(portal.home / "users.db", timeout=10)) as database, database:
        past = "UPDATE memberships SET invitation_expires_at = '2026-01-01 00:00:00' WHERE user_id = ?"
        assert database.execute(past, [_user_id(portal, username)]).rowcount == 1
    admin.page.reload()
    admin.settle()
    expect(row).to_have_attribute("data-invitation", "expired")
    expect(row).to_contain_text("Einladung abgelaufen")

    before = len(portal.mails())
    row.get_by_role("button", name="Erneut senden").click()
    expect(row).to_have_attribute("data-invitation", "sent")
    fresh = invitation_token(portal.mails, username, after=before)
    assert fresh != old
    assert sha256(old.encode()).digest() != sha256(fresh.encode()).digest()
    stranger = portal.stranger(username)
    assert stranger.post("/auth/invitations/check", {"token": old}).status_code in (404, 410)
    assert stranger.post("/auth/invitations/check", {"token": fresh}).status_code == 200


def _user_id(portal: Portal, username: str) -> str:
    with closing(sqlite3.connect(portal.home / "users.db", timeout=10)) as database:
        found = database.execute("SELECT id FROM users WHERE email = ?", [username]).fetchone()
    return str(found[0])


def _invitation(portal: Portal, username: str) -> str | None:
    """Until when the link holds, once the mail server has taken it."""
    with closing(sqlite3.connect(portal.home / "users.db", timeout=10)) as database:
        this = "SELECT invitation_expires_at FROM memberships WHERE user_id = ?"
        found = database.execute(this, [_user_id(portal, username)]).fetchone()
    return found[0] if found else None


def test_a_person_of_two_companies_switches_and_sees_only_one_at_a_time(
    portal: Portal, new_tab: NewTab, world: World, company: Company
) -> None:
    other = world.company()
    person = company.customer.person(f"zwei-{uuid4().hex[:6]}")
    admin = new_tab(other.admin)
    admin.open("/users")
    row = add(admin, person.username, "Zoe", "Zwei")
    expect(row).to_contain_text("angelegt")
    row.get_by_role("button", name="Zoe Zwei einladen").click()
    expect(row).to_have_attribute("data-state", "invited")
    known = wait_until(lambda: len(person.get("/auth/session").json()["memberships"]) == 2, seconds=10)
    assert known

    tab = new_tab(person)
    tab.open("/files")
    expect(tab.page.locator("tr[data-document]")).to_have_count(1)
    shown = tab.page.locator("main").inner_text()
    assert company.canary in shown
    assert other.canary not in tab.page.content().replace(f"Firma {other.canary}", "")
    tab.page.get_by_role("button", name=re.compile("Kunde wechseln")).click()
    tab.page.locator("[popover]:popover-open").get_by_role("button", name=f"Firma {other.canary}").click()
    # Not in the list of companies: on the button, once the other one is open.
    expect(tab.page.get_by_role("button", name=re.compile("Kunde wechseln"))).to_contain_text(f"Firma {other.canary}")
    tab.open("/files")
    expect(tab.page.locator("tr[data-document]")).to_have_count(1)
    assert other.canary in tab.page.locator("main").inner_text()
    assert company.canary not in tab.page.locator("main").inner_text()
    tab.open("/profile")
    expect(tab.page.locator("section", has_text="Ihre Zugänge")).to_contain_text(f"Firma {company.canary}")
    expect(tab.page.locator("section", has_text="Ihre Zugänge")).to_contain_text(f"Firma {other.canary}")


def test_how_the_user_administration_looks(new_tab: NewTab, world: World) -> None:
    company = world.company()
    company.customer.invite("eingeladen")
    company.customer.person("lange-adresse-mit-vielen-zeichen")
    tab = new_tab(company.admin)
    tab.open("/users")
    refused = f"unbekannt@{company.customer.domain}"
    row = add(tab, refused)
    row.get_by_role("button", name="Nora Neu einladen").click()
    expect(row).to_have_attribute("data-invitation", "refused", timeout=SEEN_MS)
    add(tab, f"neu@{company.customer.domain}")
    tab.look("users-people")
    tab.open("/users?view=log")
    tab.look("users-log")
    for language in ("de", "en"):
        tab.open("/users")
        tab.speak(language)
        for name, at in (("edit", 0), ("deactivate", -2), ("remove", -1)):
            row_of(tab, refused).locator("button.menu").click()
            items = tab.page.locator("[popover]:popover-open .item")
            items.nth(at).click() if at >= 0 else items.nth(items.count() + at).click()
            tab.page.get_by_role("dialog").wait_for()
            tab.look(f"users-{name}", languages=(language,))
            tab.page.keyboard.press("Escape")
        row_of(tab, refused).locator("button.menu").click()
        tab.look("users-menu", languages=(language,))
        tab.page.keyboard.press("Escape")
