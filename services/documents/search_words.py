"""What a document is found by: the beginnings of its number, title, accounts and amount.

A word table beside the documents, because neither database offers the same full-text search, and because a prefix is a
range in an index on both.
"""

import re
from collections.abc import Iterable
from decimal import Decimal

LONGEST = 64
MOST_WORDS = 5
_PARTS = re.compile(r"[^\w]+|_")
_GERMAN_AMOUNT = re.compile(r"-?\d{1,3}(\.\d{3})*,\d{1,2}|-?\d+,\d{1,2}")
_ENGLISH_AMOUNT = re.compile(r"-?\d{1,3}(,\d{3})+\.\d{1,2}")


def words_of(texts: Iterable[str | None], amounts: Iterable[Decimal | None]) -> set[str]:
    """Every word of the texts, from each of its parts on: ``re-2026-0047``, ``2026-0047``, ``0047``, ``47``."""
    found: set[str] = set()
    for text in texts:
        for word in (text or "").casefold().split():
            found.add(word[:LONGEST])
            starts = [part.end() for part in _PARTS.finditer(word)]
            for tail in (word, *(word[start:] for start in starts)):
                found |= {tail[:LONGEST], tail.lstrip("0")[:LONGEST]}
    found |= {f"{amount:.2f}" for amount in amounts if amount is not None}
    return found - {""}


def text_of(words: Iterable[str]) -> str:
    """The words in one text, each with a space in front, for ``LIKE '% word%'``."""
    return f" {' '.join(sorted(words))} "


def asked(query: str) -> list[str]:
    """The words of a query as they are stored; amounts may be typed ``1.264,62`` or ``1,264.62``. Longest first."""
    words = []
    for word in query.casefold().split()[:MOST_WORDS]:
        if _GERMAN_AMOUNT.fullmatch(word):
            words.append(word.replace(".", "").replace(",", "."))
        elif _ENGLISH_AMOUNT.fullmatch(word):
            words.append(word.replace(",", ""))
        else:
            words.append(word[:LONGEST])
    return sorted(words, key=len, reverse=True)


def after_all(prefix: str) -> str:
    """The end of the range of words that begin so."""
    return prefix + "\U0010ffff"
