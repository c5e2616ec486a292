"""Quarterly reviews: somebody has checked who may see what."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Utc
from services.users.models.base import Base


class AccessReview(Base):
    """One attestation; never changed."""

    __tablename__ = "access_reviews"
    __table_args__ = (Index("access_reviews_customer_id_reviewed_at_idx", "customer_id", "reviewed_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    user_id: Mapped[UUID] = mapped_column()
    name: Mapped[str] = mapped_column(String(201))
    """As the person was called then."""
    reviewed_at: Mapped[datetime] = mapped_column(Utc)
