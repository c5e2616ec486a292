"""Writes the JSON Schema of every event and the page of them all: ``python -m events.export`` (`make docs`)."""

import json
from pathlib import Path
from typing import Any

from events.base import SCHEMA_BASE, Event
from events.registry import REGISTRY

FOLDER = Path(__file__).parent / "schemas"
PAGE = Path(__file__).parent.parent / "docs" / "events.md"


def schema_of(event: type[Event]) -> dict[str, Any]:
    """JSON Schema 2020-12 of an event's ``data``."""
    schema = event.model_json_schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{SCHEMA_BASE}{event.subject}.json"}
    return head | schema


def page() -> str:
    """All events as one Markdown page: who says it, who listens, every field."""
    lines = ["# Events", "", "Written by `make docs` from [events/](../events); do not edit.", ""]
    for subject, event in sorted(REGISTRY.items()):
        listeners = ", ".join(sorted(event.listeners)) or "browsers, through the gateway"
        lines += [f"## {subject}", "", (event.__doc__ or "").strip().splitlines()[0], "", f"Heard by: {listeners}.", ""]
        lines += ["| field | needed | what |", "|---|---|---|"]
        for name, field in event.model_fields.items():
            needed = "yes" if field.is_required() else ""
            lines.append(f"| `{name}` | {needed} | {field.description or ''} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Write them all."""
    PAGE.write_text(page(), "utf-8")
    FOLDER.mkdir(exist_ok=True)
    for subject, event in REGISTRY.items():
        text = json.dumps(schema_of(event), indent=1, sort_keys=True, ensure_ascii=False)
        (FOLDER / f"{subject}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
