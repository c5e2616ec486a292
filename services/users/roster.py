"""A file of people: each line as the interface would take it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.users.csv_file import plain, rows

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
        TooManyLines: more than fit into one file.
    """
    return [Entry(line, _fields(cells)) for line, cells in rows(content, COLUMNS, needed=NEEDED, also=_ALSO)]


def what_is_wrong(pointers: Sequence[str], language: str) -> list[dict[str, str]]:
    """In the reader's language, one sentence for each field."""
    names = dict.fromkeys(pointer.split("/")[1] for pointer in pointers if "/" in pointer)
    at = 1 if language == "en" else 0
    return [{"pointer": f"/{name}", "detail": _WRONG[name][at]} for name in names if name in _WRONG]


def _fields(cells: dict[str, str]) -> dict[str, Any]:
    role = cells.get("role", "").lower()
    modules = cells.get("modules", "").replace("|", ",").replace(" ", ",").lower()
    fields: dict[str, Any] = {
        **{name: plain(cells.get(name, "")) for name in NEEDED},
        "role": _ROLES.get(role, role),
        "modules": [name for name in modules.split(",") if name],
        "expires_on": cells.get("expires_on") or None,
    }
    if language := cells.get("language", "").lower():
        fields["language"] = language
    return fields
