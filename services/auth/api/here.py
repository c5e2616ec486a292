"""The context of a request, as a dependency.

Most endpoints here take the database from it instead of one session: counters are committed before the answer, in a
transaction of their own, and no connection is held while a password is hashed.
"""

from typing import Annotated

from fastapi import Depends, Request

from chassis.db import utc_now
from services.auth.storage.context import Context


async def _context(request: Request) -> Context:
    state = request.app.state
    agent = request.headers.get("user-agent", "")
    device = "".join(character for character in agent if character.isprintable())[:200]
    return Context(state.database, state.settings, state.hashing, state.box, state.brand, utc_now(), device)


Here = Annotated[Context, Depends(_context)]
"""The context of this request."""
