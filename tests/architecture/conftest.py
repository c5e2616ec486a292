"""What the architecture tests look at."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository: committed or about to be."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def parsed(path: Path) -> ast.Module:
    text = path.read_text("utf-8")
    try:
        return ast.parse(text)
    except SystemError:
        # CPython before 3.11.8 counts wrong when another thread parses at the same moment (gh-106905).
        return ast.parse(text)


@pytest.fixture(scope="session")
def code() -> list[Path]:
    folders = ("chassis", "events", "gateway", "portalctl", "services")
    return [path for folder in folders for path in tracked(f"{folder}/*.py")]
