"""The rules of passwords as a table, and the hash; no database."""

import unicodedata
from pathlib import Path

import pytest

from services.auth import passwords
from services.auth.passwords import RULES, Hashing, PasswordRefused, broken_rules, check, is_common

NAMES = ("Nordwelle", "Nordwelle Telekom GmbH", "Nordwelle Kundenportal")
CHEAP = Hashing(memory_kib=8, rounds=1)


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("Tasse-7-blau-Nebel", []),
        ("Xk-7vbqt", []),
        ("Xk-7vbq", ["length"]),
        ("", ["length", "digit", "special"]),
        ("x" * 254 + "-7", []),
        ("x" * 255 + "-7", ["length"]),
        ("Tasse-blau-Nebel", ["digit"]),
        ("TasseSiebenBlau7", ["special"]),
        ("Tasse 7 blau Nebel", ["special"]),
        ("Tasse\u00a07\u00a0blau Nebel", ["special"]),
        ("Ünïcödé7€Straße", []),
        ("пароль-секрет٧", []),
        ("Tasse7blau😀Nebel", []),
        ("x7anna.beispiel@kunde.example!", ["username"]),
        ("ANNA.BEISPIEL-77", ["username"]),
        ("anna-im-Garten-77", []),
        ("Nordwelle-Anker-7", ["common"]),
        ("n o r d w e l l e -7", ["common"]),
        ("Passwort1!", ["common"]),
        ("P@ssw0rt2026!", ["common"]),
        ("Sommer2026!", ["common"]),
        ("12345678!", ["common"]),
        ("!!Qwertz123", ["common"]),
        ("Schalke04!", ["common"]),
        ("Sommer-9375-Gewitter", []),
    ],
)
def test_rules(password: str, broken: list[str]) -> None:
    assert broken_rules(password, username="anna.beispiel@kunde.example", forbidden_names=NAMES) == broken


def test_a_short_local_part_may_occur() -> None:
    assert broken_rules("Tasse-7-ab-Nebel", username="ab@kunde.example", forbidden_names=NAMES) == []


def test_composed_and_decomposed_are_one_password() -> None:
    composed = unicodedata.normalize("NFC", "Über-7-größer")
    decomposed = unicodedata.normalize("NFD", composed)

    assert composed != decomposed
    assert CHEAP.verify(CHEAP.hash(decomposed), composed)
    assert CHEAP.verify(CHEAP.hash(composed), decomposed)
    assert broken_rules(decomposed, username="a@b.example", forbidden_names=()) == []


def test_length_counts_composed_characters() -> None:
    seven = unicodedata.normalize("NFD", "üöä-7äö")

    assert len(seven) > 8
    assert broken_rules(seven, username="a@b.example", forbidden_names=()) == ["length"]


def test_a_refusal_names_every_broken_rule_in_the_readers_language() -> None:
    with pytest.raises(PasswordRefused) as german:
        check("kurz", username="anna@kunde.example", forbidden_names=NAMES, language="de")
    with pytest.raises(PasswordRefused) as english:
        check("kurz", username="anna@kunde.example", forbidden_names=NAMES, language="en")

    assert [error["detail"] for error in german.value.errors] == [rule.de for rule in RULES[:3]]
    assert [error["detail"] for error in english.value.errors] == [rule.en for rule in RULES[:3]]
    assert {error["pointer"] for error in german.value.errors} == {"/password"}


def test_the_blocklist_is_long_and_each_entry_refused() -> None:
    lines = (Path(passwords.__file__).parent / "blocklist.txt").read_text("utf-8").splitlines()
    entries = [line for line in lines if not line.startswith("# ")]

    assert len(entries) > 800
    assert [entry for entry in entries if not is_common(f"{entry.capitalize()}!")] == []
    assert [entry for entry in entries if entry.isalpha() and not is_common(f"{entry.capitalize()}2026!")] == []


def test_right_and_wrong_passwords() -> None:
    stored = CHEAP.hash("Tasse-7-blau")

    assert stored.startswith("$argon2id$")
    assert CHEAP.verify(stored, "Tasse-7-blau")
    assert not CHEAP.verify(stored, "Tasse-7-Blau")
    assert not CHEAP.verify("$argon2id$broken", "Tasse-7-blau")
    assert not CHEAP.verify(None, "nobody has this password")


def test_hashes_of_another_cost_are_outdated() -> None:
    dearer = Hashing(memory_kib=16, rounds=2)

    assert dearer.is_outdated(CHEAP.hash("Tasse-7-blau"))
    assert not dearer.is_outdated(dearer.hash("Tasse-7-blau"))
