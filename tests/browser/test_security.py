"""One's own security: password, address, app, recovery codes, sessions, history. Each with its mail."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from chassis.testing import wait_until
from tests.browser.accounts import give_code, link_to, mail_to
from tests.browser.tab import NewTab, Tab
from tests.people import PASSWORD, Person, Phone
from tests.portal import Portal
from tests.world import Company

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
FRESH = "Leuchtturm-7-Meilen!"


@pytest.fixture
def person(company: Company) -> Person:
    return company.customer.person(f"sicher-{uuid4().hex[:6]}")


def phone_of(person: Person) -> Phone:
    assert person.phone is not None
    return person.phone


def may_need_a_code(tab: Tab, person: Person) -> None:
    """Whoever signed in a moment ago is not asked; with an older proof one is."""
    dialog = tab.page.get_by_role("dialog", name="Bitte bestätigen")
    if dialog.count():
        give_code(tab, phone_of(person))


def test_a_new_password_ends_the_other_sessions_and_is_told_by_mail(
    portal: Portal, new_tab: NewTab, person: Person
) -> None:
    elsewhere = portal.stranger(person.username)
    elsewhere.phone = phone_of(person)
    elsewhere.sign_in()
    tab = new_tab(person)
    tab.open("/security")
    tab.button("Passwort ändern").click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog.locator("li[data-rule]")).to_have_count(5)
    field = dialog.get_by_label("Neues Passwort", exact=True)
    field.press_sequentially("kurz")
    expect(dialog.locator("li[data-rule=length]")).to_have_attribute("data-met", "false")
    field.fill("Passwort1!")
    dialog.get_by_label("Bisheriges Passwort", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Passwort ändern").click()
    expect(dialog.get_by_role("alert")).to_contain_text("häufig benutztes")
    dialog.get_by_label("Bisheriges Passwort", exact=True).fill("Falsch-geraten-1!")
    field.fill(FRESH)
    dialog.get_by_role("button", name="Passwort ändern").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Das bisherige Passwort stimmt nicht.")
    dialog.get_by_label("Bisheriges Passwort", exact=True).fill(PASSWORD)
    expect(dialog.locator("li[data-rule=length]")).to_have_attribute("data-met", "true")
    dialog.get_by_role("button", name="Passwort ändern").click()
    may_need_a_code(tab, person)
    expect(tab.page.locator("main .note")).to_contain_text("Ihr Passwort ist geändert.")

    wait_until(lambda: elsewhere.get("/auth/session").status_code == 401, seconds=5)
    assert elsewhere.password_step(PASSWORD).status_code == 401
    assert elsewhere.password_step(FRESH).json() == {"next": "second_factor"}
    mail_to(portal, person.username, "Passwort")


def test_a_new_address_counts_once_its_link_is_opened_and_the_old_one_is_told(
    portal: Portal, new_tab: NewTab, company: Company, person: Person
) -> None:
    new = f"neu-{uuid4().hex[:6]}@{company.customer.domain}"
    tab = new_tab(person)
    tab.open("/security")
    tab.button("E-Mail-Adresse ändern").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Neue E-Mail-Adresse").fill(new)
    dialog.get_by_role("button", name="Link zusenden").click()
    may_need_a_code(tab, person)
    expect(tab.page.get_by_role("dialog")).to_contain_text(f"Bitte sehen Sie in das Postfach {new}")
    link = link_to(portal, new, "email-change")

    other = new_tab()
    other.open(link)
    assert other.heading() == "Neue E-Mail-Adresse bestätigen"
    assert "#" not in other.page.url
    other.look("email-change")
    other.button("Adresse bestätigen").click()
    other.shows("Ihre neue Adresse gilt")
    mail_to(portal, person.username, new)
    other.open(link)
    other.button("Adresse bestätigen").click()
    other.shows("Dieser Link gilt nicht mehr")

    other.open("/sign-in")
    wait_until(lambda: portal.stranger(new).password_step().status_code == 200, seconds=10)
    other.sign_in(new, phone_of(person))
    other.open("/security")
    expect(other.page.locator("main")).to_contain_text(new)
    assert portal.stranger(person.username).password_step().status_code == 401


def test_a_broken_link_to_an_address_says_what_to_do(new_tab: NewTab) -> None:
    tab = new_tab()
    tab.open("/email-change")
    tab.shows("Dieser Link gilt nicht mehr")
    tab.open("/email-change#kaputt")
    tab.button("Adresse bestätigen").click()
    tab.shows("Dieser Link gilt nicht mehr")
    expect(tab.page.locator("main")).to_contain_text("portal@nordwelle.example")


def test_a_new_app_counts_from_its_confirmation_on(portal: Portal, new_tab: NewTab, person: Person) -> None:
    tab = new_tab(person)
    tab.open("/security")
    tab.page.get_by_role("link", name="Neue App einrichten").click()
    may_need_a_code(tab, person)
    secret = tab.page.locator("[data-secret]")
    secret.wait_for()
    expect(tab.page.get_by_role("img", name="QR-Code")).to_be_visible()
    elsewhere = portal.stranger(person.username)
    elsewhere.phone = phone_of(person)
    elsewhere.sign_in()

    fresh = Phone(secret.get_attribute("data-secret") or "")
    tab.page.locator("input[name=code]").fill(str((int(fresh.code()) + 1) % 10**6).zfill(6))
    expect(tab.page.get_by_role("alert")).to_be_visible()
    tab.page.locator("input[name=code]").fill(fresh.code())
    expect(tab.page.locator("[data-recovery-code]")).to_have_count(10)
    assert tab.heading().replace("\u00ad", "") == "Ihre neuen Wiederherstellungscodes"
    expect(tab.button("Fertig")).to_be_disabled()
    tab.page.get_by_label("Ich habe die Codes aufbewahrt").check()
    tab.button("Fertig").click()
    expect(tab.page.locator("main .note")).to_contain_text("Ihre neue App ist eingerichtet.")

    wait_until(lambda: elsewhere.get("/auth/session").status_code == 401, seconds=5)
    assert elsewhere.password_step().status_code == 200
    old = elsewhere.post("/auth/login/second-factor", {"code": phone_of(person).code()})
    assert old.status_code == 401
    person.phone = fresh
    elsewhere.phone = fresh
    elsewhere.sign_in()
    mail_to(portal, person.username, "Authenticator-App")


def test_new_recovery_codes_replace_the_old_ones(portal: Portal, new_tab: NewTab, person: Person) -> None:
    tab = new_tab(person)
    tab.open("/security?step=codes")
    tab.button("Codes erzeugen").click()
    may_need_a_code(tab, person)
    shown = tab.page.locator("[data-recovery-code]")
    expect(shown).to_have_count(10)
    fresh = shown.all_inner_texts()
    with tab.page.expect_download() as saving:
        tab.button("Als Textdatei sichern").click()
    assert all(code in saving.value.path().read_text("utf-8") for code in fresh)
    tab.page.get_by_label("Ich habe die Codes aufbewahrt").check()
    tab.button("Fertig").click()
    assert tab.heading() == "Sicherheit"

    for code, status in ((person.recovery_codes[0], 401), (fresh[0], 200), (fresh[0], 401)):
        stranger = portal.stranger(person.username)
        assert stranger.password_step().status_code == 200
        assert stranger.post("/auth/login/second-factor", {"code": code}).status_code == status
    mail_to(portal, person.username, "Wiederherstellungscodes")


def test_sessions_are_shown_with_their_devices_and_ended(portal: Portal, new_tab: NewTab, person: Person) -> None:
    elsewhere = new_tab()
    elsewhere.open("/sign-in")
    elsewhere.sign_in(person.username, phone_of(person))
    elsewhere.open("/files")
    elsewhere.page.locator("[data-live=on]").wait_for()
    tab = new_tab(person)
    tab.open("/security")
    rows = tab.page.locator("tr[data-session]")
    expect(rows).to_have_count(2)
    expect(tab.page.locator("tr[data-session][data-current=true]")).to_contain_text("dieses Gerät")
    other = tab.page.locator("tr[data-session][data-current=false]")
    expect(other).to_contain_text("Chrom")
    expect(other).to_contain_text("127.0.0.1")
    other.get_by_role("button", name="Sitzung beenden").click()
    may_need_a_code(tab, person)
    expect(rows).to_have_count(1)
    elsewhere.page.wait_for_url("**/sign-in*", timeout=5_000)

    history = tab.page.locator("section", has_text="Anmeldungen bisher")
    expect(history.locator("tr[data-result]").first).to_contain_text("angemeldet")


def test_the_history_shows_what_was_refused(portal: Portal, new_tab: NewTab, person: Person) -> None:
    assert portal.stranger(person.username).password_step("Falsch-geraten-1!").status_code == 401
    tab = new_tab(person)
    tab.open("/security")
    rows = tab.page.locator("section", has_text="Anmeldungen bisher").locator("tr[data-result]")
    expect(rows.locator(".tag.bad").first).to_be_visible()


def test_how_the_security_page_looks(new_tab: NewTab, person: Person) -> None:
    tab = new_tab(person)
    tab.open("/security")
    expect(tab.page.locator("tr[data-session]")).to_have_count(1)
    tab.look("security")
    for language in ("de", "en"):
        tab.open("/security")
        tab.speak(language)
        means = tab.page.locator("section", has=tab.page.locator("#means")).locator("button")
        for name, at in (("password", 0), ("email", 1)):
            means.nth(at).click()
            tab.page.get_by_role("dialog").wait_for()
            tab.settle()
            tab.look(f"security-{name}", languages=(language,))
            tab.page.keyboard.press("Escape")
    tab.open("/security?step=app")
    tab.page.locator("[data-secret]").wait_for()
    tab.look("security-app")
    tab.open("/security?step=codes")
    tab.look("security-codes")
