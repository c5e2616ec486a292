"""Tries that were made lately: they survive restarts, and refused requests."""

from datetime import datetime

from sqlalchemy import JSON, Float, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Utc
from services.auth.models.base import Base
from services.auth.throttle import Counter, given_back


class CounterRow(Base):
    """A `Counter` with its name: ``password:account:<hash>``, ``factor:<user>`` and so on."""

    __tablename__ = "counters"
    __table_args__ = (Index("counters_updated_at_idx", "updated_at"),)

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    tries: Mapped[list[float]] = mapped_column(JSON)
    strikes: Mapped[int] = mapped_column(Integer)
    blocked_until: Mapped[float] = mapped_column(Float)
    failures_in_a_row: Mapped[int] = mapped_column(Integer)
    updated_at: Mapped[datetime] = mapped_column(Utc)

    @property
    def counter(self) -> Counter:
        """As the pure rules take it."""
        return Counter(tuple(self.tries), self.strikes, self.blocked_until)

    def keep(self, counter: Counter, now: datetime) -> None:
        """Store what the rules made of it."""
        self.tries = list(counter.tries)
        self.strikes = counter.strikes
        self.blocked_until = counter.blocked_until
        self.updated_at = now

    def give_back(self, taken: datetime) -> None:
        """The try was a success."""
        self.keep(given_back(self.counter, taken), taken)

    def start_anew(self, now: datetime) -> None:
        """As if nothing had been tried."""
        self.keep(Counter(), now)
        self.failures_in_a_row = 0
