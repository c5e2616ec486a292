"""What a file must be like before anybody sees it: name, size, checksum, and bytes that fit its type. Pure."""

import base64
import binascii
import hashlib

from events.base import InvalidEvent
from events.billing import FeedFile
from services.documents.drive.names import checked_name

HEAD_BYTES = 1024
_EXECUTABLE = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xca\xfe\xba\xbe",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
)
_BEGINNINGS = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "application/zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "application/gzip": (b"\x1f\x8b",),
}
_ENDINGS = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".zip": "application/zip",
    ".gz": "application/gzip",
}
_XML = ("application/xml", "text/xml")


def safe_name(name: str, pointer: str) -> str:
    """The name in NFC.

    Raises:
        InvalidEvent: ``invalid_file_name``.
    """
    try:
        name = checked_name(name)
        if name.startswith(" "):
            raise ValueError("must not begin with a space")
    except ValueError:
        detail = "A name of at most 255 bytes without path, control or bidirectional characters or reserved words."
        raise InvalidEvent("invalid_file_name", detail, [{"pointer": pointer, "detail": detail}]) from None
    return name


def check_head(name: str, media_type: str, head: bytes, pointer: str) -> None:
    """Hold the first bytes against what the name and the media type promise.

    Raises:
        InvalidEvent: ``wrong_file_type``; executables always.
    """
    promised = {media_type, *(kind for ending, kind in _ENDINGS.items() if name.casefold().endswith(ending))}
    fits = all(head.startswith(_BEGINNINGS[kind]) for kind in promised if kind in _BEGINNINGS)
    if media_type in _XML or media_type.endswith("+xml") or name.casefold().endswith(".xml"):
        fits = fits and _begins_as_xml(head)
    if head.startswith(_EXECUTABLE) or not fits:
        detail = "The content is not of the type that its name and media type say."
        raise InvalidEvent("wrong_file_type", detail, [{"pointer": pointer, "detail": detail}])


def _begins_as_xml(head: bytes) -> bool:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "replace").lstrip().startswith("<")
    return head.lstrip().startswith(b"<")


def checked_content(files: tuple[FeedFile, ...], limit_bytes: int) -> list[bytes | None]:
    """The bytes of each file that bears them inside; None where they must be fetched.

    Raises:
        InvalidEvent: ``invalid_file_name``, ``invalid_content``, ``files_too_large``, ``checksum_mismatch`` or
            ``wrong_file_type``, with the pointer of the file.
    """
    contents: list[bytes | None] = []
    room = limit_bytes
    for position, file in enumerate(files):
        pointer = f"/data/files/{position}"
        safe_name(file.name, f"{pointer}/name")
        if file.content is None:
            contents.append(None)
            continue
        content = _decoded(file.content, f"{pointer}/content", room)
        room -= len(content)
        check_sum(hashlib.sha256(content).hexdigest(), file.sha256, f"{pointer}/sha256")
        check_head(file.name, file.media_type, content[:HEAD_BYTES], f"{pointer}/content")
        contents.append(content)
    return contents


def check_sum(found: str, promised: str, pointer: str) -> None:
    """Compare two checksums.

    Raises:
        InvalidEvent: ``checksum_mismatch``.
    """
    if found != promised:
        detail = f"The bytes have the SHA-256 {found}."
        raise InvalidEvent("checksum_mismatch", detail, [{"pointer": pointer, "detail": detail}])


def too_large(limit_bytes: int, pointer: str) -> InvalidEvent:
    """The refusal of a file, or of all files together."""
    detail = f"At most {limit_bytes} bytes are taken."
    return InvalidEvent("files_too_large", detail, [{"pointer": pointer, "detail": detail}])


def _decoded(content: str, pointer: str, room: int) -> bytes:
    if len(content) * 3 // 4 > room + 3:
        raise too_large(room, pointer)
    try:
        decoded = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        detail = "Not base64 (RFC 4648, section 4)."
        raise InvalidEvent("invalid_content", detail, [{"pointer": pointer, "detail": detail}]) from None
    if len(decoded) > room:
        raise too_large(room, pointer)
    return decoded
