"""What goes in and out of the exchange drive, exactly as the public interface promises it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from chassis.paging import Page
from services.documents.drive.arrival import shown_parent
from services.documents.drive.names import checked_name
from services.documents.drive.policy import Policy, Unscannable
from services.documents.drive.quota import Usage
from services.documents.models import DriveEntry, DriveVersion, Scan, Side
from services.documents.settings import Settings

Name = Annotated[
    str, StringConstraints(max_length=1000), AfterValidator(checked_name), Field(description="at most 255 bytes")
]
Id = Annotated[UUID, Field(strict=False)]


class Body(BaseModel):
    """What comes in: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class FolderCreate(Body):
    """A new folder; without a parent at the top of the drive."""

    parent: Id | None = None
    name: Name


class EntryUpdate(Body):
    """What is left out stays; a parent of null is the top of the drive."""

    name: Name = ""
    parent: Id | None = None


class PathPart(BaseModel):
    """A folder above."""

    id: UUID
    name: str


class EntryOut(BaseModel):
    """A file or folder. Side, person, checksum, scan and opening of a file are those of its newest version."""

    id: UUID
    version: int
    kind: Literal["folder", "file"]
    name: str
    parent: UUID | None
    size: int
    sha256: str | None
    media_type: str | None
    changed_at: datetime
    side: Side
    created_by: str
    created_at: datetime
    scan: Scan | None
    held_back: bool
    """Its newest version is not handed out, or only to whoever says that he knows what it is."""
    read_by_other_side_at: datetime | None
    read_by: str | None
    number: int | None
    """Of the newest version: how many there were."""
    folders: int
    files: int
    trashed_at: datetime | None
    trashed_by: str | None

    @classmethod
    def of(cls, entry: DriveEntry, version: DriveVersion | None, policy: Policy) -> "EntryOut":
        """With its newest version, when it is a file."""
        same = ("id", "version", "kind", "name", "changed_at", "created_at", "folders", "files")
        values = {name: getattr(entry, name) for name in (*same, "trashed_at", "trashed_by")}
        who = version or entry
        return cls(
            **values,
            parent=shown_parent(entry),
            size=entry.size_bytes,
            side="operator" if who.side == "operator" else "customer",
            created_by=who.created_by,
            sha256=version.sha256 if version else None,
            media_type=version.media_type if version else None,
            scan=policy.shown(version) if version else None,
            held_back=policy.holds_back(version) if version else False,
            read_by_other_side_at=version.read_by_other_side_at if version else None,
            read_by=version.read_by if version else None,
            number=version.number if version else None,
        )


class EntryWithPath(EntryOut):
    """One entry and the folders above it, from the top."""

    path: list[PathPart]


class Totals(BaseModel):
    """What lies in a folder: folders and files right in it, bytes at any depth."""

    folders: int
    files: int
    bytes: int


class EntriesOut(Page[EntryOut]):
    """One page of a folder, with its totals and the way to it."""

    totals: Totals
    path: list[PathPart]


class VersionOut(BaseModel):
    """One content of a file."""

    number: int
    size: int
    sha256: str | None
    media_type: str
    side: Side
    created_by: str
    created_at: datetime
    scan: Scan
    scan_detail: str | None
    held_back: bool
    read_by_other_side_at: datetime | None
    read_by: str | None

    @classmethod
    def of(cls, version: DriveVersion, policy: Policy) -> "VersionOut":
        """As everybody on the drive may see it."""
        same = ("number", "sha256", "media_type", "created_by", "created_at", "scan_detail", "read_by")
        return cls(
            **{name: getattr(version, name) for name in same},
            size=version.size_bytes,
            side="operator" if version.side == "operator" else "customer",
            scan=policy.shown(version),
            held_back=policy.holds_back(version),
            read_by_other_side_at=version.read_by_other_side_at,
        )


class UsageOut(BaseModel):
    """Room on the drive, and what holds for it."""

    quota: int
    used: int
    reserved: int
    free: int
    trash_days: int
    scanning: bool
    unscannable: Unscannable
    """What becomes of files that cannot be scanned."""

    @classmethod
    def of(cls, usage: Usage, settings: Settings) -> "UsageOut":
        """In bytes."""
        return cls(
            quota=usage.quota_bytes,
            used=usage.used_bytes,
            reserved=usage.reserved_bytes,
            free=usage.free_bytes,
            trash_days=settings.drive_trash_kept.days,
            scanning=settings.scanning,
            unscannable=settings.drive_unscannable,
        )
