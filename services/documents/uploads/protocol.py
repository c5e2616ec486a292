"""What a client says in its headers, by tus 1.0.0 (tus.io/protocols/resumable-upload), and what it is refused."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from chassis.errors import (
    AppError,
    BadRequest,
    Conflict,
    Gone,
    Invalid,
    NotFound,
    PreconditionFailed,
    TooLarge,
    UnsupportedMedia,
)
from services.documents.drive.names import checked_name

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
ALGORITHMS = ("sha1", "sha256")
MEDIA_TYPE = "application/offset+octet-stream"
_MOST_METADATA = 8192
_NUMBER = re.compile(r"[0-9]{1,18}")
_FILE_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,48}/[a-z0-9][a-z0-9!#$&^_.+-]{0,48}")


class TusVersionNotSupported(PreconditionFailed):
    """This version of the upload protocol is not spoken here; say Tus-Resumable: 1.0.0."""

    de = "Diese Fassung des Upload-Protokolls wird hier nicht gesprochen; nötig ist Tus-Resumable: 1.0.0."


class UploadHeaderInvalid(BadRequest):
    """A header of the upload is missing or cannot be read."""

    de = "Ein Header des Uploads fehlt oder ist nicht lesbar."


class UploadLengthMissing(BadRequest):
    """An upload needs its length from the beginning (Upload-Length)."""

    de = "Ein Upload braucht von Anfang an seine Länge (Upload-Length)."


class ChecksumAlgorithmNotSupported(BadRequest):
    """Checksums are taken as sha1 or sha256."""

    de = "Prüfsummen werden als sha1 oder sha256 angenommen."


class UploadTooLarge(TooLarge):
    """The file is larger than uploads may be."""

    de = "Die Datei ist größer, als Uploads sein dürfen."


class MoreThanDeclared(TooLarge):
    """There are more bytes than were declared for this upload."""

    de = "Es sind mehr Bytes, als für diesen Upload angekündigt waren."


class OffsetMismatch(Conflict):
    """The upload is at another offset; ask for it with HEAD."""

    de = "Der Upload ist an einer anderen Stelle; sie lässt sich mit HEAD erfragen."


class UploadBusy(AppError):
    """Somebody else is sending bytes for this upload."""

    status = 423
    de = "Für diesen Upload kommen gerade woanders her Bytes an."


class UploadChecksumMismatch(AppError):
    """The bytes do not have the checksum that was sent with them; nothing was stored."""

    status = 460
    de = "Die Bytes haben nicht die mitgeschickte Prüfsumme; nichts davon wurde gespeichert."


class UploadStalled(AppError):
    """The bytes came too slowly."""

    status = 408
    de = "Die Bytes kamen zu langsam an."


class UploadNotFound(NotFound):
    """There is no such upload."""

    de = "Diesen Upload gibt es nicht."


class UploadGone(Gone):
    """This upload has expired or was given up."""

    de = "Dieser Upload ist abgelaufen oder wurde aufgegeben."


class StorageFull(AppError):
    """The store has no room at the moment; what was acknowledged is kept."""

    status = 507
    de = "Der Speicher ist im Moment voll; was bestätigt wurde, bleibt erhalten."


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must have."""

    algorithm: str
    digest: bytes

    def begin(self) -> Any:
        """A hash to feed them to."""
        return hashlib.new(self.algorithm, usedforsecurity=False)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a client wants to upload."""

    length: int
    name: str
    media_type: str
    parent: UUID | None
    metadata: str
    """As it was sent; asked for again with HEAD."""


def require_version(headers: Mapping[str, str]) -> None:
    """Every request but OPTIONS says it.

    Raises:
        TusVersionNotSupported: it does not, or another.
    """
    if headers.get("tus-resumable") != VERSION:
        raise TusVersionNotSupported(headers={"Tus-Version": VERSION})


def declared_by(headers: Mapping[str, str], *, most_bytes: int) -> Declared:
    """Length and metadata of a new upload.

    Raises:
        UploadLengthMissing: to be told later is not enough.
        UploadHeaderInvalid: cannot be read.
        UploadTooLarge: beyond the limit.
        Invalid: no name, or one that a file must not have.
    """
    if headers.get("upload-length") is None or "upload-defer-length" in headers:
        raise UploadLengthMissing
    length = number_in(headers, "upload-length")
    if length > most_bytes:
        raise UploadTooLarge(detail=f"Tus-Max-Size: {most_bytes}")
    text = headers.get("upload-metadata", "")
    values = _metadata(text)
    kind = values.get("filetype", "").partition(";")[0].strip().lower()
    media_type = kind if _FILE_TYPE.fullmatch(kind) else "application/octet-stream"
    return Declared(length, _name(values), media_type, _parent(values), text)


def number_in(headers: Mapping[str, str], name: str) -> int:
    """A header that holds a number of bytes.

    Raises:
        UploadHeaderInvalid: missing, or no such number.
    """
    text = headers.get(name, "")
    if not _NUMBER.fullmatch(text):
        raise UploadHeaderInvalid(detail=f"{name}: {text[:40]}")
    return int(text)


def checksum_in(headers: Mapping[str, str]) -> Checksum | None:
    """Of this request's bytes, where the client sent one.

    Raises:
        ChecksumAlgorithmNotSupported: another algorithm.
        UploadHeaderInvalid: no checksum of this algorithm.
    """
    text = headers.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, encoded = text.partition(" ")
    if algorithm not in ALGORITHMS:
        raise ChecksumAlgorithmNotSupported
    try:
        digest = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise UploadHeaderInvalid(detail="upload-checksum")
    return Checksum(algorithm, digest)


def require_bytes(headers: Mapping[str, str]) -> None:
    """The body is bytes for an offset.

    Raises:
        UnsupportedMedia: something else.
    """
    if headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise UnsupportedMedia(detail=f"Content-Type: {MEDIA_TYPE}")


def http_date(moment: datetime) -> str:
    """``Upload-Expires``, RFC 9110 section 5.6.7."""
    return format_datetime(moment.replace(microsecond=0), usegmt=True)


def _metadata(text: str) -> dict[str, str]:
    if len(text) > _MOST_METADATA:
        raise UploadHeaderInvalid(detail="upload-metadata")
    values: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, _, encoded = pair.partition(" ")
        try:
            value = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            raise UploadHeaderInvalid(detail=f"upload-metadata: {name[:40]}") from None
        if name in values:
            raise UploadHeaderInvalid(detail=f"upload-metadata: {name[:40]}")
        values[name] = value
    return values


def _name(values: Mapping[str, str]) -> str:
    try:
        return checked_name(values.get("filename", ""))
    except ValueError as error:
        raise Invalid(errors=[{"pointer": "/header/upload-metadata/filename", "detail": str(error)}]) from None


def _parent(values: Mapping[str, str]) -> UUID | None:
    text = values.get("parent", "")
    try:
        return UUID(text) if text else None
    except ValueError:
        problem = {"pointer": "/header/upload-metadata/parent", "detail": "must be the id of a folder"}
        raise Invalid(errors=[problem]) from None
