"""Graphen: what the page's table says is what the counters said; ranges, zoom, billing view, own warnings."""

import csv
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import floor
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Route, expect

from chassis.testing import wait_until
from tests.browser.network import SLOT, Counters, a_line, tell
from tests.browser.tab import NewTab, Tab
from tests.world import Company, World

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = 3
PER_DAY = 288
GAP = range(PER_DAY + 60, PER_DAY + 84)
"""On the second day, two hours long."""


@dataclass
class Network:
    """A company with three lines, two of them billed together."""

    company: Company
    lines: dict[str, Counters]
    ids: dict[str, str]
    group: str


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%MZ")


def rates(factor: int) -> list[tuple[int, int] | None]:
    """A pattern in which no two neighbours are alike."""
    found: list[tuple[int, int] | None] = []
    for index in range(DAYS * PER_DAY):
        wave = (index * 7919) % 1009
        found.append(None if index in GAP and factor == 1 else (factor * (3000 + wave * 9), factor * (1000 + wave)))
    return found


@pytest.fixture(scope="module")
def network(world: World) -> Network:
    company = world.company()
    name = company.canary[-6:]
    now = datetime.now(UTC)
    end = now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0)
    start = end - DAYS * PER_DAY * SLOT
    number = company.customer.number
    lines = {
        letter: Counters(f"{name}-{letter}", start, rates(factor))
        for letter, factor in zip("abc", (1, 2, 3), strict=True)
    }
    tell(
        world.portal,
        a_line(number, f"{name}-a"),
        a_line(number, f"{name}-b", name="Uplink A", site="Halle Leipzig", group=f"{name}-g"),
        a_line(number, f"{name}-c", name="Uplink B", site="Halle Leipzig", group=f"{name}-g", commit_bps=None),
        a_line(number, f"{name}-d", name="Standleitung Hamburg", site="Hamburg", commit_bps=None),
        *(counters.event() for counters in lines.values()),
    )

    def all_there() -> dict[str, str] | None:
        found = {line["circuit"]: line for line in company.admin.get("/metrics/lines").json().get("items", [])}
        fresh = [line for line in found.values() if line["last_sample_at"]]
        done = len(found) == 4 and len(fresh) == 3
        return {letter: found[f"NW-{name}-{letter}"]["id"] for letter in "abcd"} if done else None

    ids = wait_until(all_there, seconds=60)
    groups = company.admin.get("/metrics/groups").json()["items"]
    return Network(company, lines, ids, groups[0]["id"])


@pytest.fixture
def tab(new_tab: NewTab, network: Network) -> Tab:
    return new_tab(network.company.admin)


def open_table(tab: Tab) -> dict[datetime, list[int | None]]:
    """The exact values of the page's table, by the start of each row; they agree with the words beside them."""
    if tab.page.locator("details table").count() == 0:
        tab.page.get_by_text("Werte als Tabelle").click()
    tab.page.locator("details tr[data-at]").first.wait_for()
    rows = tab.page.eval_on_selector_all(
        "details tr[data-at]",
        "rows => rows.map(row => [row.dataset.at, ...[...row.querySelectorAll('td')].map(cell =>"
        " cell.querySelector('data')?.value ?? null)])",
    )
    return {
        datetime.fromisoformat(at): [None if value is None else int(value) for value in values] for at, *values in rows
    }


def settle_on(tab: Tab, path: str) -> None:
    tab.open(path)
    tab.page.locator("canvas").wait_for()
    expect(tab.page.locator("[aria-busy=true]")).to_have_count(0)


def second_day(counters: Counters) -> tuple[datetime, datetime]:
    start = counters.start + PER_DAY * SLOT
    return start, start + PER_DAY * SLOT


def free(network: Network, letter: str, **more: str) -> str:
    """The second day of a line."""
    start, end = second_day(network.lines[letter])
    words = {"line": network.ids[letter], "range": "free", "from": stamp(start), "to": stamp(end)} | more
    return "/graphs?" + "&".join(f"{name}={value}" for name, value in words.items())


def test_the_table_says_what_the_counters_said_and_a_gap_is_no_zero(tab: Tab, network: Network) -> None:
    counters = network.lines["a"]
    start, end = second_day(counters)
    settle_on(tab, free(network, "a"))
    read = open_table(tab)

    assert sorted(read) == [start + n * SLOT for n in range(PER_DAY)]
    assert {at: tuple(values) for at, values in read.items() if values != [None, None]} == {
        at: rate for at, rate in counters.slots.items() if start <= at < end
    }
    empty = [at for at, values in read.items() if values == [None, None]]
    assert empty == [counters.start + n * SLOT for n in GAP]
    tab.shows("288 Messwerte" if not GAP else f"{PER_DAY - len(GAP)} Messwerte, {len(GAP)} fehlen")
    expect(tab.page.locator("main ul").get_by_text("keine Messwerte")).to_be_visible()


