"""The main job as people do it: a customer is made, invited, signs in with two factors, and reads an invoice."""

import asyncio
import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from chassis.bus import connected_bus
from events.base import STRUCTURED, encode
from events.billing import InvoicePublished
from tests.browser.tab import NewTab, Tab
from tests.people import PASSWORD, Phone, invitation_token
from tests.portal import Portal
from tests.world import a_pdf, invoice_data

pytestmark = pytest.mark.browser
SEEN_WITHIN_MS = 2_000


def publish(portal: Portal, data: dict[str, Any]) -> None:
    """As a billing system does, over NATS; in a thread, because the browser has this one's event loop."""

    async def send() -> None:
        feed = portal.run["feeds"]["billing"]
        event = InvoicePublished.model_validate_json(json.dumps(data))
        event_id = str(uuid4())
        payload = encode(event, source="/billing/browser", event_id=event_id, time=datetime.now(UTC), traceparent=None)
        bus = await connected_bus("browser", portal.run["nats_url"], user=feed["user"], password=feed["password"])
        headers = {"Content-Type": STRUCTURED, "Nats-Msg-Id": f"/billing/browser/{event_id}"}
        await bus.publish(InvoicePublished.subject, payload, headers)
        await bus.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, send()).result()


def make_customer_and_invite(operator: Tab, number: str, username: str) -> None:
    operator.open("/customers")
    operator.button("Kunde anlegen").click()
    dialog = operator.page.get_by_role("dialog")
    dialog.get_by_label("Kundennummer").fill(number)
    dialog.get_by_label("Name", exact=True).fill(f"Beispiel Spedition {number}")
    dialog.get_by_role("button", name="Anlegen").click()
    operator.page.locator(f"tr[data-customer={number}]").get_by_role("button").click()
    operator.page.wait_for_url("**/")
    expect(operator.page.locator("header")).to_contain_text(f"Beispiel Spedition {number}")

    operator.page.get_by_role("link", name="Benutzer").click()
    operator.settle()
    operator.page.get_by_label("E-Mail", exact=True).fill(username)
    operator.page.get_by_label("Vorname").fill("Anna")
    operator.page.get_by_label("Nachname").fill("Beispiel")
    operator.page.get_by_label("Rolle").select_option("admin")
    operator.button("Anlegen").click()
    row = operator.page.locator(f"tr[data-user='{username}']")
    expect(row).to_contain_text("angelegt")
    row.get_by_role("button", name="einladen").click()
    expect(row).to_have_attribute("data-state", "invited")


def set_password(tab: Tab, username: str) -> None:
    rules = tab.page.locator("li[data-rule]")
    expect(rules).to_have_count(5)
    assert tab.page.get_by_label("Benutzername").input_value() == username
    field = tab.page.get_by_label("Neues Passwort", exact=True)
    field.press_sequentially("abc")
    expect(tab.page.locator("li[data-rule=length]")).to_have_attribute("data-met", "false")
    field.press_sequentially("-1")
    expect(tab.page.locator("li[data-rule=digit]")).to_have_attribute("data-met", "true")
    expect(tab.page.locator("li[data-rule=special]")).to_have_attribute("data-met", "true")

    field.fill("Passwort1!")
    tab.button("Passwort setzen").click()
    expect(tab.page.get_by_role("alert")).to_contain_text("häufig benutztes")

    field.fill(PASSWORD)
    tab.button("Passwort setzen").click()
    tab.page.wait_for_url("**/sign-in")


def set_up_app(tab: Tab) -> tuple[Phone, list[str]]:
    secret = tab.page.locator("[data-secret]").get_attribute("data-secret") or ""
    assert tab.page.locator("[data-secret]").inner_text().replace("\n", "").replace(" ", "") == secret
    picture = tab.page.get_by_role("img", name="QR-Code")
    assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth }") > 0
    phone = Phone(secret)
    code = phone.code()
    tab.page.get_by_label("Sechsstelliger Code").fill(f"{code[:3]} {code[3:]}")
    shown = tab.page.locator("[data-recovery-code]")
    expect(shown).to_have_count(10)
    return phone, shown.all_inner_texts()


def test_from_nothing_to_an_invoice_on_the_screen(portal: Portal, new_tab: NewTab, tmp_path: Path) -> None:
    number = f"KD-{uuid4().int % 10**8:08d}"
    username = f"anna@{number.lower()}.example"
    make_customer_and_invite(new_tab(portal.operator()), number, username)

    tab = new_tab()
    tab.open(f"/invitation#{invitation_token(portal.mails, username)}")
    assert tab.heading() == "Willkommen"
    set_password(tab, username)

    assert tab.page.get_by_label("Benutzername").input_value() == username
    tab.shows("Ihr Passwort ist gesetzt.")
    tab.type_password_step(username)
    _, codes = set_up_app(tab)

    with tab.page.expect_download() as saving:
        tab.button("Als Textdatei sichern").click()
    saving.value.save_as(tmp_path / "codes.txt")
    assert all(code in (tmp_path / "codes.txt").read_text("utf-8") for code in codes)
    assert tab.button("Weiter zum Portal").is_disabled()
    tab.page.get_by_label("Ich habe die Codes aufbewahrt").check()
    tab.button("Weiter zum Portal").click()
    tab.page.wait_for_url("**/")
    tab.shows("Neue Dokumente")
    tab.page.get_by_role("link", name="Dateien").click()
    tab.shows("Hier liegen noch keine Rechnungen")

    content = a_pdf("Ihre Rechnung")
    data = invoice_data(number, "RE-2026-004711", content)
    data["files"][0]["content"] = base64.b64encode(content).decode()
    tab.page.locator("[data-live=on]").wait_for()
    publish(portal, data)
    row = tab.page.locator("tr[data-document]")
    row.first.wait_for(timeout=SEEN_WITHIN_MS)
    expect(row).to_contain_text(["RE-2026-004711"])
    expect(row).to_contain_text(["1.264,62 €"])
    expect(tab.page.locator("[data-unseen]")).to_have_text("1")
    expect(tab.page.get_by_role("status").filter(has_text="Rechnung RE-2026-004711 ist da.")).to_have_count(1)
    expect(tab.page.get_by_role("navigation", name="Zeitraum")).to_contain_text("September")

    tab.button("RE-2026-004711 ansehen").click()
    frame = tab.page.get_by_role("dialog").locator("iframe")
    frame.wait_for()
    assert (frame.get_attribute("src") or "").startswith("blob:")
    with tab.page.expect_download() as fetching:
        tab.page.get_by_role("dialog").get_by_role("link", name="Herunterladen").click()
    fetching.value.save_as(tmp_path / "invoice.pdf")
    assert (tmp_path / "invoice.pdf").read_bytes() == content

    tab.page.keyboard.press("Escape")
    expect(tab.page.get_by_role("dialog")).to_have_count(0)
    expect(row.get_by_text("neu", exact=True)).to_have_count(0)
