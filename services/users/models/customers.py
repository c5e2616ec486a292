"""Companies."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, Boolean, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Utc
from events.users import CustomerChanged
from services.users.models.base import BIG, Base


class Customer(Base):
    """A company."""

    __tablename__ = "customers"
    __table_args__ = (Index("customers_words_id_idx", "words", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    words: Mapped[str] = mapped_column(String(600), server_default="")
    """Name and number, case-folded here: the databases disagree about letters beyond ASCII."""
    language: Mapped[str] = mapped_column(String(2))
    time_zone: Mapped[str] = mapped_column(String(64))
    email_domains: Mapped[list[str]] = mapped_column(JSON)
    colocation: Mapped[bool] = mapped_column(Boolean)
    end_user: Mapped[bool] = mapped_column(Boolean)
    active: Mapped[bool] = mapped_column(Boolean)
    version: Mapped[int] = mapped_column(Integer)
    feed_version: Mapped[int] = mapped_column(BIG)
    """The CRM's version that was applied last; -1 where the operator made the customer."""
    created_at: Mapped[datetime] = mapped_column(Utc)

    def changed(self) -> CustomerChanged:
        """The whole state, under the next version."""
        self.version += 1
        self.words = search_words(self.name, self.number)
        self.email_domains = list(dict.fromkeys(domain.lower() for domain in self.email_domains))
        return self.state()

    def state(self) -> CustomerChanged:
        """The whole state."""
        return CustomerChanged(
            customer_id=self.id,
            version=self.version,
            number=self.number,
            name=self.name,
            end_user=self.end_user,
            colocation=self.colocation,
            language="en" if self.language == "en" else "de",
            time_zone=self.time_zone,
            email_domains=tuple(self.email_domains),
            active=self.active,
        )


def search_words(name: str, number: str) -> str:
    """What a search compares, and what the list is sorted by. Folding may lengthen a letter to three."""
    return f"{name} {number}".casefold()[:600]
