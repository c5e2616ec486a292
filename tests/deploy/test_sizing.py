"""The sizing table follows from the figures above it, by the formulas beside them."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs/operations/sizing.md").read_text("utf-8")


def figures() -> dict[str, float]:
    """`name` to value, from the rows that name one."""
    return {
        name: float(value.replace(",", ""))
        for name, value in re.findall(r"^\| `(\w+)` \| ([\d.,]+) ", PAGE, re.MULTILINE)
    }


def needed(customers: float) -> list[float]:
    """Cores for filing, people, lines; all with headroom; GiB of databases, objects, broker."""
    f = figures()
    lines = customers * f["lines_per_customer"]
    filing = customers * f["invoices_per_month"] / (f["bill_run_hours"] * 3600) * f["invoice_ms"] / 1000
    people = customers * f["users_per_customer"] * f["share_in_busiest_hour"] / 3600
    serving = people * (f["sign_in_ms"] + f["pages_per_visit"] * f["page_ms"]) / 1000
    measuring = lines / 300 * f["sample_ms"] / 1000
    cores = (filing + serving + measuring) / f["utilisation"]
    year = customers * f["invoices_per_month"] * 12
    gib = 1024**3
    databases = (year * f["years_kept"] * f["invoice_row_bytes"] + lines * 400 * 288 * f["sample_bytes"]) / gib
    objects = year * f["years_kept"] * f["invoice_object_bytes"] / gib
    broker = 3 * customers * f["invoices_per_month"] * f["invoice_broker_bytes"] * 35 / 30 / gib
    return [filing, serving, measuring, cores, databases, objects, broker]


def shown(value: float) -> str:
    """Two significant digits, as the table writes them."""
    if value < 0.01:
        return "< 0.01"
    return f"{float(f'{value:.2g}'):,g}"


def test_each_row_is_what_the_figures_say() -> None:
    rows = re.findall(r"^\| ([\d,]+) customers \| (.*) \|$", PAGE, re.MULTILINE)

    assert [row[0] for row in rows] == ["1,000", "10,000", "100,000", "1,000,000", "10,000,000"]
    for count, cells in rows:
        assert cells.split(" | ") == [shown(one) for one in needed(float(count.replace(",", "")))], count
