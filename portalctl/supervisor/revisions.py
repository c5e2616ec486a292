"""Whether an embedded database is at the newest revision already: a look that costs nothing, unlike Alembic."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from portalctl.home import ROOT

_REVISION = re.compile(r"^revision\b[^=]*=\s*[\"']([^\"']+)[\"']", re.MULTILINE)


def newest_revision(service: str) -> str | None:
    """The one of the last migration file; they are numbered."""
    files = sorted((ROOT / "services" / service / "migrations").glob("[0-9]*.py"))
    found = _REVISION.search(files[-1].read_text("utf-8")) if files else None
    return found[1] if found else None


def is_current(service: str, database_url: str) -> bool:
    """True only when sure; anything odd is left to `portalctl migrate`."""
    if not database_url.startswith("sqlite"):
        return False
    file = Path(database_url.split("///", 1)[1])
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except (sqlite3.Error, ValueError):
        return False
    return rows == [(newest_revision(service),)]
