"""One line of text, whoever wrote it. Pure."""

import re
import unicodedata

_TURNS_READING_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """Composed (NFC) and stripped.

    Raises:
        ValueError: it has control characters, ends a line, turns the reading direction, or is no text at all.
    """
    odd = any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text)
    if odd or _TURNS_READING_DIRECTION.search(text):
        raise ValueError("must be one line of text without control characters")
    return unicodedata.normalize("NFC", text).strip()


def sort_key(*parts: str | None) -> str:
    """For an order that both databases see alike: umlauts beside their vowels, whatever the case."""
    plain = unicodedata.normalize("NFKD", " ".join(part for part in parts if part)).casefold()
    return "".join(character for character in plain if not unicodedata.combining(character))[:300]
