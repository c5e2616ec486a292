"""What is worth a mail: who can be reached, what waits to be told, what people want, and the mails themselves."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Utc
from chassis.postman import WaitingMail
from services.users.models.base import Base

Side = Literal["customer", "operator"]
"""Who is told."""
MAIL = "mail"
"""The one channel beside the page itself."""


class Contact(Base):
    """What `contacts` says about somebody who may be written to without being a user. Values in force only."""

    __tablename__ = "contacts"
    __table_args__ = (Index("contacts_customer_id_idx", "customer_id"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    """None: the operator's, for everybody."""
    version: Mapped[int] = mapped_column(Integer)
    side: Mapped[str] = mapped_column(String(8))
    roles: Mapped[list[str]] = mapped_column(JSON)
    name: Mapped[str] = mapped_column(String(200))
    """Empty where it is a function's mailbox."""
    email: Mapped[str | None] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2))
    active: Mapped[bool] = mapped_column(Boolean)


class Notice(Base):
    """One thing to be told, until it is in the mails."""

    __tablename__ = "notices"
    __table_args__ = (Index("notices_topic_customer_id_idx", "topic", "customer_id", "side"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    topic: Mapped[str] = mapped_column(String(20))
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    side: Mapped[Side] = mapped_column(String(8))
    interest: Mapped[str] = mapped_column(String(30))
    module: Mapped[str] = mapped_column(String(20))
    """Whose eyes it is for."""
    words: Mapped[dict[str, Any]] = mapped_column(JSON)
    noted_at: Mapped[datetime] = mapped_column(Utc)


class Collection(Base):
    """Notices that come together in one mail for each reader, and when that is written."""

    __tablename__ = "notice_collections"
    __table_args__ = (Index("notice_collections_due_at_idx", "due_at"),)

    topic: Mapped[str] = mapped_column(String(20), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    side: Mapped[Side] = mapped_column(String(8), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(Utc)
    """Moves on while more comes."""
    latest_at: Mapped[datetime] = mapped_column(Utc)
    """But not beyond this."""


class Choice(Base):
    """What a person has said about one event and channel; without a word the default counts."""

    __tablename__ = "notification_choices"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    event: Mapped[str] = mapped_column(String(30), primary_key=True)
    channel: Mapped[str] = mapped_column(String(10), primary_key=True)
    wanted: Mapped[bool] = mapped_column(Boolean)


class MailRow(WaitingMail, Base):
    """A mail to one reader, who is a user at one place, or a contact."""

    __tablename__ = "mail_outbox"
    __table_args__ = (Index("mail_outbox_state_next_try_at_idx", "state", "next_try_at"),)

    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    user_id: Mapped[UUID | None] = mapped_column(Uuid)
    membership_id: Mapped[UUID | None] = mapped_column(Uuid)
    contact_id: Mapped[UUID | None] = mapped_column(Uuid)
