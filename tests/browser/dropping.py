"""Real drag and drop: Chromium is told that files of this machine are dragged over the page, and let go there."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

COPY = 1
STEPS = ("dragEnter", "dragOver", "drop")


def drop(page: Page, *paths: Path, at: tuple[int, int] = (640, 500), upto: str = "drop") -> None:
    """Files and whole folders, as from the desktop; ``upto`` ends the movement earlier."""
    session = page.context.new_cdp_session(page)
    data: dict[str, Any] = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": COPY}
    for step in STEPS[: STEPS.index(upto) + 1]:
        session.send("Input.dispatchDragEvent", {"type": step, "x": at[0], "y": at[1], "data": data})
    session.detach()