def test_the_head_says_which_line_it_is(tab: Tab, network: Network) -> None:
    settle_on(tab, free(network, "a"))

    assert tab.heading() == "Internet Connect Burst, RZ Berlin"
    facts = tab.page.locator(".facts")
    for words in (
        "1 Gbit/s",
        "vereinbart 10 Mbit/s",
        "xe-0/0/1",
        network.lines["a"].line_id,
        "V-2023-0815, Position 3",
    ):
        expect(facts).to_contain_text(words.replace(" Gbit", "\u00a0Gbit").replace(" Mbit", "\u00a0Mbit"))
    tab.page.get_by_label("Anschluss wählen").select_option(label="Uplink A · NW-" + network.lines["b"].line_id)
    tab.page.wait_for_url(f"**line={network.ids['b']}**")
    expect(tab.page.locator("h1")).to_have_text("Uplink A, Halle Leipzig")


def test_volume_is_the_sum_of_the_same_counters(tab: Tab, network: Network) -> None:
    counters = network.lines["b"]
    start, end = second_day(counters)
    first = start.replace(minute=0) + timedelta(hours=1)
    last = end.replace(minute=0)
    words = f"&from={stamp(first)}&to={stamp(last)}"
    settle_on(tab, f"/graphs?line={network.ids['b']}&view=volume&range=free{words}")
    read = open_table(tab)

    expected: dict[datetime, list[int]] = {}
    for at, rate in counters.slots.items():
        if first <= at < last:
            hour = expected.setdefault(at.replace(minute=0), [0, 0])
            hour[:] = [before + bps * 300 // 8 for before, bps in zip(hour, rate, strict=True)]
    assert read == expected
    tab.page.get_by_role("navigation", name="Ansicht").get_by_role("link", name="Bandbreite").click()
    expect(tab.page.locator("[aria-busy=true]")).to_have_count(0)


def test_dragging_asks_for_the_finer_range_and_there_is_a_way_back(tab: Tab, network: Network) -> None:
    settle_on(tab, f"/graphs?line={network.ids['b']}&range=30d")
    steps = {after - before for before, after in pairwise(sorted(open_table(tab)))}
    assert min(steps) > SLOT
    tab.page.locator(".u-over").scroll_into_view_if_needed()
    box = tab.page.locator(".u-over").bounding_box()
    assert box is not None
    height = box["y"] + box["height"] / 2
    tab.page.mouse.move(box["x"] + box["width"] * 0.96, height)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + box["width"] * 0.98, height, steps=5)
    tab.page.mouse.up()
    tab.page.wait_for_url("**zoom=**")
    expect(tab.page.locator("[aria-busy=true]")).to_have_count(0)

    fine = open_table(tab)
    assert {after - before for before, after in pairwise(sorted(fine))} == {SLOT}
    assert {at: tuple(values) for at, values in fine.items()} == {
        at: network.lines["b"].slots.get(at, (None, None)) for at in fine
    }
    address = tab.page.url
    tab.page.reload()
    tab.settle()
    assert sorted(open_table(tab)) == sorted(fine)
    assert tab.page.url == address
    tab.button("Ganzer Zeitraum").click()
    tab.page.wait_for_url(re.compile(r"range=30d$"))
    expect(tab.button("Ganzer Zeitraum")).to_have_count(0)


