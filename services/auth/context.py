"""What endpoints need: database, settings, keys, brand, the time, and the caller's browser.

Most endpoints here take the database from it instead of one session: counters are committed before the answer, in a
transaction of their own, and no connection is held while a password is hashed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from chassis.brand import Brand
from chassis.db import Database, utc_now
from services.auth.hashing import ThreadedHashing
from services.auth.secrets import SecretBox
from services.auth.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """Made anew for each request."""

    database: Database
    settings: Settings
    hashing: ThreadedHashing
    box: SecretBox
    brand: Brand
    now: datetime
    device: str
    """The browser in its own words."""

    @property
    def forbidden_names(self) -> tuple[str, ...]:
        """The operator's and the portal's names: not part of a password."""
        return self.brand.short_name, self.brand.name, self.brand.portal_name


def _context(request: Request) -> Context:
    state = request.app.state
    agent = request.headers.get("user-agent", "")
    device = "".join(character for character in agent if character.isprintable())[:200]
    return Context(state.database, state.settings, state.hashing, state.box, state.brand, utc_now(), device)


Here = Annotated[Context, Depends(_context)]
"""The context of this request."""
