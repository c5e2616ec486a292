"""Writes the merged OpenAPI document of the running services: ``python -m tests.openapi_document FILE``."""

import json
import sys
import tempfile
from pathlib import Path

import httpx2

from tests.portal import running_portal


def main(file: Path) -> None:
    """Start everything in an empty home, ask the gateway, stop."""
    with tempfile.TemporaryDirectory(prefix="openapi-") as home, running_portal(Path(home) / "home") as portal:
        answer = httpx2.get(f"{portal.url}/api/v1/openapi.json", timeout=30)
        answer.raise_for_status()
        file.write_text(json.dumps(answer.json(), indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