def test_without_a_mouse_buttons_zoom_and_step(tab: Tab, network: Network) -> None:
    settle_on(tab, free(network, "b"))
    whole = sorted(open_table(tab))
    tab.button("Vergrößern").press("Enter")
    tab.page.wait_for_url("**zoom=**")
    expect(tab.page.locator("details tr[data-at]")).to_have_count(PER_DAY // 2)
    tab.button("Früher").press("Enter")
    late, first = (f"details tr[data-at^='{whole[n].strftime('%Y-%m-%dT%H:%M')}']" for n in (PER_DAY * 5 // 9, 0))
    expect(tab.page.locator(late)).to_have_count(0)
    expect(tab.page.locator(first)).to_have_count(1)
    tab.button("Verkleinern").press("Enter")
    tab.page.wait_for_url(lambda url: "zoom=" not in url)
    expect(tab.page.locator("details tr[data-at]")).to_have_count(PER_DAY)


def test_the_billing_view_can_be_recomputed(tab: Tab, network: Network) -> None:
    one, two = network.lines["b"].slots, network.lines["c"].slots
    month = (network.lines["b"].end - timedelta(days=1)).astimezone(BERLIN).strftime("%Y-%m")
    both = [
        (one[at][0] + two[at][0], one[at][1] + two[at][1])
        for at in one
        if at.astimezone(BERLIN).strftime("%Y-%m") == month
    ]
    dropped = floor(len(both) * 5 / 100)
    by_direction = [sorted(values, reverse=True)[dropped] for values in zip(*both, strict=True)]
    tab.open(f"/graphs?group={network.group}&view=billing&month={month}")

    value = tab.page.locator("p.big data")
    expect(value).to_have_attribute("value", str(max(by_direction)))
    for of, expected in zip(("in", "out"), by_direction, strict=True):
        row = tab.page.locator(f"[data-of={of}] tr.decides")
        expect(row).to_have_attribute("data-rank", str(dropped + 1))
        expect(row.locator("data")).to_have_attribute("value", str(expected))
        above = tab.page.locator(f"[data-of={of}] tr[data-rank='{dropped}']")
        expect(above).to_contain_text("verworfen")
    number = f"{len(both):,}".replace(",", ".")
    expect(tab.page.locator("ol")).to_contain_text(f"n = {number}")
    expect(tab.page.locator("ol")).to_contain_text(f"abgerundet {dropped}.")
    over = sum(max(pair) > 10_000_000 for pair in both)
    expect(tab.page.get_by_role("region", name="Vereinbarte Bandbreite")).to_contain_text(
        re.compile(rf"In {over:,} Abschnitten".replace(",", "."))
    )
    expect(tab.page.locator(".tag.warn")).to_have_text("unvollständig")


def test_own_warnings_are_kept(tab: Tab, network: Network) -> None:
    settle_on(tab, free(network, "a"))
    tab.page.get_by_role("heading", name="Eigene Warnungen").click()
    tab.page.get_by_label("Grenzwert in Mbit/s").fill("viel")
    tab.button("Hinzufügen").click()
    tab.shows("Bitte eine Zahl größer als 0 angeben.")
    tab.page.get_by_label("Grenzwert in Mbit/s").fill("8,5")
    tab.page.get_by_label("Richtung", exact=True).select_option("in")
    tab.button("Hinzufügen").click()
    row = tab.page.locator("[data-warning]")
    expect(row).to_contain_text("zu Ihnen 15 Minuten lang über 8,5\u00a0Mbit/s")

    tab.page.reload()
    tab.settle()
    tab.page.get_by_role("heading", name="Eigene Warnungen").click()
    expect(row).to_contain_text("8,5\u00a0Mbit/s")
    kept = network.company.admin.get(f"/metrics/lines/{network.ids['a']}/thresholds").json()["thresholds"]
    assert [(one["direction"], one["limit"]) for one in kept] == [("in", 8_500_000)]
    row.get_by_role("button").click()
    tab.shows("Noch keine eigenen Grenzwerte.")


def test_what_is_seen_can_be_kept(tab: Tab, network: Network) -> None:
    settle_on(tab, free(network, "a"))
    seen = open_table(tab)
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="Diese Werte als CSV herunterladen").click()
    rows = list(csv.reader(io.StringIO(download.value.path().read_text("utf-8"))))[1:]
    kept = {
        datetime.fromisoformat(at): [int(value) if value else None for value in (inn, out)]
        for at, inn, _, out, _ in rows
    }
    assert kept == seen
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="Dieses Bild als SVG herunterladen").click()
    assert "<svg" in download.value.path().read_text("utf-8")


def test_a_line_of_somebody_else_does_not_exist(new_tab: NewTab, network: Network, company: Company) -> None:
    stranger = new_tab(company.admin)
    stranger.open(f"/graphs?line={network.ids['a']}")

    stranger.shows("Noch kein Anschluss")
    mine = new_tab(network.company.admin)
    mine.open("/graphs?line=00000000-0000-4000-8000-000000000000")
    mine.shows("Diesen Anschluss gibt es nicht (mehr)")


def test_without_connection_the_page_says_so_and_tries_again(tab: Tab, network: Network) -> None:
    def broken(route: Route) -> None:
        route.abort()

    settle_on(tab, free(network, "a"))
    tab.page.route("**/bandwidth?*", broken)
    tab.page.get_by_role("navigation", name="Zeitraum").get_by_role("link", name="7 Tage").click()
    alert = tab.page.get_by_role("alert")
    expect(alert).to_contain_text("Das Portal ist gerade nicht zu erreichen.")
    tab.page.unroute("**/bandwidth?*", broken)
    alert.get_by_role("button", name="Erneut versuchen").click()
    expect(alert).to_have_count(0)
    expect(tab.page.locator("canvas")).to_be_visible()
    tab.complaints = [one for one in tab.complaints if "ERR_FAILED" not in one]


def test_each_view_can_be_seen_by_everybody(tab: Tab, network: Network) -> None:
    settle_on(tab, f"/graphs?line={network.ids['a']}&range=7d")
    open_table(tab)
    tab.page.get_by_role("heading", name="Eigene Warnungen").click()
    tab.page.get_by_label("Grenzwert in Mbit/s").wait_for()
    tab.look("graphs-bandwidth")
    settle_on(tab, f"/graphs?group={network.group}&range=7d&view=volume")
    tab.look("graphs-volume")
    tab.open(f"/graphs?line={network.ids['b']}&view=billing")
    tab.look("graphs-billing")
    tab.open(f"/graphs?line={network.ids['d']}&range=free")
    tab.shows("In diesem Zeitraum wurde nichts gemessen")
    tab.look("graphs-empty")
    tab.page.set_viewport_size({"width": 360, "height": 740})
    settle_on(tab, f"/graphs?line={network.ids['a']}&range=month")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360
