"""What the work of one request needs: database, settings, keys, brand, the time, and the caller's browser."""

from dataclasses import dataclass
from datetime import datetime

from chassis.brand import Brand
from chassis.db import Database
from services.auth.secrets import SecretBox
from services.auth.settings import Settings
from services.auth.storage.hashing import ThreadedHashing


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
