"""First invitations that are sent one after the other, so that no mail server takes them for a flood."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Utc
from services.users.models.base import Base


class WaitingInvitation(Base):
    """One that will be asked for when its time has come."""

    __tablename__ = "waiting_invitations"
    __table_args__ = (Index("waiting_invitations_due_at_idx", "due_at"),)

    membership_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(Utc)
    invited_by: Mapped[str] = mapped_column(String(201))
    """As the person was called then."""
    actor_id: Mapped[UUID] = mapped_column()
