"""What files and folders may be called, and when two names are the same. Pure. Rules: docs/rules/exchange.md."""

import re
import unicodedata

MOST_BYTES = 255
_TURNS_READING_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_KEPT_BY_WINDOWS = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])( *\..*)?", re.IGNORECASE)
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*]')
_ENDING = re.compile(r"(?<=.)(\.[^. ]{1,16}){1,2}$")


def checked_name(name: str) -> str:
    """The name as it is kept.

    Raises:
        ValueError: says what is wrong with it.
    """
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        raise ValueError("must not have control characters")
    name = unicodedata.normalize("NFC", name)
    if not name:
        raise ValueError("must not be empty")
    if "/" in name or "\\" in name:
        raise ValueError("must not have a slash")
    if name[-1] in ". " or name[-1].isspace():
        raise ValueError("must not end with a dot or a space")
    if _TURNS_READING_DIRECTION.search(name):
        raise ValueError("must not have characters that turn the reading direction")
    if len(name.encode()) > MOST_BYTES:
        raise ValueError(f"must not be longer than {MOST_BYTES} bytes")
    if _KEPT_BY_WINDOWS.fullmatch(name):
        raise ValueError("is a name that Windows keeps for itself")
    return name


def name_key(name: str) -> str:
    """Equal for names that differ in upper and lower case only."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def sort_key(name: str) -> str:
    """For the order people expect: umlauts beside their vowels, and 2 before 10."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(12), letters)[:300]


def numbered(name: str, number: int) -> str:
    """``Bericht (2).tar.gz``, still not too long."""
    ending = _ENDING.search(name)
    stem, last = (name[: ending.start()], ending[0]) if ending else (name, "")
    addition = f" ({number}){last}"
    room = MOST_BYTES - len(addition.encode())
    return stem.encode()[:room].decode(errors="ignore") + addition


def name_in_archive(name: str, distinct: str) -> str:
    """As every system can unpack it; ``distinct`` keeps apart what would be called the same then."""
    safe = _NOT_ON_WINDOWS.sub("_", name)
    return name if safe == name else numbered(safe, 0).replace(" (0)", f" ({distinct})")
