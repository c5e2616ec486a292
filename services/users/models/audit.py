"""The table of the audit log."""

from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from services.users.models.base import BIG, Base


class AuditLine(Base):
    """One line of the audit log."""

    __tablename__ = "audit_lines"
    __table_args__ = (Index("audit_lines_customer_id_position_idx", "customer_id", "position"),)

    position: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=False)
    customer_id: Mapped[UUID | None] = mapped_column()
    """Copied from the line, for the index."""
    line: Mapped[dict[str, Any]] = mapped_column(JSON)
    hash: Mapped[str] = mapped_column(String(64))
