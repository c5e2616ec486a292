"""Writes vCard 4.0. Pure. Source: RFC 6350, sections 3.2 (folding), 3.4 (escaping) and 6 (properties)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

MEDIA_TYPE = "text/vcard; charset=utf-8"
FOLDED_BYTES = 75
_ESCAPED = str.maketrans({"\\": "\\\\", ",": "\\,", ";": "\\;", "\n": "\\n"})


@dataclass(frozen=True, slots=True)
class Card:
    """Somebody, with values in force only. Telephone numbers are in E.164."""

    uid: UUID
    revised_at: datetime
    given_name: str = ""
    family_name: str = ""
    organisation: str = ""
    roles: tuple[str, ...] = ()
    """Names for people."""
    email: str | None = None
    phone: str | None = None
    mobile: str | None = None
    languages: tuple[str, ...] = ()
    note: str = ""

    @property
    def full_name(self) -> str:
        """What an address book shows."""
        return " ".join(part for part in (self.given_name, self.family_name) if part) or self.organisation


def cards(many: Iterable[Card]) -> bytes:
    """One file with all of them."""
    return "".join(map(card, many)).encode()


def card(one: Card) -> str:
    """One vCard, with its line ends."""
    return "".join(fold(line) for line in _lines(one))


def escape(text: str) -> str:
    """A text value, or one component of a structured one."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_ESCAPED)


def fold(line: str) -> str:
    """At most 75 bytes a line, never inside a character; each further line begins with a blank that does not count."""
    pieces, piece, size = [], "", 0
    for character in line:
        width = len(character.encode())
        if size + width > FOLDED_BYTES:
            pieces.append(piece)
            piece, size = "", 1
        piece += character
        size += width
    return "\r\n ".join([*pieces, piece]) + "\r\n"


def _lines(one: Card) -> Iterable[str]:
    yield "BEGIN:VCARD"
    yield "VERSION:4.0"
    yield "PRODID:-//Kundenportal//Contacts//EN"
    yield f"UID:urn:uuid:{one.uid}"
    yield f"REV:{one.revised_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield from _who(one)
    yield from _how_to_reach(one)
    yield "END:VCARD"


def _who(one: Card) -> Iterable[str]:
    person = bool(one.given_name or one.family_name)
    yield f"KIND:{'individual' if person else 'org'}"
    yield f"FN:{escape(one.full_name)}"
    if person:
        yield f"N:{escape(one.family_name)};{escape(one.given_name)};;;"
    if one.organisation:
        yield f"ORG:{escape(one.organisation)}"
    if one.roles:
        yield f"ROLE:{escape(', '.join(one.roles))}"
        yield f"CATEGORIES:{','.join(map(escape, one.roles))}"


def _how_to_reach(one: Card) -> Iterable[str]:
    if one.email:
        yield f"EMAIL;TYPE=work:{escape(one.email)}"
    if one.phone:
        yield f'TEL;VALUE=uri;TYPE="voice,work":tel:{one.phone}'
    if one.mobile:
        yield f'TEL;VALUE=uri;TYPE="cell,work":tel:{one.mobile}'
    for preference, language in enumerate(one.languages, 1):
        yield f"LANG;PREF={min(preference, 100)}:{language}"
    if one.note:
        yield f"NOTE:{escape(one.note)}"
