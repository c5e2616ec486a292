"""Tables of the exchange drive. Every change of a drive holds its row in `drives` first, so sizes add up."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db import Utc
from chassis.errors import NotFound
from services.documents.models.documents import Base

BIG = BigInteger().with_variant(Integer, "sqlite")
KEY = String(1000).with_variant(String(1000, collation="C"), "postgresql")
"""Compared byte by byte on both databases, so that both sort alike."""

Side = Literal["customer", "operator"]
Scan = Literal["not_scanned", "waiting", "clean", "infected", "unscannable"]

LIVING = text("trashed_at IS NULL")
THROWN = text("trash_id = id")
UNCHECKED = text("checked_at IS NULL")
UNFINISHED = text("finished_at IS NULL")


class EntryNotFound(NotFound):
    """There is no such file or folder."""

    de = "Diese Datei oder diesen Ordner gibt es nicht."


class Drive(Base):
    """One customer's drive: what may be, is and will be on it. Its row is held by whoever changes anything below."""

    __tablename__ = "drives"

    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    quota_bytes: Mapped[int | None] = mapped_column(BIG)
    """None: the setting."""
    used_bytes: Mapped[int] = mapped_column(BIG)
    """All versions that were not purged; the trash counts."""
    reserved_bytes: Mapped[int] = mapped_column(BIG)
    """The declared lengths of unfinished uploads."""


class DriveEntry(Base):
    """A file or folder. The root of a drive is a folder without parent that bears the customer's id, never shown."""

    __tablename__ = "drive_entries"
    __table_args__ = (
        Index(
            "drive_entries_name_idx",
            "parent_id",
            "name_key",
            unique=True,
            sqlite_where=LIVING,
            postgresql_where=LIVING,
        ),
        *(
            Index(
                f"drive_entries_{name}_idx",
                "parent_id",
                "kind",
                name,
                "id",
                sqlite_where=LIVING,
                postgresql_where=LIVING,
            )
            for name in ("sort_key", "size_bytes", "changed_at")
        ),
        Index("drive_entries_parent_id_idx", "parent_id"),
        Index(
            "drive_entries_trash_idx", "customer_id", "trashed_at", "id", sqlite_where=THROWN, postgresql_where=THROWN
        ),
        Index("drive_entries_trash_id_idx", "trash_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    parent_id: Mapped[UUID | None] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(String(10))
    """``folder`` or ``file``."""
    name: Mapped[str] = mapped_column(String(255))
    name_key: Mapped[str] = mapped_column(KEY)
    """Two names with the same key are the same name."""
    sort_key: Mapped[str] = mapped_column(KEY)
    side: Mapped[str] = mapped_column(String(10))
    created_by: Mapped[str] = mapped_column(String(200))
    created_by_id: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(Utc)
    changed_at: Mapped[datetime] = mapped_column(Utc)
    size_bytes: Mapped[int] = mapped_column(BIG)
    """Of a file: its newest version. Of a folder: of all living files below it."""
    folders: Mapped[int] = mapped_column(Integer)
    """How many living folders lie in it."""
    files: Mapped[int] = mapped_column(Integer)
    current_version_id: Mapped[UUID | None] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(Integer)
    trashed_at: Mapped[datetime | None] = mapped_column(Utc)
    trashed_by: Mapped[str | None] = mapped_column(String(200))
    trash_id: Mapped[UUID | None] = mapped_column(Uuid)
    """What was thrown away with it in it: itself, or a folder above."""

    @property
    def is_folder(self) -> bool:
        """Else a file."""
        return self.kind == "folder"


class DriveVersion(Base):
    """One content of a file. Its bytes lie under a random key that only this row knows."""

    __tablename__ = "drive_versions"
    __table_args__ = (
        UniqueConstraint("entry_id", "number"),
        Index("drive_versions_unchecked_idx", "created_at", sqlite_where=UNCHECKED, postgresql_where=UNCHECKED),
        Index("drive_versions_object_key_idx", "object_key"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("drive_entries.id"))
    number: Mapped[int] = mapped_column(Integer)
    object_key: Mapped[str] = mapped_column(String(100))
    size_bytes: Mapped[int] = mapped_column(BIG)
    sha256: Mapped[str | None] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(100))
    side: Mapped[str] = mapped_column(String(10))
    created_by: Mapped[str] = mapped_column(String(200))
    created_by_id: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(Utc)
    scan: Mapped[str] = mapped_column(String(12))
    scan_detail: Mapped[str | None] = mapped_column(String(200))
    """The signature that was found, or why it could not be scanned."""
    checked_at: Mapped[datetime | None] = mapped_column(Utc)
    """Since then its checksum is known and its scan is over; until then the check reads it."""
    lease_until: Mapped[datetime | None] = mapped_column(Utc)
    fence: Mapped[int] = mapped_column(Integer)
    """Grows with each lease: who holds an older one has lost it."""
    read_by_other_side_at: Mapped[datetime | None] = mapped_column(Utc)
    read_by: Mapped[str | None] = mapped_column(String(200))


class DriveUpload(Base):
    """A tus upload: what was declared, how much of it is stored, and who writes it now."""

    __tablename__ = "drive_uploads"
    __table_args__ = (
        Index("drive_uploads_expires_at_idx", "expires_at"),
        Index(
            "drive_uploads_unfinished_idx",
            "customer_id",
            "created_at",
            sqlite_where=UNFINISHED,
            postgresql_where=UNFINISHED,
        ),
        Index("drive_uploads_object_key_idx", "object_key"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    parent_id: Mapped[UUID] = mapped_column(Uuid)
    """The folder it goes to; the customer's id for the root."""
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(100))
    metadata_header: Mapped[str | None] = mapped_column(Text)
    """As the client sent it, who may ask for it again."""
    length_bytes: Mapped[int] = mapped_column(BIG)
    offset_bytes: Mapped[int] = mapped_column(BIG)
    object_key: Mapped[str] = mapped_column(String(100))
    storage_state: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What the store needs to go on, such as the parts of a multipart upload."""
    side: Mapped[str] = mapped_column(String(10))
    owner: Mapped[str] = mapped_column(String(100))
    """The ``sub`` of who began it."""
    owner_name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Utc)
    expires_at: Mapped[datetime] = mapped_column(Utc)
    lease_holder: Mapped[str | None] = mapped_column(String(100))
    lease_until: Mapped[datetime | None] = mapped_column(Utc)
    fence: Mapped[int] = mapped_column(Integer)
    finished_at: Mapped[datetime | None] = mapped_column(Utc)
    version_id: Mapped[UUID | None] = mapped_column(Uuid)


class DoomedObject(Base):
    """Bytes that no row points to any more: removed from the store after the commit, again and again until gone."""

    __tablename__ = "drive_doomed_objects"

    object_key: Mapped[str] = mapped_column(String(100), primary_key=True)
    storage_state: Mapped[dict[str, Any]] = mapped_column(JSON)
    doomed_at: Mapped[datetime] = mapped_column(Utc)
