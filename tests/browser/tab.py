"""A browser tab with eyes: accessibility, a picture of each screen, and every complaint of the console."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect
from playwright.sync_api import TimeoutError as TooLate

from chassis.testing import wait_until
from tests.people import PASSWORD, Person, Phone

WEB = Path(__file__).parents[2] / "web"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = WEB / "screenshots"
WITH_PICTURES = os.environ.get("SCREENSHOTS") != "0"
"""They are for people's eyes; where nobody looks (`.ci/run`) they are left out."""
WIDTHS = (1280, 380)
SCHEMES = ("light", "dark")
LANGUAGES = ("de", "en")

expect.set_options(timeout=15_000)

JAR_DOMAIN = "localhost.local"
"""What Python's cookie jar calls localhost."""
_EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


def _teach(person: Person, language: str) -> None:
    """Whoever had this person before may have left them speaking the other language."""
    me = person.get("/users/me")
    if me.status_code == 200 and me.json()["language"] != language:
        told = person.client.patch("/api/v1/users/me", json={"language": language})
        assert told.status_code == 200, told.text


@dataclass
class Tab:
    """One page in a browser of its own."""

    url: str
    context: BrowserContext
    page: Page
    person: Person | None = None
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def new(cls, chromium: Browser, url: str, person: Person | None = None, language: str = "de") -> "Tab":
        """A fresh browser; ``person`` is signed in already, over HTTP."""
        context = chromium.new_context(
            base_url=url, locale="de-DE" if language == "de" else "en-GB", viewport={"width": 1280, "height": 900}
        )
        context.set_default_timeout(15_000)
        if person is not None:
            _teach(person, language)
            cookies = [{"name": name, "value": value, "url": url} for name, value in person.client.cookies.items()]
            context.add_cookies(cookies)  # type: ignore[arg-type]
        tab = cls(url, context, context.new_page(), person)
        tab.page.on("console", tab._hear)
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        return tab

    def _hear(self, message: ConsoleMessage) -> None:
        # Chromium's own PDF viewer styles itself inline, inside its frame.
        inside_viewer = message.location["url"].startswith(("blob:", "chrome-extension:"))
        if message.type in {"error", "warning"} and not inside_viewer and not _EXPECTED.match(message.text):
            self.complaints.append(message.text)

    def open(self, path: str) -> None:
        """Go there and wait until nothing is loading any more."""
        self.page.goto(path)
        self.settle()

    def settle(self) -> None:
        """A heading stands there, and no grey lines."""
        self.page.locator("h1").first.wait_for(state="attached")
        expect(self.page.locator(".pulse")).to_have_count(0)

    def heading(self) -> str:
        return self.page.locator("h1").inner_text()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def shows(self, text: str) -> None:
        """Waits for it; what stands there instead is said."""
        try:
            self.page.get_by_text(text).first.wait_for()
        except TooLate as error:
            raise AssertionError(f"no {text!r} in: {self.page.locator('body').inner_text()}") from error

    @property
    def language(self) -> str:
        return str(self.page.evaluate("document.documentElement.lang"))

    def speak(self, language: str) -> None:
        """By the switch in the page."""
        if self.language != language:
            self.page.locator(f"header button[lang={language}]").click()
            expect(self.page.locator("html")).to_have_attribute("lang", language)
            self.settle()

    def type_password_step(self, username: str, password: str = PASSWORD) -> None:
        """User name and password on the sign-in page."""
        self.page.locator("input[name=username]").fill(username)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("form button[type=submit]").click()

    def sign_in(self, username: str, phone: Phone) -> None:
        """Both steps; the six digits send themselves."""
        self.type_password_step(username)
        self.page.locator("input[name=code]").fill(phone.code())
        self.page.wait_for_url(lambda url: "/sign-in" not in url)
        self.settle()

    def look(self, name: str, *, languages: tuple[str, ...] = LANGUAGES) -> None:
        """This screen in both languages, light and dark, wide and narrow: checked by axe, and a picture of each.

        Dark in one language and one width: colours do not change with either.
        """
        PICTURES.mkdir(exist_ok=True)
        before = self.language
        for language in languages:
            self.speak(language)
            for width in WIDTHS:
                self.page.set_viewport_size({"width": width, "height": 900})
                both = language == languages[0] and width == WIDTHS[0]
                for scheme in SCHEMES if both else SCHEMES[:1]:
                    self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                    self._check(f"{name}-{self.language}-{scheme}-{width}", width)
        self.page.set_viewport_size({"width": 1280, "height": 900})
        self.page.emulate_media(color_scheme="light")
        if languages == LANGUAGES:
            self.speak(before)
            self._wait_for_profile(before)

    def _wait_for_profile(self, language: str) -> None:
        """The profile is told after the page speaks it: whoever opens the next tab must not find the other language."""
        if self.person is not None:
            wait_until(lambda: self._profile_language() in {language, None}, seconds=10)

    def _profile_language(self) -> str | None:
        answer = self.page.request.get("/api/v1/users/me")
        return answer.json()["language"] if answer.ok else None

    def _check(self, name: str, width: int) -> None:
        assert self.page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} runs out of the page"
        self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        violations = [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found["violations"]]
        if WITH_PICTURES:
            # Chromium on a busy machine may take its time.
            self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True, timeout=60_000)
        assert not violations, f"{name}: {violations}"

    def close(self) -> None:
        """Whoever lent their session gets it back: it has a new id since it was raised or switched."""
        if self.person is not None:
            self.person.client.cookies.clear()
            for cookie in self.context.cookies(self.url):
                self.person.client.cookies.set(cookie["name"], cookie["value"], domain=JAR_DOMAIN)
        self.context.close()


NewTab = Callable[..., Tab]
