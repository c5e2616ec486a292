"""Fields and rules that several bodies share."""

import re
import unicodedata
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from services.users.models import MODULES, TIME_ZONES

Language = Literal["de", "en"]
Module = Literal["invoices", "call_records", "exchange", "graphs", "contracts", "contacts"]
LEFT_OUT: Any = None
"""Default of a field that may be left out of a PATCH but never be null."""
_BREAKS_LINES_OR_ORDER = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP = r"[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"


def one_line(text: str) -> str:
    """Composed (NFC), and nothing that ends a line, turns the reading direction, or is no character at all."""
    odd = any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text)
    if odd or _BREAKS_LINES_OR_ORDER.search(text):
        raise ValueError("must be one line of text without control characters")
    return unicodedata.normalize("NFC", text)


def _short_local_part(email: str) -> str:
    if len(email.partition("@")[0]) > 64:
        raise ValueError("at most 64 characters in front of the @")
    return email


def _day_text(value: Any) -> Any:
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
        raise ValueError("must be a date, YYYY-MM-DD")
    return value


def _known_zone(name: str) -> str:
    if name not in TIME_ZONES:
        raise ValueError("not a time zone of the IANA database")
    return name


Name = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True), AfterValidator(one_line)]
CompanyName = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(one_line)
]
Number = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True), AfterValidator(one_line)]
Domain = Annotated[str, StringConstraints(pattern=rf"^({_LABEL}\.)+{_TOP}$", max_length=253)]
Domains = Annotated[list[Domain], Field(max_length=50)]
Modules = Annotated[list[Module], Field(max_length=len(MODULES))]
TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
Day = Annotated[date, Field(strict=False, le=date(2999, 12, 31)), BeforeValidator(_day_text)]
# ASCII local part and domain: what every mail server takes; checked again by the mail server itself
Email = Annotated[
    str,
    StringConstraints(max_length=254, to_lower=True, pattern=rf"^{_ATOM}(\.{_ATOM})*@({_LABEL}\.)+{_TOP}$"),
    AfterValidator(_short_local_part),
]


class Body(BaseModel):
    """What comes in: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)
