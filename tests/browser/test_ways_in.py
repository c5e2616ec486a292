"""Everything else that may happen at the door: wrong codes, lost devices, old links, ended sessions, languages."""

import re
import sqlite3
from contextlib import closing
from hashlib import sha256
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from chassis.testing import wait_until
from tests.browser.tab import NewTab
from tests.people import PASSWORD, Person, invitation_token
from tests.portal import Portal
from tests.world import Company

pytestmark = pytest.mark.browser


@pytest.fixture
def reader(company: Company) -> Person:
    """A member who has been in once and is not signed in in any browser of the test."""
    return company.customer.person(f"leser-{uuid4().hex[:6]}")


def token_of(portal: Portal, username: str, page: str) -> str:
    """The secret in the newest mail with a link to this page."""

    def newest() -> str | None:
        texts = [mail["text"] for mail in portal.mails() if username in mail["to"]]
        found = [match[1] for text in texts if (match := re.search(rf"/{page}#(\S+)", text))]
        return found[-1] if found else None

    return str(wait_until(newest, seconds=20))


def test_a_wrong_password_says_so_and_keeps_what_was_typed(new_tab: NewTab, reader: Person) -> None:
    tab = new_tab()
    tab.open("/sign-in")
    tab.type_password_step(reader.username, "Falsch-geraten-1!")

    expect(tab.page.get_by_role("alert")).to_contain_text("Benutzername oder Passwort stimmt nicht.")
    expect(tab.page.get_by_role("alert")).to_contain_text("Vorgangsnummer")
    expect(tab.page.get_by_label("Benutzername")).to_have_value(reader.username)


def test_a_wrong_code_empties_the_boxes_and_the_next_code_opens(new_tab: NewTab, reader: Person) -> None:
    assert reader.phone is not None
    tab = new_tab()
    tab.open("/files?year=2026")
    tab.shows("Bitte melden Sie sich an, um diese Seite zu sehen.")
    tab.type_password_step(reader.username)
    field = tab.page.get_by_label("Sechsstelliger Code")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("autocomplete", "one-time-code")
    right = reader.phone.code()
    field.fill(str((int(right) + 1) % 10**6).zfill(6))
    expect(tab.page.get_by_role("alert")).to_contain_text("Dieser Code stimmt nicht")
    expect(field).to_have_value("")

    field.fill(right)
    tab.page.wait_for_url("**/files?year=2026")


def test_a_recovery_code_opens_without_the_device(new_tab: NewTab, reader: Person) -> None:
    tab = new_tab()
    tab.open("/sign-in")
    tab.type_password_step(reader.username)
    tab.page.get_by_text("Gerät verloren?").click()
    tab.shows("setzt jemand mit der Rolle Verwaltung")
    tab.button("Wiederherstellungscode verwenden").click()
    tab.page.get_by_label("Wiederherstellungscode").fill(reader.recovery_codes[0])
    tab.button("Anmelden").click()

    tab.page.wait_for_url("**/")


def test_a_forgotten_password_is_reset_by_mail(portal: Portal, new_tab: NewTab, reader: Person) -> None:
    tab = new_tab()
    tab.open("/sign-in")
    tab.page.get_by_role("link", name="Passwort vergessen?").click()
    tab.page.get_by_label("Benutzername").fill(reader.username)
    tab.button("Link zusenden").click()
    tab.shows("Bitte sehen Sie in Ihr Postfach")

    tab.open(f"/password-reset#{token_of(portal, reader.username, 'password-reset')}")
    tab.page.get_by_label("Neues Passwort", exact=True).fill("Ganz-anderes-Wort-77")
    tab.button("Passwort setzen").click()
    tab.page.wait_for_url("**/sign-in")
    expect(tab.page.get_by_label("Benutzername")).to_have_value(reader.username)

    tab.type_password_step(reader.username, PASSWORD)
    expect(tab.page.get_by_role("alert")).to_contain_text("stimmt nicht")
    tab.type_password_step(reader.username, "Ganz-anderes-Wort-77")
    tab.page.get_by_label("Sechsstelliger Code").wait_for()


def test_old_and_broken_links_say_what_to_do(portal: Portal, new_tab: NewTab, reader: Person) -> None:
    tab = new_tab()
    tab.open(f"/invitation#{token_of(portal, reader.username, 'invitation')}")
    tab.shows("Dieser Link wurde schon benutzt")
    tab.page.get_by_role("link", name="Zur Anmeldung").click()
    tab.page.wait_for_url("**/sign-in")

    for broken in ("/invitation#kaputt", "/invitation"):
        tab.open(broken)
        tab.shows("Diesen Link kennen wir nicht")
        expect(tab.page.locator("main")).to_contain_text("portal@nordwelle.example")

    tab.open("/password-reset#kaputt")
    tab.shows("Dieser Link gilt nicht mehr")
    tab.button("Neuen Link anfordern").click()
    expect(tab.page.get_by_label("Benutzername")).to_be_visible()


