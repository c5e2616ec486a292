"""Chromium on the whole portal. A browser lives as long as its module: its event loop would disturb async tests."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.tab import AXE, WEB, NewTab, Tab
from tests.people import Person
from tests.portal import Portal
from tests.world import Company, World

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("no Chromium here: install the package chromium, or name one in CHROMIUM")
    assert AXE.exists(), "run `npm ci` in web/"
    assert (WEB / "dist" / "index.html").exists(), "run `make web`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def new_tab(chromium: Browser, portal: Portal) -> Iterator[NewTab]:
    """Makes tabs; at the end each must be free of complaints."""
    tabs: list[Tab] = []

    def make(person: Person | None = None, language: str = "de") -> Tab:
        tabs.append(Tab.new(chromium, portal.url, person, language))
        return tabs[-1]

    yield make
    for tab in tabs:
        tab.close()
    # The console must have had nothing to say, above all nothing of the security policy.
    assert not [complaint for tab in tabs for complaint in tab.complaints]


@pytest.fixture(scope="module")
def world(portal: Portal) -> World:
    return World(portal)


@pytest.fixture(scope="module")
def company(world: World) -> Company:
    return world.company()
