"""One's own profile: name, language, which mails come."""

import pytest
from playwright.sync_api import expect

from chassis.testing import wait_until
from tests.browser.accounts import menu
from tests.browser.tab import NewTab
from tests.people import Person
from tests.world import Company

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def person(company: Company) -> Person:
    return company.customer.person("profil", modules=("invoices", "contracts"))


def test_the_menu_at_the_initials_leads_to_ones_own_pages(new_tab: NewTab, company: Company, person: Person) -> None:
    tab = new_tab(person)
    tab.open("/files")
    for item in ("Profil", "Sicherheit", "API-Token"):
        menu(tab, item)
        assert tab.heading() == item
    tab.page.locator("header button.avatar").click()
    panel = tab.page.locator("[popover]:popover-open")
    expect(panel.get_by_role("link")).to_have_text(["Profil", "Sicherheit", "API-Token"])
    expect(panel.get_by_role("button", name="Abmelden")).to_be_visible()

    admin = new_tab(company.admin)
    admin.open("/files")
    admin.page.locator("header button.avatar").click()
    links = admin.page.locator("[popover]:popover-open").get_by_role("link")
    expect(links).to_have_text(["Profil", "Sicherheit", "Benutzer", "API-Token"])


def test_name_and_language_count_at_once(new_tab: NewTab, person: Person) -> None:
    tab = new_tab(person)
    tab.open("/profile")
    tab.page.get_by_label("Vorname").fill("Petra")
    tab.page.get_by_label("Nachname").fill("Quelle")
    tab.page.get_by_label("Sprache").select_option("en")
    tab.button("Speichern").click()
    tab.shows("Saved")
    expect(tab.page.locator("header button.avatar")).to_contain_text("PQ")
    assert (tab.language, tab.heading()) == ("en", "Profile")

    tab.page.reload()
    tab.settle()
    assert tab.language == "en"
    expect(tab.page.get_by_label("Given name")).to_have_value("Petra")
    me = tab.page.request.get("/api/v1/users/me").json()
    assert (me["given_name"], me["family_name"], me["language"]) == ("Petra", "Quelle", "en")
    tab.speak("de")


def test_a_name_that_is_none_is_refused_at_its_field(new_tab: NewTab, person: Person) -> None:
    tab = new_tab(person)
    tab.open("/profile")
    field = tab.page.get_by_label("Vorname")
    before = field.input_value()
    field.fill("\u202everdreht")
    tab.button("Speichern").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    tab.page.reload()
    tab.settle()
    expect(field).to_have_value(before)


def test_each_tick_of_the_notifications_counts_at_once(new_tab: NewTab, person: Person) -> None:
    tab = new_tab(person)
    tab.open("/profile")
    boxes = tab.page.locator("#notifications input[type=checkbox]")
    expect(boxes.first).to_be_visible()
    fixed = tab.page.locator("#notifications label", has=tab.page.get_by_text("immer", exact=True)).locator("input")
    for box in fixed.all():
        expect(box).to_be_checked()
        expect(box).to_be_disabled()
    free = tab.page.locator("#notifications label:not(:has(.tag)) input")
    assert free.count() >= 2
    before = [box.is_checked() for box in free.all()]
    free.first.set_checked(not before[0])
    tab.page.get_by_role("status").filter(has_text="Gemerkt.").first.wait_for(state="attached")

    def kept() -> bool:
        answer = tab.page.request.get("/api/v1/users/me/notifications").json()["events"]
        return [one["channels"]["mail"]["wanted"] for one in answer if not one["channels"]["mail"]["fixed"]] == [
            not before[0],
            *before[1:],
        ]

    assert wait_until(kept, seconds=5)
    tab.page.reload()
    tab.settle()
    assert [box.is_checked() for box in free.all()] == [not before[0], *before[1:]]


def test_how_the_profile_looks(new_tab: NewTab, person: Person) -> None:
    tab = new_tab(person)
    tab.open("/profile")
    expect(tab.page.locator("#notifications input").first).to_be_visible()
    tab.look("profile")
