"""Whether somebody can be reached: telephone numbers, e-mail addresses. Pure. Rules: docs/rules/contacts.md."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHORTEST_DIGITS = 7
LONGEST_DIGITS = 15

_WRITING = re.compile(r"[+0-9() ./‐-―−-]+")
_BETWEEN = re.compile(r"[() ./‐-―−-]")
_TRUNK = "t"
_ASSIGNED = re.compile(
    r"1|7|2[07]|2(?:1[12368]|2\d|3\d|4\d|5[0-8]|6\d|9[01789])|3[0-469]|3(?:5\d|7[0-9]|8[0-35-79])"
    r"|4[013-9]|42[013]|5[1-8]|50\d|59\d|6[0-6]|6(?:7[02-9]|8\d|9[0-2])"
    r"|8[1246]|80[08]|85[02356]|87[08]|88[0-3689]|9[0-58]|9(?:6[0-8]|7[0-79]|9[2-68])"
)
"""Country codes in use (ITU-T, list of assigned country codes)."""
_ZERO_IS_DIALLED = ("39", "378")
"""Italy and San Marino: the 0 of the area code belongs to the number, also from abroad."""

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP = r"[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL = re.compile(rf"{_ATOM}(\.{_ATOM})*@({_LABEL}\.)+{_TOP}")

TEXTS = {
    "invalid_email": ("Das ist keine E-Mail-Adresse.", "This is no e-mail address."),
    "invalid_phone_number": (
        "Das ist keine Telefonnummer: mit Landesvorwahl (+49 30 ...) oder mit 0 am Anfang, 7 bis 15 Ziffern.",
        "This is no telephone number: with country code (+49 30 ...) or a leading 0, 7 to 15 digits.",
    ),
    "no_way_to_reach": (
        "Es braucht mindestens eine E-Mail-Adresse oder eine Telefonnummer.",
        "At least one e-mail address or telephone number is needed.",
    ),
    "name_missing": ("Es braucht einen Namen oder eine Organisation.", "A name or an organisation is needed."),
}
"""Reason to its German and English sentence."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a field."""

    field: str
    reason: str

    def text(self, language: str) -> str:
        """For people."""
        german, english = TEXTS[self.reason]
        return english if language == "en" else german


class NotAPhoneNumber(ValueError):
    """Nobody could dial this."""


def e164(text: str, *, country_code: str = "49") -> str:
    """The number as ``+493023125110``, from what people usually write.

    Separators are blanks, hyphens, dots, slashes and brackets; ``00`` stands for ``+``; ``(0)`` is left out from
    abroad; a single leading 0 (or ``(0)``) means the operator's country.

    Raises:
        NotAPhoneNumber: letters, no country code and no leading 0, a country code that nobody has, or fewer than 7
            or more than 15 digits.

    Source: ITU-T E.164 (11/2010), clause 6.
    """
    plain = unicodedata.normalize("NFKC", text).strip().removeprefix("tel:")
    if not _WRITING.fullmatch(plain):
        raise NotAPhoneNumber
    digits = _BETWEEN.sub("", re.sub(r"\( *0 *\)", _TRUNK, plain))
    if digits.startswith(("+", "00")):
        number = _from_abroad(digits.removeprefix("+") if digits.startswith("+") else digits[2:], country_code)
    elif digits.startswith(("0", _TRUNK)):
        number = country_code + digits[1:]
        if digits[1:2] == "0":
            raise NotAPhoneNumber
    else:
        raise NotAPhoneNumber
    if not number.isdecimal() or not SHORTEST_DIGITS <= len(number) <= LONGEST_DIGITS or not _ASSIGNED.match(number):
        raise NotAPhoneNumber
    return f"+{number}"


def _from_abroad(digits: str, country_code: str) -> str:
    """``49t30...`` and, for the operator's own country, ``49030...``: without the zero that only counts inside."""
    code, trunk, rest = digits.partition(_TRUNK)
    if trunk:
        return code + ("0" if code in _ZERO_IS_DIALLED else "") + rest
    if digits.startswith(f"{country_code}0") and country_code not in _ZERO_IS_DIALLED:
        return country_code + digits[len(country_code) + 1 :]
    return digits


def e164_or_none(text: str | None, *, country_code: str = "49") -> str | None:
    """As `e164`; none for none, and for what is no number."""
    try:
        return e164(text, country_code=country_code) if text else None
    except NotAPhoneNumber:
        return None


def is_email(text: str) -> bool:
    """ASCII, as every mail server takes it; the mail server itself has the last word."""
    return len(text) <= 254 and len(text.partition("@")[0]) <= 64 and _EMAIL.fullmatch(text) is not None


def flaws_of(values: Mapping[str, Any], *, country_code: str = "49") -> list[Flaw]:
    """Everything that is wrong with a contact's ``email``, ``phone``, ``mobile`` and names; empty when it is fine."""
    found = []
    if not any(values.get(name) for name in ("given_name", "family_name", "organisation")):
        found.append(Flaw("family_name", "name_missing"))
    if not any(values.get(name) for name in ("email", "phone", "mobile")):
        found.append(Flaw("email", "no_way_to_reach"))
    if values.get("email") and not is_email(values["email"]):
        found.append(Flaw("email", "invalid_email"))
    written = [name for name in ("phone", "mobile") if values.get(name)]
    wrong = [name for name in written if e164_or_none(values[name], country_code=country_code) is None]
    return found + [Flaw(name, "invalid_phone_number") for name in wrong]
