"""Whatever can stand in the audit log has words in both languages on its page."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORDS = (ROOT / "web/src/features/users/audit-words.ts").read_text("utf-8")
WRITERS = {"audit_line", "operator_line", "note_look", "refusals", "_note", "note"}
"""Functions that write a line, or are told which one to write."""
NAME = re.compile(r"[a-z]+(_[a-z]+)+|login|logout")


def constants(node: ast.expr) -> Iterator[str]:
    """Of a literal, or of both sides of a condition."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
        yield node.value
    if isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def actions_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in WRITERS:
                for argument in node.args[:4]:
                    yield from constants(argument)
        if isinstance(node, ast.Assign) and [one.id for one in node.targets if isinstance(one, ast.Name)] == ["what"]:
            yield from constants(node.value)
        if isinstance(node, ast.Return) and node.value is not None:
            yield from (one for one in constants(node.value) if one.startswith("feed_record_"))


def test_every_action_has_words() -> None:
    files = [*(ROOT / "services").rglob("*.py"), *(ROOT / "chassis").glob("*.py")]
    done = {action for file in files for action in actions_of(ast.parse(file.read_text("utf-8")))}
    dictionary = WORDS[WORDS.index("const actions") : WORDS.index("export const actionName")]
    named = set(re.findall(r"^  (\w+): \[", dictionary, re.MULTILINE))
    no_action = {"done", "password", "second_factor", "recovery_code"}

    assert {"exchange_file_uploaded", "contact_removal_requested", "feed_record_retried", "staff_invited"} <= done
    assert done - named - no_action == set()
