"""What the tests of people's accounts share: rows and their menus, a code when one is asked for, links in mails."""

import re
from typing import Any

from playwright.sync_api import Locator, expect

from chassis.testing import wait_until
from tests.browser.tab import Tab
from tests.people import Phone
from tests.portal import Portal


def row_of(tab: Tab, username: str) -> Locator:
    """Somebody's row in the user administration."""
    return tab.page.locator(f"tr[data-user='{username}']")


def choose(tab: Tab, username: str, item: str) -> Locator:
    """Something of the row's menu; the dialog that asks."""
    row_of(tab, username).get_by_role("button", name="Weitere Aktionen").click()
    tab.page.locator("[popover]:popover-open").get_by_role("button", name=item).click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def add(tab: Tab, username: str, given_name: str = "Nora", family_name: str = "Neu") -> Locator:
    """Fill in the empty row."""
    tab.page.get_by_label("E-Mail", exact=True).fill(username)
    tab.page.get_by_label("Vorname").fill(given_name)
    tab.page.get_by_label("Nachname").fill(family_name)
    tab.button("Anlegen").click()
    row = row_of(tab, username)
    expect(row).to_have_attribute("data-state", "created")
    return row


def menu(tab: Tab, item: str) -> None:
    """A page of the menu at the initials."""
    tab.page.locator("header button.avatar").click()
    tab.page.locator("[popover]:popover-open").get_by_role("link", name=item, exact=True).click()
    tab.settle()


def give_code(tab: Tab, phone: Phone) -> None:
    """The portal wants a fresh code; it gets one."""
    dialog = tab.page.get_by_role("dialog", name="Bitte bestätigen")
    dialog.get_by_label("Sechsstelliger Code").fill(phone.code())
    expect(dialog).to_have_count(0)


def mails_to(portal: Portal, username: str, words: str) -> list[dict[str, Any]]:
    """Those to an address with these words in the subject or text."""
    return [
        mail for mail in portal.mails() if username in mail["to"] and words in mail["subject"] + "\n" + mail["text"]
    ]


def mail_to(portal: Portal, username: str, words: str) -> dict[str, Any]:
    """The newest such mail, once it has come."""
    return dict(wait_until(lambda: mails_to(portal, username, words), seconds=20)[-1])


def link_to(portal: Portal, username: str, page: str) -> str:
    """The address in the newest mail with a link to this page, without the portal's own."""

    def newest() -> str | None:
        texts = [mail["text"] for mail in portal.mails() if username in mail["to"]]
        found = [match[0] for text in texts if (match := re.search(rf"/{page}#\S+", text))]
        return found[-1] if found else None

    return str(wait_until(newest, seconds=20))
