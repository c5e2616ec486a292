"""CSV as spreadsheets write it: lines with their numbers, cells by the template's columns. Pure.

UTF-8 with or without mark, or Windows-1252; separated by semicolons, commas or tabs; quoted as RFC 4180 says.
"""

import csv
import io
from collections.abc import Mapping, Sequence

from chassis.errors import Invalid

MOST_LINES = 2_000
Row = tuple[int, dict[str, str]]
_YES_NO = {"ja": True, "yes": True, "true": True, "1": True, "nein": False, "no": False, "false": False, "0": False}


class UnreadableFile(Invalid):
    """This is no CSV file with the columns of the template."""

    de = "Das ist keine CSV-Datei mit den Spalten der Vorlage."


class TooManyLines(Invalid):
    """A file may have 2,000 lines; please divide it."""

    de = "Eine Datei darf 2.000 Zeilen haben; bitte teilen Sie sie."


def rows(content: bytes, columns: Sequence[str], *, needed: Sequence[str], also: Mapping[str, str]) -> list[Row]:
    """All lines with anything in them, by column.

    Args:
        content: The file.
        columns: The template's, named when they are missing.
        needed: Those that must be there.
        also: Other names of columns, in lower case.

    Raises:
        UnreadableFile: no text, or not the template's columns.
        TooManyLines: more than `MOST_LINES`.
    """
    text = _text(content)
    head = text.lstrip("\r\n").partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(";,\t", key=head.count), strict=True)
    names: list[str] = []
    found: list[Row] = []
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if not any(stripped):
                continue
            if not names:
                names = _names(stripped, columns, needed, also)
                continue
            if len(found) == MOST_LINES:
                raise TooManyLines
            found.append((reader.line_num, dict(zip(names, stripped, strict=False))))
    except csv.Error:
        raise UnreadableFile(detail=f"{reader.line_num}") from None
    if not names:
        raise UnreadableFile
    return found


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise UnreadableFile


def _names(head: Sequence[str], columns: Sequence[str], needed: Sequence[str], also: Mapping[str, str]) -> list[str]:
    names = [also.get(name.lower(), name.lower()) for name in head]
    if not set(needed) <= set(names):
        raise UnreadableFile(detail=", ".join(columns))
    return names


def plain(cell: str) -> str:
    """An apostrophe in front is how our own files say "this is text"."""
    return cell[1:] if cell.startswith("'") and cell[1:2] in tuple("=+-@") else cell


def yes_or_no(cell: str) -> bool | str:
    """As typed where it is neither."""
    return _YES_NO.get(cell.lower(), cell)
