"""The same checks as for events, said to a sender who waits for the answer. Pure."""

from chassis.errors import AppError, Invalid
from events.base import InvalidEvent


class InvalidFileName(Invalid):
    """A file name is not allowed."""

    de = "Ein Dateiname ist nicht erlaubt."


class InvalidContent(Invalid):
    """The content of a file is not base64."""

    de = "Der Inhalt einer Datei ist kein Base64."


class FilesTooLarge(Invalid):
    """The files are too large."""

    de = "Die Dateien sind zu groß."


class ChecksumMismatch(Invalid):
    """The bytes of a file do not have the promised SHA-256."""

    de = "Die Bytes einer Datei haben nicht die angegebene SHA-256-Prüfsumme."


class WrongFileType(Invalid):
    """A file is not of the type that it claims, or a program."""

    de = "Eine Datei ist nicht vom angegebenen Typ oder ein Programm."


class UrlNotAllowed(Invalid):
    """Files are not fetched from this address."""

    de = "Von dieser Adresse werden keine Dateien geholt."


class ObjectNotAllowed(Invalid):
    """Objects of this bucket are not read."""

    de = "Aus diesem Bucket werden keine Objekte gelesen."


class CustomerMismatch(Invalid):
    """The invoice that is referred to belongs to another customer."""

    de = "Die genannte Rechnung gehört einem anderen Kunden."


REFUSALS: tuple[type[Invalid], ...] = (
    InvalidFileName,
    InvalidContent,
    FilesTooLarge,
    ChecksumMismatch,
    WrongFileType,
    UrlNotAllowed,
    ObjectNotAllowed,
    CustomerMismatch,
)
_BY_REASON = {kind.code(): kind for kind in REFUSALS}


def answer_to(invalid: InvalidEvent) -> AppError:
    """The same refusal as an answer; the pointers lead into the body instead of the envelope."""
    kind = _BY_REASON.get(invalid.reason, Invalid)
    errors = [{**error, "pointer": error["pointer"].removeprefix("/data")} for error in invalid.errors]
    return kind(detail=None if kind is Invalid else invalid.detail, errors=errors)
