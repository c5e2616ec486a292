"""What a password must be, and its hash (argon2id). Pure: no waiting, no database."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from chassis.errors import Invalid

SHORTEST = 8
LONGEST = 256
_MOST_DECORATION = 6
_LEET = str.maketrans("01345$@!", "oleassai")


class PasswordRefused(Invalid):
    """The password does not follow the rules."""

    de = "Das Passwort erfüllt die Regeln nicht."


@dataclass(frozen=True, slots=True)
class PasswordRule:
    """One line of the checklist."""

    id: str
    de: str
    en: str

    def text(self, language: str) -> str:
        """In the reader's language."""
        return self.en if language == "en" else self.de


RULES = (
    PasswordRule("length", "8 bis 256 Zeichen", "8 to 256 characters"),
    PasswordRule("digit", "mindestens eine Ziffer", "at least one digit"),
    PasswordRule("special", "mindestens ein Sonderzeichen (! ? # -)", "at least one special character (! ? # -)"),
    PasswordRule("username", "enthält nicht Ihren Benutzernamen", "does not contain your user name"),
    PasswordRule(
        "common",
        "kein häufig benutztes Passwort und ohne den Namen des Portalbetreibers",
        "not a commonly used password, and without the name of the portal's operator",
    ),
)  # fmt: skip


def normalised(password: str) -> str:
    """Unicode NFC: the same characters are the same password on every keyboard."""
    return unicodedata.normalize("NFC", password)


def broken_rules(password: str, *, username: str, forbidden_names: Sequence[str]) -> list[str]:
    """The ids of the rules that a password breaks, in their order. Source: docs/rules/access.md, A-1 to A-5.

    Args:
        password: As typed.
        username: The e-mail address; its part before the ``@`` counts too when it has four characters or more.
        forbidden_names: The operator's and the portal's names.
    """
    text = normalised(password)
    folded = text.casefold()
    local = username.casefold().partition("@")[0]
    broken = {
        "length": not SHORTEST <= len(text) <= LONGEST,
        "digit": not any(unicodedata.category(character) == "Nd" for character in text),
        "special": not any(_is_special(character) for character in text),
        "username": username.casefold() in folded or (len(local) >= 4 and local in folded),
        "common": is_common(text) or _names_one_of(forbidden_names, text),
    }  # fmt: skip
    return [rule.id for rule in RULES if broken[rule.id]]


def check(password: str, *, username: str, forbidden_names: Sequence[str], language: str) -> None:
    """Refuse a password that breaks a rule.

    Raises:
        PasswordRefused: with one entry for each broken rule.
    """
    broken = broken_rules(password, username=username, forbidden_names=forbidden_names)
    if broken:
        texts = [rule.text(language) for rule in RULES if rule.id in broken]
        raise PasswordRefused(errors=[{"pointer": "/password", "detail": text} for text in texts], rules=broken)


def is_common(password: str) -> bool:
    """On the blocklist, also behind usual disguises: ``P@ssw0rt2026!`` is ``passwort`` with decoration."""
    folded = password.casefold()
    plain_core = _core(folded)
    guesses = {folded, _trimmed(folded), plain_core, plain_core.translate(_LEET), _core(folded.translate(_LEET))}
    return any(guess in _blocklist() and len(folded) - len(guess) <= _MOST_DECORATION for guess in guesses)


def _core(text: str) -> str:
    """Without digits and special characters at both ends."""
    return re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)


def _trimmed(text: str) -> str:
    """Without special characters at both ends."""
    return re.sub(r"^[\W_]+|[\W_]+$", "", text)


def _is_special(character: str) -> bool:
    """Neither letter, digit nor white space; marks belong to their letter."""
    return unicodedata.category(character)[0] not in "LMN" and not character.isspace()


def _names_one_of(names: Sequence[str], text: str) -> bool:
    return any(len(name) >= 4 and name in _bare(text) for name in map(_bare, names))


def _bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


@cache
def _blocklist() -> frozenset[str]:
    lines = (Path(__file__).parent / "blocklist.txt").read_text("utf-8").splitlines()
    return frozenset(line.strip().casefold() for line in lines if line.strip() and not line.startswith("# "))


class Hashing:
    """Argon2id with this service's cost."""

    def __init__(self, *, memory_kib: int, rounds: int) -> None:
        self._argon2 = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._of_nobody = self._argon2.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """The text that the database keeps; each has a salt of its own."""
        return self._argon2.hash(normalised(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password belongs to this hash; without one it takes as long and is never true."""
        try:
            right = self._argon2.verify(stored or self._of_nobody, normalised(password))
        except (VerificationError, InvalidHashError):
            return False
        return right and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Made with another cost than today's."""
        return self._argon2.check_needs_rehash(stored)
