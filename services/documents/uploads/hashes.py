"""SHA-256 of what this process has seen from the beginning, by upload, so that most files need no second look."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.documents.storage import Piece

MOST_HASHES = 256


class Hashes:
    """Between the requests of an upload."""

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, tuple[int, Any]] = OrderedDict()

    def take(self, upload_id: UUID, offset: int) -> Any | None:
        """The hash of exactly the bytes before the offset, if it is known."""
        at, found = self._known.pop(upload_id, (-1, None))
        if offset == 0:
            return hashlib.sha256()
        return found if at == offset else None

    def keep(self, upload_id: UUID, offset: int, known: Any) -> None:
        """For the next request, if this process gets it."""
        self._known[upload_id] = (offset, known)
        while len(self._known) > MOST_HASHES:
            self._known.popitem(last=False)


def feed(hashes: Sequence[Any], pieces: Sequence[Piece]) -> None:
    """To each of them that is there; in a thread, because it takes a while."""
    for one in hashes:
        if one is not None:
            for piece in pieces:
                one.update(piece)
