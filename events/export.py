"""Writes the JSON Schema of every event beside this file: ``python -m events.export``."""

import json
from pathlib import Path
from typing import Any

from events.base import SCHEMA_BASE, Event
from events.registry import REGISTRY

FOLDER = Path(__file__).parent / "schemas"


def schema_of(event: type[Event]) -> dict[str, Any]:
    """JSON Schema 2020-12 of an event's ``data``."""
    schema = event.model_json_schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{SCHEMA_BASE}{event.subject}.json"}
    return head | schema


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for subject, event in REGISTRY.items():
        text = json.dumps(schema_of(event), indent=1, sort_keys=True, ensure_ascii=False)
        (FOLDER / f"{subject}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
