"""Verträge: bundles as printed, the law's date beside the contract's, deadlines, the calendar's secret address."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from playwright.sync_api import Locator, expect

from chassis.testing import wait_until
from tests.browser.crm import a_contract, a_position, tell
from tests.browser.tab import NewTab, Tab
from tests.world import Company, World

pytestmark = pytest.mark.browser
PRINTED = [
    ["1", "1", "Stück", "Rackfläche inkl. Rack"],
    ["2", "1", "kW", "USV A/B-Feed 230 V"],
    ["3", "10", "Mbit/s", "Internet Connect Burst"],
    ["4", "10", "Stück", "Internet Connect Burst, Redundanz"],
    ["5", "136", "Stück", "IPv4-Adressen"],
]
TODAY = datetime.now(UTC).date()
CANCELLED_ON, LAST_DAY = TODAY - timedelta(days=30), TODAY + timedelta(days=40)
ANY_TIME = {"value": 1, "unit": "months", "to": "any_time"}
FREE = {"min_term_months": None, "renewal_months": None, "notice": ANY_TIME, "starts_on": "2020-01-01", "positions": []}


def german(iso: str) -> str:
    year, month, day = iso.split("-")
    return f"{day}.{month}.{year}"


@pytest.fixture(scope="module")
def agreed(world: World) -> Company:
    """A company with a bundle, a telecom contract, one that is cancelled and one without a term."""
    company = world.company()
    number = company.customer.number
    line = [a_position(1, "1000", "Mbit/s", "Internet Connect", telecom_service=True)]
    cancelled = {"cancelled_on": CANCELLED_ON, "ends_on": LAST_DAY, "name": "SIP-Trunk Zentrale"}
    tell(
        world.portal,
        a_contract(number, "V-1-BUNDLE"),
        a_contract(number, "V-2-LINE", name="Internet Bürohaus", telecom_service=True, positions=line),
        a_contract(number, "V-3-GONE", **cancelled, positions=[a_position(1, "30", "Sprachkanäle", "SIP-Trunk")]),
        a_contract(number, "V-4-FREE", name="Wartung", **FREE),
    )
    wait_until(lambda: len(contracts_of(company)) == 4, seconds=30)
    return company


def contracts_of(company: Company, **query: str) -> dict[str, Any]:
    """By number."""
    items = company.admin.get("/contracts", params=query).json().get("items", [])
    return {contract["number"]: contract for contract in items}


@pytest.fixture
def tab(new_tab: NewTab, agreed: Company) -> Tab:
    tab = new_tab(agreed.admin)
    tab.open("/contracts")
    return tab


def card(tab: Tab, number: str) -> Locator:
    return tab.page.locator(f"article[data-contract='{number}']")


def facts(found: Locator) -> list[str]:
    return found.locator("dd strong").all_inner_texts()


def test_the_bundle_looks_like_the_printed_contract(tab: Tab, agreed: Company) -> None:
    bundle, known = card(tab, "V-1-BUNDLE"), contracts_of(agreed)["V-1-BUNDLE"]
    ends, notice = german(known["earliest_end_on"]), german(known["last_notice_day"])

    expect(bundle.get_by_role("heading", name="Colocation RZ Berlin")).to_be_visible()
    assert facts(bundle) == ["01.04.2023", "36 Monate", ends, notice]
    expect(bundle).to_contain_text("bis 31.03.2026")
    expect(bundle).to_contain_text("Kostenstelle IT-400")
    expect(bundle.locator("[data-source=contract]")).to_contain_text(known["basis"])
    rows = bundle.locator("tr[data-position]")
    cells = [row.locator("td:not(.actions)").all_inner_texts() for row in rows.all()]
    assert [[text.split("\n")[0].strip() for text in row] for row in cells] == PRINTED
    expect(rows.first).to_contain_text("Maße: 800x1000x42 HE")


def test_the_laws_date_stands_beside_the_contracts_own(tab: Tab, agreed: Company) -> None:
    line, known = card(tab, "V-2-LINE"), contracts_of(agreed)["V-2-LINE"]
    law = line.locator("[data-source=law]")

    assert known["statutory"]["earliest_end_on"] < known["earliest_end_on"]
    expect(law).to_contain_text(german(known["statutory"]["earliest_end_on"]))
    expect(law).to_contain_text(known["statutory"]["basis"])
    assert facts(line)[2] == german(known["earliest_end_on"])
    expect(line.locator("[data-source=contract]")).to_contain_text(known["basis"])

    position = contracts_of(agreed)["V-1-BUNDLE"]["positions"][2]
    bundle = card(tab, "V-1-BUNDLE")
    expect(bundle.locator("[data-source=law]")).to_have_count(0)
    said = f"Frühestes Ende nach dem Gesetz: {german(position['statutory']['earliest_end_on'])}"
    expect(bundle.locator("tr[data-position='3']")).to_contain_text(said)
    expect(bundle.locator("tr[data-position='1']")).not_to_contain_text("Gesetz")


def test_a_cancelled_contract_shows_its_date(tab: Tab) -> None:
    gone = card(tab, "V-3-GONE")

    expect(gone.locator(".tag").first).to_have_text(f"gekündigt zum {german(LAST_DAY.isoformat())}")
    assert facts(gone)[2:] == [german(CANCELLED_ON.isoformat()), german(LAST_DAY.isoformat())]
    assert facts(card(tab, "V-4-FREE"))[1::2] == ["keine", "jederzeit möglich"]


def test_state_search_and_day_narrow_the_list_and_stay_in_the_address(tab: Tab, agreed: Company) -> None:
    tab.page.get_by_role("navigation", name="Zustand").get_by_role("link", name="Gekündigt").click()
    tab.page.wait_for_url("**/contracts?state=cancelled")
    expect(tab.page.locator("article")).to_have_count(1)
    tab.page.reload()
    tab.settle()
    expect(card(tab, "V-3-GONE")).to_be_visible()

    tab.open("/contracts")
    tab.page.get_by_role("searchbox", name="Verträge durchsuchen").fill("bürohaus")
    expect(tab.page.locator("article")).to_have_count(1)
    expect(card(tab, "V-2-LINE")).to_be_visible()
    tab.page.get_by_role("searchbox", name="Verträge durchsuchen").fill("gibtesnicht")
    tab.shows("Nichts gefunden zu „gibtesnicht“")
    tab.page.get_by_role("link", name="Alle anzeigen").click()
    expect(tab.page.locator("article")).to_have_count(4)

    tab.page.get_by_label("Stand am").fill("2040-01-01")
    tab.shows("Alle Termine, wie sie am 01.01.2040 gelten.")
    then = contracts_of(agreed, as_of="2040-01-01")["V-1-BUNDLE"]
    expect(card(tab, "V-1-BUNDLE").locator("dd strong").nth(2)).to_have_text(german(then["earliest_end_on"]))
    tab.page.get_by_role("link", name="Wieder heute").click()
    tab.page.wait_for_url("**/contracts")


def test_deadlines_are_a_list_first_and_a_line_second(tab: Tab, agreed: Company) -> None:
    tab.page.get_by_role("link", name="Termine", exact=True).click()
    tab.page.wait_for_url("**/contracts?view=deadlines")
    tab.settle()
    known = agreed.admin.get("/contracts/calendar").json()["items"]
    days = tab.page.locator("li[data-deadline] time")
    expect(days).to_have_text([german(deadline["on"]) for deadline in known])
    expect(tab.page.locator("[data-timeline] circle").first).to_be_visible()
    notice = tab.page.locator("li[data-deadline=last_notice_day]").filter(has_text="V-1-BUNDLE")
    expect(notice).to_contain_text("Damit endet der Vertrag am")

    notice.get_by_role("link").click()
    tab.page.wait_for_url("**/contracts?contract=*")
    expect(tab.page.locator("article")).to_have_count(1)
    tab.page.get_by_role("link", name="Alle Verträge").click()
    expect(tab.page.locator("article")).to_have_count(4)


def test_the_calendars_address_is_secret_and_a_new_one_ends_the_old(tab: Tab) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen = []
    for button in ("Adresse erzeugen", "Neue Adresse erzeugen"):
        tab.button("Termine abonnieren").click()
        dialog = tab.page.get_by_role("dialog", name="Termine abonnieren")
        dialog.get_by_role("button", name=button, exact=True).click()
        seen.append(dialog.get_by_label("Adresse des Kalenders").input_value())
        expect(dialog).to_contain_text("Diese Adresse ist geheim")
        dialog.get_by_role("button", name="Kopieren").click()
        expect(dialog.get_by_role("button", name="Kopiert")).to_be_visible()
        assert tab.page.evaluate("navigator.clipboard.readText()") == seen[-1]
        assert httpx2.get(seen[-1]).text.startswith("BEGIN:VCALENDAR")
        dialog.get_by_role("button", name="Schließen").first.click()
    assert httpx2.get(seen[0]).status_code == 404

    tab.button("Termine abonnieren").click()
    tab.button("Adresse zurückziehen").click()
    tab.shows("Noch gibt es keine Adresse für Sie.")
    assert httpx2.get(seen[1]).status_code == 404


def test_a_change_comes_in_while_one_looks(tab: Tab, world: World, agreed: Company) -> None:
    tab.page.locator("[data-live=on]").wait_for()
    tell(world.portal, a_contract(agreed.customer.number, "V-4-FREE", name="Wartung neu", version=2, **FREE))

    expect(card(tab, "V-4-FREE").get_by_role("heading")).to_have_text("Wartung neu")


def test_from_a_contract_to_its_invoices_and_contacts(tab: Tab) -> None:
    card(tab, "V-1-BUNDLE").get_by_role("link", name="Rechnungen zu diesem Vertrag").click()
    tab.page.wait_for_url("**/files?q=V-1-BUNDLE")
    tab.page.go_back()
    card(tab, "V-1-BUNDLE").get_by_role("link", name="Ansprechpartner").click()
    tab.page.wait_for_url("**/contacts")


def test_without_a_connection_it_says_so_and_tries_again(tab: Tab) -> None:
    tab.context.set_offline(True)
    tab.page.get_by_role("link", name="Gekündigt", exact=True).click()
    note = tab.page.get_by_role("alert").filter(has_text="nicht zu erreichen")
    expect(note).to_be_visible()
    tab.context.set_offline(False)
    note.get_by_role("button", name="Erneut versuchen").click()
    expect(tab.page.locator("article")).to_have_count(1)
    expect(note).to_have_count(0)
    # what the browser itself says of the broken connection
    tab.complaints[:] = [one for one in tab.complaints if "ERR_INTERNET_DISCONNECTED" not in one]


def test_somebody_elses_contract_is_not_there(new_tab: NewTab, company: Company, agreed: Company) -> None:
    tab = new_tab(company.admin)
    tab.open("/contracts")
    tab.shows("Noch keine Verträge")
    tab.open(f"/contracts?contract={contracts_of(agreed)['V-1-BUNDLE']['id']}")
    expect(tab.page.get_by_role("alert")).to_contain_text("Vorgangsnummer")
    expect(tab.page.locator("article")).to_have_count(0)


def test_an_app_only_for_those_who_may(new_tab: NewTab, agreed: Company) -> None:
    person = agreed.customer.person(f"nur-{uuid4().hex[:6]}", modules=("contracts",))
    tab = new_tab(person)
    tab.open("/contracts")
    expect(tab.page.locator("article")).to_have_count(4)
    expect(tab.page.get_by_role("link", name="Rechnungen zu diesem Vertrag")).to_have_count(0)
    expect(tab.page.get_by_role("banner").get_by_role("link", name="Ansprechpartner")).to_have_count(0)


def test_how_it_looks(new_tab: NewTab, agreed: Company, company: Company) -> None:
    tab = new_tab(agreed.admin)
    tab.open("/contracts")
    tab.look("contracts")
    tab.open("/contracts?view=deadlines")
    tab.look("contracts-deadlines")
    for language in ("de", "en"):
        tab.open("/contracts?as_of=2040-01-01")
        tab.speak(language)
        tab.look("contracts-as-of", languages=(language,))
        tab.page.locator("main button.btn").first.click()
        tab.page.get_by_role("dialog").locator("button.main").wait_for()
        tab.look("contracts-calendar", languages=(language,))
    empty = new_tab(company.admin)
    empty.open("/contracts")
    empty.look("contracts-empty")
    empty.open("/contracts?view=deadlines")
    empty.look("contracts-no-deadlines")