def test_a_session_that_ended_leads_to_the_door_by_itself_and_back(new_tab: NewTab, reader: Person) -> None:
    assert reader.phone is not None
    tab = new_tab(reader)
    tab.open("/files?year=2026")
    tab.page.locator("[data-live=on]").wait_for()
    assert reader.client.delete("/api/v1/auth/session").status_code == 204

    tab.page.wait_for_url("**/sign-in?return=*")
    tab.shows("Sie waren längere Zeit nicht aktiv oder wurden abgemeldet.")
    tab.sign_in(reader.username, reader.phone)

    assert tab.page.url.endswith("/files?year=2026")


def test_who_is_in_already_is_led_past_the_door(new_tab: NewTab, reader: Person) -> None:
    tab = new_tab(reader)
    tab.page.goto("/sign-in?return=%2Ffiles%3Fyear%3D2026")

    tab.page.wait_for_url("**/files?year=2026")


def test_an_expired_invitation_offers_a_new_one(portal: Portal, new_tab: NewTab, company: Company) -> None:
    username = company.customer.invite(f"spaet-{uuid4().hex[:6]}")
    old = invitation_token(portal.mails, username)
    with closing(sqlite3.connect(portal.home / "auth.db", timeout=10)) as database, database:
        expired = "UPDATE links SET expires_at = '2026-01-01 00:00:00' WHERE token_hash = ?"
        assert database.execute(expired, [sha256(old.encode()).hexdigest()]).rowcount == 1

    tab = new_tab()
    tab.open(f"/invitation#{old}")
    tab.shows("Diese Einladung gilt nicht mehr")
    tab.look("invitation-expired")
    before = len(portal.mails())
    tab.button("Neuen Link zusenden").click()
    tab.shows("Der neue Link ist unterwegs")

    tab.open(f"/invitation#{invitation_token(portal.mails, username, after=before)}")
    expect(tab.page.get_by_label("Benutzername")).to_have_value(username)


def test_signing_out_leaves_nothing_behind(new_tab: NewTab, reader: Person) -> None:
    tab = new_tab(reader)
    tab.open("/files")
    tab.speak("en")
    tab.page.get_by_role("button", name=re.compile("profile and sign out")).click()
    tab.button("Sign out").click()
    tab.shows("You are signed out.")
    tab.page.go_back()
    tab.shows("Please sign in to see this page.")

    tab.page.reload()
    assert tab.language == "en"
    assert reader.get("/documents").status_code == 401


def test_the_language_is_kept_in_the_browser_and_in_the_profile(new_tab: NewTab, reader: Person) -> None:
    tab = new_tab(reader)
    tab.open("/files")
    assert (tab.language, tab.heading()) == ("de", "Dateien")
    tab.speak("en")
    assert tab.heading() == "Files"
    wait_until(lambda: reader.get("/users/me").json()["language"] == "en", seconds=5)

    tab.page.reload()
    tab.settle()
    assert (tab.language, tab.heading()) == ("en", "Files")
    tab.speak("de")
    wait_until(lambda: reader.get("/users/me").json()["language"] == "de", seconds=5)


def test_every_page_names_whom_to_ask_and_the_legal_links(new_tab: NewTab) -> None:
    tab = new_tab()
    for path in ("/sign-in", "/password-reset", "/invitation#x", "/no-such-page"):
        tab.open(path)
        footer = tab.page.get_by_role("contentinfo")
        expect(footer.get_by_role("link", name="portal@nordwelle.example")).to_be_visible()
        expect(footer.get_by_role("link", name="Impressum")).to_be_visible()
        expect(footer.get_by_role("link", name="Datenschutz")).to_be_visible()


def test_the_way_in_needs_no_mouse(new_tab: NewTab, reader: Person) -> None:
    assert reader.phone is not None
    tab = new_tab()
    tab.open("/sign-in")
    keyboard = tab.page.keyboard
    keyboard.press("Tab")
    expect(tab.page.get_by_role("link", name="Zum Inhalt")).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(tab.page.get_by_label("Benutzername")).to_be_focused()
    keyboard.type(reader.username)
    keyboard.press("Tab")
    keyboard.type(PASSWORD)
    keyboard.press("Enter")
    expect(tab.page.get_by_label("Sechsstelliger Code")).to_be_focused()
    keyboard.type(reader.phone.code())
    tab.page.wait_for_url("**/")
    expect(tab.page.locator("h1")).to_be_focused()
