"""Writes CSV that a spreadsheet opens with its umlauts and without running anything. Pure.

Separated by semicolons, as spreadsheets here expect; every cell quoted; UTF-8 with its byte order mark.
Source: RFC 4180; OWASP, CSV Injection.
"""

import csv
import io
from collections.abc import Iterable, Sequence

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: object) -> str:
    """What would be run as a formula gets an apostrophe in front, which spreadsheets take for "this is text"."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS_A_FORMULA) else text


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """The whole file."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")
