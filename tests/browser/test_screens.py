"""Each screen in both languages, light and dark, wide and narrow: axe finds nothing, nothing runs out of the page."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from chassis.testing import wait_until
from tests.browser.tab import NewTab
from tests.people import PASSWORD, Person, Phone, invitation_token
from tests.portal import Portal
from tests.world import Company, World, a_pdf, invoice_data

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def busy(world: World) -> Company:
    """A company with something in every state that a screen can show."""
    company = world.company()
    number = company.customer.number
    changes: list[dict[str, object]] = [
        {"payment_state": "paid"},
        {"payment_state": "overdue", "issued_on": "2026-08-03", "due_on": "2026-08-17"},
        {"kind": "credit_note", "net": "-23.22", "tax": "-4.41", "gross": "-27.63", "corrects": "RE-2"},
    ]
    for n, change in enumerate(changes):
        content = a_pdf(f"Rechnung {n}")
        assert world.send(invoice_data(number, f"RE-{n}", content, **change), content).status_code == 202
    other = a_pdf("anders")
    conflict = world.send(invoice_data(number, "RE-0", other), other)
    assert conflict.status_code == 409, conflict.text
    unknown = invoice_data(f"KD-{uuid4().hex[:8]}", "RE-9", other)
    assert world.send(unknown, other).status_code == 202
    company.customer.invite("eingeladen")
    wait_until(lambda: len(company.admin.get("/documents").json()["items"]) == len(changes) + 1, seconds=20)
    return company


def test_the_way_in(portal: Portal, new_tab: NewTab, company: Company) -> None:
    username = company.customer.invite(f"weg-{uuid4().hex[:6]}")
    tab = new_tab()
    tab.open("/invitation#unbekannt")
    tab.look("invitation-unknown")
    tab.open("/password-reset")
    tab.look("password-reset")
    tab.open("/sign-in")
    tab.look("sign-in")
    tab.type_password_step(username, "Falsch-geraten-1!")
    expect(tab.page.get_by_role("alert")).to_be_visible()
    tab.look("sign-in-wrong")

    tab.open(f"/invitation#{invitation_token(portal.mails, username)}")
    tab.page.get_by_label("Neues Passwort", exact=True).fill("halb-fertig")
    tab.look("invitation")
    tab.page.get_by_label("Neues Passwort", exact=True).fill(PASSWORD)
    tab.button("Passwort setzen").click()
    tab.page.wait_for_url("**/sign-in")
    tab.type_password_step(username)
    secret = tab.page.locator("[data-secret]")
    secret.wait_for()
    tab.look("enrolment")
    phone = Phone(secret.get_attribute("data-secret") or "")
    tab.page.locator("input[name=code]").fill(phone.code())
    tab.page.locator("[data-recovery-code]").first.wait_for()
    tab.look("recovery-codes")
    tab.page.get_by_label("Ich habe die Codes aufbewahrt").check()
    tab.button("Weiter zum Portal").click()
    tab.page.wait_for_url("**/")

    again = new_tab()
    again.open("/sign-in")
    again.type_password_step(username)
    again.page.locator("input[name=code]").wait_for()
    again.look("second-factor")


def test_files(new_tab: NewTab, busy: Company) -> None:
    tab = new_tab(busy.admin)
    tab.open("/files")
    tab.look("files")
    tab.open("/files?q=gibtesnicht")
    tab.look("files-nothing-found")
    tab.open("/no-such-page")
    tab.look("missing-page")
    for language in ("de", "en"):
        tab.open("/files")
        tab.speak(language)
        tab.page.locator("header button.avatar").click()
        tab.look("profile-menu", languages=(language,))
        tab.open(f"/files?document={busy.documents[0]}")
        tab.page.locator("dialog iframe").wait_for()
        tab.look("pdf", languages=(language,))


def test_users(new_tab: NewTab, busy: Company) -> None:
    tab = new_tab(busy.admin)
    tab.open("/users")
    tab.look("users")


def test_operator(new_tab: NewTab, portal: Portal, busy: Company) -> None:
    operator: Person = portal.operator()
    tab = new_tab(operator)
    tab.open("/customers")
    tab.look("customers")
    for pile in ("conflicts", "refused"):
        tab.open(f"/operator/documents?list={pile}")
        tab.look(f"cases-{pile}")
    for language in ("de", "en"):
        tab.open("/customers")
        tab.speak(language)
        tab.page.locator("main button.main").click()
        tab.page.get_by_role("dialog").wait_for()
        tab.look("new-customer", languages=(language,))
        tab.open("/operator/documents?list=conflicts")
        tab.page.locator("button.danger").first.click()
        tab.look("drop", languages=(language,))


def test_a_module_nobody_gave(portal: Portal, new_tab: NewTab, busy: Company) -> None:
    person = busy.customer.person(f"ohne-{uuid4().hex[:6]}", modules=())
    tab = new_tab(person)
    tab.open("/")
    tab.look("nothing-opened")
