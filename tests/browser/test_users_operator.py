"""The operator on the users of a company; mails that failed; every page on a small phone."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from chassis.testing import wait_until
from tests.browser.accounts import add, choose, link_to, row_of
from tests.browser.tab import NewTab
from tests.portal import Portal
from tests.world import Company, World

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SMALLEST = 360


def test_the_sole_admin_who_lost_the_phone_is_helped_by_the_operator(
    portal: Portal, new_tab: NewTab, world: World
) -> None:
    company = world.company()
    username = company.admin.username
    admin = new_tab(company.admin)
    admin.open("/users")
    row_of(admin, username).get_by_role("button", name="Weitere Aktionen").click()
    expect(admin.page.locator("[popover]:popover-open").get_by_role("button", name="App zurücksetzen")).to_have_count(0)

    operator = portal.operator()
    assert operator.post("/auth/session/customer", {"customer_id": company.customer.id}).status_code == 200
    tab = new_tab(operator)
    tab.open("/users")
    expect(tab.page.locator("header")).to_contain_text(f"Firma {company.canary}")
    dialog = choose(tab, username, "App zurücksetzen")
    dialog.get_by_label("Grund").fill("Rückruf beim bestätigten Ansprechpartner")
    dialog.get_by_role("button", name="Zurücksetzen").click()
    expect(tab.page.get_by_role("dialog")).to_have_count(0)
    admin.page.wait_for_url("**/sign-in*", timeout=10_000)
    assert link_to(portal, username, "second-factor")

    tab.open("/users?view=log")
    wait_until(lambda: "second_factor_reset" in tab.page.request.get("/api/v1/users/audit").text(), seconds=10)
    tab.page.reload()
    tab.settle()
    expect(tab.page.locator("tr[data-what=second_factor_reset_requested]").first).to_be_visible()
    expect(tab.page.locator("tr[data-result=looked]").first).to_contain_text("Blick des Betreibers")


def test_a_mail_that_was_refused_is_dropped_after_a_question(new_tab: NewTab, portal: Portal, company: Company) -> None:
    """The built-in mailbox takes nothing for `unbekannt`; here a contact who would be told of a reset."""
    address = f"unbekannt@{company.customer.domain}"
    body = {"family_name": "Tippfehler", "email": address, "roles": ["management"]}
    assert company.admin.post("/contacts", body).status_code == 201
    person = company.customer.person(f"ruf-{uuid4().hex[:6]}")
    operator = portal.operator()
    assert operator.post("/auth/session/customer", {"customer_id": company.customer.id}).status_code == 200
    rows = operator.get("/users", params={"limit": 200}).json()["items"]
    row_id = next(row["id"] for row in rows if row["username"] == person.username)
    reset = operator.post(f"/users/{row_id}/second-factor-reset", {"reason": "Telefon verloren"})
    assert reset.status_code == 202, reset.text
    refused = wait_until(lambda: operator.get("/users/operator/mails").json()["items"], seconds=20)
    assert address in [mail["recipient"] for mail in refused]

    tab = new_tab(operator)
    tab.open("/operator/documents?list=mails")
    row = tab.page.locator(f"tr[data-case='{address}']")
    expect(row).to_contain_text("Der Mailserver nimmt sie nicht an.")
    expect(row).to_contain_text("550")
    tab.look("cases-mails")
    row.get_by_role("button", name="verwerfen").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Verwerfen").click()
    expect(row).to_have_count(0)
    tab.page.get_by_role("link", name="Aufgegeben").click()
    tab.settle()
    expect(tab.page.get_by_role("alert")).to_have_count(0)


def test_no_page_runs_out_of_the_smallest_phone(new_tab: NewTab, company: Company) -> None:
    tab = new_tab(company.admin)
    tab.page.set_viewport_size({"width": SMALLEST, "height": 740})
    pages = ["/users", "/users?view=access", "/users?view=import", "/users?view=log"]
    for path in [*pages, "/security", "/security?step=app", "/security?step=codes", "/api-tokens", "/profile"]:
        tab.open(path)
        width = tab.page.evaluate("document.documentElement.scrollWidth")
        assert width <= SMALLEST, f"{path} is {width} wide"
    tab.open("/users")
    add(tab, f"schmal-{uuid4().hex[:6]}@{company.customer.domain}")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= SMALLEST
