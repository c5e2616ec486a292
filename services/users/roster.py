"""A file of people: read as spreadsheets write it, each line judged by itself. Pure.

UTF-8 with or without mark, or Windows-1252; separated by semicolons, commas or tabs; quoted as RFC 4180 says.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from chassis.errors import Invalid

MOST_LINES = 2_000
COLUMNS = ("email", "given_name", "family_name", "role", "modules", "language", "expires_on")
NEEDED = COLUMNS[:3]
_ALSO = {
    "e-mail": "email",
    "mail": "email",
    "vorname": "given_name",
    "nachname": "family_name",
    "rolle": "role",
    "apps": "modules",
    "module": "modules",
    "sprache": "language",
    "letzter tag": "expires_on",
}
_ROLES = {"": "member", "mitglied": "member", "verwaltung": "admin"}
_WRONG = {
    "email": ("Das ist keine E-Mail-Adresse.", "This is no e-mail address."),
    "given_name": ("Der Vorname fehlt oder ist nicht erlaubt.", "The given name is missing or not allowed."),
    "family_name": ("Der Nachname fehlt oder ist nicht erlaubt.", "The family name is missing or not allowed."),
    "role": ("Die Rolle ist member oder admin.", "The role is member or admin."),
    "modules": ("Diese App gibt es nicht.", "There is no such app."),
    "language": ("Die Sprache ist de oder en.", "The language is de or en."),
    "expires_on": ("Der letzte Tag hat die Form JJJJ-MM-TT.", "The last day has the form YYYY-MM-DD."),
}


class UnreadableFile(Invalid):
    """This is no CSV file with the columns of the template."""

    de = "Das ist keine CSV-Datei mit den Spalten der Vorlage."


class TooManyLines(Invalid):
    """A file may have 2,000 lines; please divide it."""

    de = "Eine Datei darf 2.000 Zeilen haben; bitte teilen Sie sie."


@dataclass(frozen=True, slots=True)
class Entry:
    """One line, as it came and as the interface would take it."""

    line: int
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def email(self) -> str:
        """As typed; perhaps none."""
        return str(self.fields.get("email", ""))

    @property
    def name(self) -> str:
        """As typed; perhaps none."""
        return f"{self.fields.get('given_name', '')} {self.fields.get('family_name', '')}".strip()


def read(content: bytes) -> list[Entry]:
    """All lines with anything in them.

    Raises:
        UnreadableFile: no text, or not the template's columns.
        TooManyLines: more than `MOST_LINES`.
    """
    entries: list[Entry] = []
    for line, cells in _rows(_text(content)):
        if len(entries) == MOST_LINES:
            raise TooManyLines
        entries.append(Entry(line, _fields(cells)))
    return entries


def what_is_wrong(pointers: Sequence[str], language: str) -> list[dict[str, str]]:
    """In the reader's language, one sentence for each field."""
    names = dict.fromkeys(pointer.split("/")[1] for pointer in pointers if "/" in pointer)
    at = 1 if language == "en" else 0
    return [{"pointer": f"/{name}", "detail": _WRONG[name][at]} for name in names if name in _WRONG]


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            raise UnreadableFile from None
    if "\x00" in text:
        raise UnreadableFile
    return text


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    head = text.lstrip("\r\n").partition("\n")[0]
    separator = max(";,\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns: list[str] = []
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if not any(stripped):
                continue
            if columns:
                yield reader.line_num, dict(zip(columns, stripped, strict=False))
            else:
                columns = _columns(stripped)
    except csv.Error:
        raise UnreadableFile(detail=f"{reader.line_num}") from None
    if not columns:
        raise UnreadableFile


def _columns(head: Sequence[str]) -> list[str]:
    columns = [_ALSO.get(name.lower(), name.lower()) for name in head]
    if not set(NEEDED) <= set(columns):
        raise UnreadableFile(detail=", ".join(COLUMNS))
    return columns


def _fields(cells: dict[str, str]) -> dict[str, Any]:
    role = cells.get("role", "").lower()
    modules = cells.get("modules", "").replace("|", ",").replace(" ", ",").lower()
    fields: dict[str, Any] = {
        **{name: _plain(cells.get(name, "")) for name in NEEDED},
        "role": _ROLES.get(role, role),
        "modules": [name for name in modules.split(",") if name],
        "expires_on": cells.get("expires_on") or None,
    }
    if language := cells.get("language", "").lower():
        fields["language"] = language
    return fields


def _plain(cell: str) -> str:
    """An apostrophe in front is how our own files say "this is text"."""
    return cell[1:] if cell.startswith("'") and cell[1:2] in tuple("=+-@") else cell
