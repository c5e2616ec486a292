"""The start page: greeting, weather, what is new and what waits; live, and honest when a service is away."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Route, expect

from chassis.testing import wait_until
from tests.browser.crm import a_contract, tell
from tests.browser.tab import NewTab, Tab
from tests.portal import Portal
from tests.world import Company, World, a_pdf, invoice_data

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ENGLISH_FIRST = ("en", "de")
"""The language is kept in the profile: whoever comes next finds German again."""

MISSING = {
    "documents": ("documents", "Ihre Rechnungen sind gerade nicht zu erreichen.", "Your invoices cannot be reached"),
    "contracts": ("deadlines", "Ihre Vertragsfristen sind gerade nicht zu erreichen.", "Your contracts' dates cannot"),
    "contacts": ("contacts_to_confirm", "Ihre Ansprechpartner sind gerade nicht zu erreichen.", "Your contacts cannot"),
}
"""Service to its part, and what stands there instead."""


@pytest.fixture(scope="module")
def busy(world: World) -> Company:
    """A company with two new invoices, a contract, no contacts, and two people who have not been in."""
    company = world.company()
    world.publish(company, f"RE-2-{company.canary}")
    company.customer.invite("wartend")
    company.customer.invite("ebenso")
    tell(world.portal, a_contract(company.customer.number, f"V-{company.canary}"))
    wait_until(lambda: company.admin.get("/contracts/calendar").json().get("items"), seconds=30)
    return company


@contextmanager
def hanging(portal: Portal, service: str) -> Iterator[None]:
    """The process takes connections and answers nothing."""
    pid = portal.kill(service, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def part(tab: Tab, name: str) -> Locator:
    return tab.page.get_by_role("region", name=name)


def test_who_signs_in_arrives_here_and_is_greeted(new_tab: NewTab, busy: Company) -> None:
    assert busy.admin.phone is not None
    tab = new_tab()
    tab.open("/sign-in")
    tab.sign_in(busy.admin.username, busy.admin.phone)
    tab.page.wait_for_url("**/")

    assert re.fullmatch(r"Guten (Morgen|Tag|Abend), Admin Beispiel", tab.heading())
    expect(tab.page.locator("main .sub")).to_have_text(re.compile(r"^(Mon|Diens|Donners|Frei|Sams|Sonn)tag|Mittwoch, "))
    expect(tab.page.get_by_role("link", name="Übersicht")).to_have_attribute("aria-current", "page")
    weather = part(tab, "Wetter")
    expect(weather).to_contain_text(re.compile(r"-?\d+ °C\s*RZ Berlin, \d\d:00 Uhr"))
    expect(weather).to_contain_text("Beispielwerte, kein wirkliches Wetter")
    expect(weather.locator("svg")).to_be_visible()


def test_what_is_new_and_what_waits_leads_to_where_it_is(new_tab: NewTab, busy: Company) -> None:
    tab = new_tab(busy.admin)
    tab.open("/")
    rows = part(tab, "Neue Dokumente").locator("[data-document]")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text(re.compile("1.264,62.€"))
    waiting = part(tab, "Zu erledigen").get_by_role("listitem").filter(has_text="Noch nicht angemeldet")
    expect(waiting).to_contain_text(["2"])
    expect(waiting).to_contain_text("Wartend Beispiel, Ebenso Beispiel")

    expect(
        part(tab, "Zu erledigen").get_by_role("listitem").filter(has_text="Rollen ohne Ansprechpartner")
    ).to_contain_text("Zutritt")
    waiting.get_by_role("link").click()
    tab.page.wait_for_url("**/users")
    tab.page.go_back()
    deadline = part(tab, "Zu erledigen").locator("[data-deadline]").first
    expect(deadline).to_contain_text(
        re.compile(r"Tage.*Colocation RZ Berlin.*Kündigung möglich bis \d\d\.\d\d\.20\d\d")
    )
    deadline.get_by_role("link").click()
    tab.page.wait_for_url("**/contracts?contract=*")
    tab.page.go_back()
    rows.first.get_by_role("link").click()
    tab.page.wait_for_url("**/files?document=*")
    expect(tab.page.get_by_role("dialog")).to_be_visible()


def test_an_invoice_that_comes_appears_by_itself(new_tab: NewTab, world: World, busy: Company) -> None:
    tab = new_tab(busy.admin)
    tab.open("/")
    tab.page.locator("[data-live=on]").wait_for()
    number = f"LIVE-{uuid4().hex[:6]}"
    content = a_pdf(number)
    assert world.send(invoice_data(busy.customer.number, number, content), content).status_code == 202

    expect(part(tab, "Neue Dokumente")).to_contain_text(number)


def test_a_contract_that_changes_is_told(new_tab: NewTab, world: World, busy: Company) -> None:
    tab = new_tab(busy.admin)
    tab.open("/")
    tab.page.locator("[data-live=on]").wait_for()
    number = f"V-LIVE-{uuid4().hex[:6]}"
    tell(world.portal, a_contract(busy.customer.number, number, name="Neues Bündel"))

    expect(tab.page.locator("[data-unseen]")).to_be_visible()
    tab.page.locator("header").get_by_role("button", name="Mitteilungen").click()
    tab.page.get_by_role("link", name=f"Vertrag {number} wurde geändert.").click()
    tab.page.wait_for_url("**/contracts?contract=*")


def test_a_member_sees_no_part_of_the_admins(new_tab: NewTab, busy: Company) -> None:
    member = busy.customer.person(f"nur-{uuid4().hex[:6]}")
    tab = new_tab(member)
    tab.open("/")

    expect(part(tab, "Neue Dokumente").locator("[data-document]").first).to_be_visible()
    expect(part(tab, "Zu erledigen")).to_contain_text("Alles erledigt")


def test_nothing_new_says_so(new_tab: NewTab, portal: Portal) -> None:
    tab = new_tab(portal.customer("Neu und leer").admin)
    tab.open("/")

    expect(part(tab, "Neue Dokumente")).to_contain_text("Nichts Neues")
    tab.look("overview-empty")


@pytest.mark.parametrize("service", MISSING)
def test_with_a_service_stopped_the_page_comes_and_says_what_is_missing(
    new_tab: NewTab, portal: Portal, busy: Company, service: str
) -> None:
    name, german, english = MISSING[service]
    tab = new_tab(busy.admin)
    tab.open("/files")
    with hanging(portal, service):
        started = time.monotonic()
        answer = busy.admin.get("/dashboard").json()
        assert time.monotonic() - started < 1
        assert answer[name] == {"unavailable": "too_slow"}
        assert answer["greeting"]["name"] == "Admin Beispiel"

        tab.page.get_by_role("link", name="Übersicht").click()
        expect(tab.page.locator(f"[data-missing={name}]")).to_contain_text(german, timeout=2000)
        expect(part(tab, "Wetter")).to_contain_text("RZ Berlin")
        expect(part(tab, "Zu erledigen")).to_be_visible()
        for language in ENGLISH_FIRST:
            tab.speak(language)
            expect(tab.page.locator(f"[data-missing={name}]")).to_contain_text(german if language == "de" else english)
            tab.look(f"overview-without-{service}", languages=(language,))


def test_the_page_does_not_jump_while_it_loads(new_tab: NewTab, busy: Company) -> None:
    tab = new_tab(busy.admin)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    tab.page.route("**/api/v1/dashboard", hold)
    tab.page.goto("/")
    grey = tab.page.locator("main .pulse")
    expect(grey).to_have_count(2)
    cards = tab.page.locator("main .card")
    before = [cards.nth(n).bounding_box() for n in range(2)]
    for route in held:
        route.continue_()
    tab.page.unroute("**/api/v1/dashboard")
    expect(grey).to_have_count(0)

    assert [cards.nth(n).bounding_box() for n in range(2)] == before


def test_without_connection_it_says_so_and_tries_again(new_tab: NewTab, busy: Company) -> None:
    tab = new_tab(busy.admin)
    tab.page.route("**/api/v1/dashboard", lambda route: route.abort())
    tab.page.goto("/")
    alert = tab.page.get_by_role("alert")
    expect(alert).to_contain_text("Das Portal ist gerade nicht zu erreichen.")
    tab.page.unroute("**/api/v1/dashboard")
    alert.get_by_role("button", name="Erneut versuchen").click()

    expect(part(tab, "Neue Dokumente").locator("[data-document]").first).to_be_visible()
    tab.complaints = [one for one in tab.complaints if "ERR_FAILED" not in one]


def test_the_search_in_the_bar_finds_an_invoice_by_keyboard(new_tab: NewTab, busy: Company) -> None:
    tab = new_tab(busy.admin)
    tab.open("/users")
    tab.page.locator("header").get_by_role("button", name="Suche").click()
    field = tab.page.get_by_role("searchbox", name="Portal durchsuchen")
    expect(field).to_be_focused()
    tab.page.keyboard.type(f"RE-2-{busy.canary}")
    hit = tab.page.get_by_role("link", name=f"Rechnung RE-2-{busy.canary}")
    expect(hit).to_be_visible()
    expect(tab.page.get_by_role("status").filter(has_text="1 Treffer")).to_have_count(1)
    tab.page.keyboard.press("ArrowDown")
    expect(hit).to_be_focused()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/files?document=*")
    expect(tab.page.get_by_role("dialog")).to_be_visible()


def test_the_search_in_the_bar_finds_a_contract(new_tab: NewTab, busy: Company) -> None:
    tab = new_tab(busy.admin)
    tab.open("/")
    tab.page.locator("header").get_by_role("button", name="Suche").click()
    tab.page.keyboard.type(f"V-{busy.canary}")
    tab.page.get_by_role("link", name="Colocation RZ Berlin").filter(has_text=busy.canary).click()
    tab.page.wait_for_url("**/contracts?contract=*")


def test_the_search_says_when_there_is_nothing(new_tab: NewTab, busy: Company) -> None:
    tab = new_tab(busy.admin)
    for language in ENGLISH_FIRST:
        tab.open("/")
        tab.speak(language)
        tab.page.locator("header button:has-text('Suche'), header button:has-text('Search')").click()
        tab.page.keyboard.type("gibtesnicht")
        tab.shows("Nichts gefunden zu" if language == "de" else "Nothing found for")
        tab.look("search-nothing", languages=(language,))


def test_staff_find_a_customer_from_every_page(new_tab: NewTab, portal: Portal, busy: Company) -> None:
    tab = new_tab(portal.operator())
    tab.open("/operator/documents")
    tab.page.locator("header").get_by_role("button", name="Suche").click()
    tab.page.keyboard.type(busy.customer.number)
    tab.page.get_by_role("link", name=f"Firma {busy.canary}").click()
    tab.page.wait_for_url("**/")

    expect(tab.page.locator("header")).to_contain_text(f"Firma {busy.canary}")
    expect(part(tab, "Neue Dokumente").locator("[data-document]").first).to_be_visible()


def test_how_it_looks(new_tab: NewTab, busy: Company) -> None:
    tab = new_tab(busy.admin)
    tab.open("/")
    tab.look("overview")
