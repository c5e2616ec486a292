"""The quick guide: both languages, on paper, and its pictures.

``HELP_PICTURES=1`` writes them anew into ``web/public/help``; build the web app again afterwards.
"""

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from chassis.testing import wait_until
from tests.browser.crm import a_contract, tell
from tests.browser.tab import LANGUAGES, WEB, NewTab, Tab
from tests.people import PASSWORD, Phone, invitation_token
from tests.portal import NewCustomer, Portal
from tests.world import World, a_pdf, begin_upload, invoice_data

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FOLDER = WEB / "public" / "help"
NARROW, WIDE = (560, 640), (1280, 750)
SHOWN = {NARROW: (420, 480), WIDE: (820, 480)}
"""Window to picture."""
MOST_BYTES = 60_000
BLUR = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("main ol img, [data-secret], [data-recovery-code] { filter: blur(6px) }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""
"""Nobody shall take the secrets of a picture for their own."""
SIZES = re.compile(r'^  "?([a-z-]+)"?: \[(\d+), (\d+)\]', re.MULTILINE)


class Album:
    """Takes pictures and keeps them where the page looks for them."""

    def __init__(self, tab: Tab, language: str) -> None:
        self._tab = tab
        self._folder = FOLDER / language

    def take(self, name: str, window: tuple[int, int] = WIDE) -> None:
        page = self._tab.page
        page.set_viewport_size({"width": window[0], "height": window[1]})
        page.evaluate(BLUR)
        page.evaluate("document.activeElement?.blur()")
        content = page.screenshot()
        if os.environ.get("HELP_PICTURES"):
            self._folder.mkdir(parents=True, exist_ok=True)
            with Image.open(io.BytesIO(content)) as picture:
                picture.convert("RGB").resize(SHOWN[window]).save(self._folder / f"{name}.webp", quality=80, method=6)


@pytest.fixture(scope="module")
def customer(portal: Portal, world: World) -> NewCustomer:
    """A company with something on every screen."""
    made = portal.customer("Beispiel Logistik AG")
    for n, state in enumerate(("paid", "open", "open")):
        content = a_pdf(f"Rechnung {n}")
        data = invoice_data(made.number, f"RE-2026-00{4711 + n}", content, payment_state=state)
        assert world.send(data, content).status_code == 202
    for folder in ("Gesprächsdaten 2026", "Messprotokolle"):
        assert made.admin.post("/exchange/folders", {"name": folder}).status_code == 201
    for name in ("Gespraechsdaten-2026-09.csv", "Portierungsauftrag.pdf"):
        content = a_pdf(name)
        begin_upload(made.admin, name, len(content), content)
    tell(portal, a_contract(made.number, "V-2023-0815"))
    wait_until(lambda: made.admin.get("/contracts/calendar").json().get("items"), seconds=30)
    wait_until(lambda: len(made.admin.get("/documents").json()["items"]) == 3, seconds=30)
    return made


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pictures_of_the_way_described(
    new_tab: NewTab, portal: Portal, customer: NewCustomer, language: str
) -> None:
    username = customer.invite({"de": "anna", "en": "emma"}[language], role="admin", modules=())
    tab = new_tab(language=language)
    album = Album(tab, language)
    tab.page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    tab.open("/sign-in")
    tab.speak(language)
    tab.open(f"/invitation#{invitation_token(portal.mails, username)}")
    field = tab.page.locator("input[type=password]").first
    field.fill("Seekabel")
    album.take("invitation", NARROW)
    field.fill(PASSWORD)
    tab.page.locator("form button[type=submit]").click()
    tab.page.wait_for_url("**/sign-in")
    tab.type_password_step(username)
    secret = tab.page.locator("[data-secret]")
    phone = Phone(secret.get_attribute("data-secret") or "")
    tab.page.locator("main ol img").scroll_into_view_if_needed()
    album.take("enrolment", NARROW)
    tab.page.locator("input[name=code]").fill(phone.code())
    tab.page.locator("[data-recovery-code]").first.wait_for()
    tab.page.evaluate("scrollTo(0, 0)")
    album.take("recovery-codes", NARROW)
    tab.page.locator("input[type=checkbox]").check()
    tab.page.locator("main button.main").click()
    tab.page.wait_for_url("**/")
    tab.settle()
    tab.page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    tab.speak(language)
    for name in ("overview", "files", "exchange", "contracts", "contacts", "users"):
        tab.open({"overview": "/", "exchange": "/files/exchange"}.get(name, f"/{name}"))
        album.take(name)

    again = new_tab(language=language)
    again.page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    again.open("/sign-in")
    again.speak(language)
    again.type_password_step(username)
    again.page.locator("input[name=code]").wait_for()
    Album(again, language).take("code", NARROW)


def pictures() -> Iterator[tuple[Path, tuple[int, int]]]:
    """Where each must lie, and the size that the page says."""
    said = SIZES.findall((WEB / "src" / "features" / "help" / "pictures.ts").read_text("utf-8"))
    assert len(said) > 5
    for name, width, height in said:
        for language in LANGUAGES:
            yield FOLDER / language / f"{name}.webp", (int(width), int(height))


def test_every_picture_is_there_in_both_languages_at_its_size_and_light() -> None:
    for path, size in pictures():
        with Image.open(path) as picture:
            assert (path.name, picture.size) == (path.name, size)
        assert path.stat().st_size < MOST_BYTES, path


def test_the_guide_is_open_to_strangers_and_shows_its_pictures(new_tab: NewTab) -> None:
    tab = new_tab()
    tab.open("/sign-in")
    tab.page.get_by_role("contentinfo").get_by_role("link", name="Kurzanleitung").click()
    tab.page.wait_for_url("**/help")
    assert tab.heading() == "Kurzanleitung"
    tab.shows("Nordwelle Kundenportal")
    loaded = "[...document.querySelectorAll('main img')].every((one) => one.complete && one.naturalWidth > 0)"
    for image in tab.page.locator("main img").all():
        image.scroll_into_view_if_needed()
    tab.page.wait_for_function(loaded)
    tab.page.get_by_role("link", name="Wenn etwas nicht klappt").click()
    expect(tab.page.get_by_role("heading", name="Wenn etwas nicht klappt")).to_be_in_viewport()
    assert tab.page.url.endswith("/help")
    tab.page.evaluate("scrollTo(0, 0)")
    tab.look("help")


def test_on_paper_there_is_the_guide_and_nothing_of_the_frame(new_tab: NewTab) -> None:
    tab = new_tab()
    tab.open("/help")
    tab.page.emulate_media(media="print")

    expect(tab.page.locator("header.bar")).to_be_hidden()
    expect(tab.page.get_by_role("button", name="Drucken")).to_be_hidden()
    expect(tab.page.get_by_role("heading", name="Der erste Zugang")).to_be_visible()
    expect(tab.page.locator("main").get_by_role("link", name="portal@nordwelle.example")).to_be_visible()
