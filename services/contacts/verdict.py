"""What becomes of an update from the CRM: taken, without effect, or a conflict. Pure. Rules: docs/rules/contacts.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Ours:
    """What the portal has now, and who had the last word."""

    values: Mapping[str, Any]
    known: Mapping[str, Any]
    """What the CRM said last."""
    touched_at: datetime | None
    """When somebody edited, confirmed or removed it here."""
    removed_here: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fields that differ, and whose word counts."""

    kind: Literal["same", "take", "conflict"]
    fields: tuple[str, ...] = ()


def judge(ours: Ours, theirs: Mapping[str, Any], said_at: datetime) -> Verdict:
    """Only what the CRM itself has changed since its last word can change anything here.

    A confirmation vouches for every field, so an older word that differs in any is a conflict, and nothing of it is
    taken. Source: docs/rules/contacts.md, rules C-12 and C-13.
    """
    changed = [name for name, value in theirs.items() if value != ours.known.get(name)]
    differing = tuple(name for name in changed if value_differs(name, ours.values, theirs))
    if not differing:
        return Verdict("same")
    if ours.removed_here or (ours.touched_at is not None and ours.touched_at > said_at):
        return Verdict("conflict", differing)
    return Verdict("take", differing)


def value_differs(name: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """The order of roles says nothing."""
    if name == "roles":
        return set(ours.get(name) or ()) != set(theirs.get(name) or ())
    return bool(ours.get(name) != theirs.get(name))
