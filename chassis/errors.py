"""Expected errors and how they reach the reader: RFC 9457 problem details, German first.

AppError
  NotSignedIn 401    Forbidden 403    NotFound 404    Conflict 409    Gone 410    PreconditionFailed 412
  TooLarge 413    UnsupportedMedia 415    Invalid 422    PreconditionRequired 428    TooMany 429    Unavailable 503
"""

import re
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from chassis.logging import log

PROBLEM_JSON = "application/problem+json"


class AppError(Exception):
    """Something expected went wrong."""

    status: ClassVar[int] = 500
    de: ClassVar[str] = "Ein Fehler ist aufgetreten."

    def __init__(
        self,
        *,
        detail: str | None = None,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        **context: Any,
    ) -> None:
        """``context`` goes into the log only; ``detail`` and ``errors`` to the reader."""
        self.detail = detail
        self.errors = errors or []
        self.headers = headers or {}
        self.context = context
        super().__init__(f"{type(self).code()} {context}")

    @classmethod
    def code(cls) -> str:
        """Stable name for clients: ``DocumentLocked`` is ``document_locked``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def title(cls, language: str) -> str:
        """The sentence for the reader: the docstring's first line, or its German twin."""
        return cls.de if language == "de" else (cls.__doc__ or "").strip().splitlines()[0]


class BadRequest(AppError):
    """The request cannot be read."""

    status = 400
    de = "Die Anfrage ist nicht lesbar."


class NotSignedIn(AppError):
    """Please sign in."""

    status = 401
    de = "Bitte melden Sie sich an."


class SecondFactorRequired(NotSignedIn):
    """The second step of the sign-in is missing."""

    de = "Der zweite Schritt der Anmeldung fehlt."


class Forbidden(AppError):
    """Your account may not do this."""

    status = 403
    de = "Ihr Konto darf das nicht."


class StepUpRequired(Forbidden):
    """Please confirm with a fresh code from your authenticator app."""

    de = "Bitte bestätigen Sie mit einem neuen Code aus Ihrer Authenticator-App."


class NotFound(AppError):
    """This does not exist."""

    status = 404
    de = "Das gibt es nicht."


class Conflict(AppError):
    """It is not in a state that allows this."""

    status = 409
    de = "Der jetzige Zustand lässt das nicht zu."


class NoCustomerChosen(Conflict):
    """Choose a customer first."""

    de = "Wählen Sie zuerst einen Kunden."


class Gone(AppError):
    """This is no longer available."""

    status = 410
    de = "Das ist nicht mehr verfügbar."


class PreconditionFailed(AppError):
    """It was changed in the meantime; load it again."""

    status = 412
    de = "Es wurde inzwischen geändert; bitte laden Sie neu."


class TooLarge(AppError):
    """This is too large."""

    status = 413
    de = "Das ist zu groß."


class UnsupportedMedia(AppError):
    """This media type is not accepted here."""

    status = 415
    de = "Dieser Medientyp wird hier nicht angenommen."


class RangeNotSatisfiable(AppError):
    """The requested range lies outside the file."""

    status = 416
    de = "Der angeforderte Bereich liegt außerhalb der Datei."


class Invalid(AppError):
    """Some values are not valid."""

    status = 422
    de = "Einige Angaben sind nicht gültig."


class PreconditionRequired(AppError):
    """The If-Match header is missing."""

    status = 428
    de = "Der Header If-Match fehlt."


class TooMany(AppError):
    """Too many tries; please wait a moment."""

    status = 429
    de = "Zu viele Versuche; bitte warten Sie einen Moment."


class Unavailable(AppError):
    """This is out of order at the moment; please try again soon."""

    status = 503
    de = "Das ist im Moment gestört; bitte versuchen Sie es gleich noch einmal."


class UpstreamTimeout(AppError):
    """The answer took too long; please try again."""

    status = 504
    de = "Die Antwort hat zu lange gedauert; bitte versuchen Sie es noch einmal."


class FieldProblem(BaseModel):
    """One invalid field."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(json_schema_extra={"required": ["type", "title", "status", "code", "request_id"]})

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    errors: list[FieldProblem] = []
    request_id: str


def reader_language(accept_language: str | None) -> str:
    """``de`` or ``en`` by the first of the two in an Accept-Language header; German where neither."""
    best, language = 0.0, "de"
    for part in (accept_language or "").lower()[:200].split(","):
        tag, _, weight = part.strip().partition(";q=")
        quality = float(weight) if re.fullmatch(r"[01](\.\d{1,3})?", weight) else 1.0
        if tag[:2] in ("de", "en") and quality > best:
            best, language = quality, tag[:2]
    return language


def problem_body(error: AppError, language: str, request_id: str) -> dict[str, Any]:
    """The JSON of a problem, also for the gateway that has no FastAPI."""
    code = error.code()
    return {
        "type": f"urn:kundenportal:problem:{code}",
        "title": error.title(language),
        "status": error.status,
        "code": code,
        "detail": error.detail or error.title(language),
        "errors": error.errors,
        "request_id": request_id,
    }


def problem_response(request: Request, error: AppError) -> JSONResponse:
    """The answer for an expected error."""
    identity = getattr(request.state, "identity", None)
    language = identity.language if identity else reader_language(request.headers.get("accept-language"))
    body = problem_body(error, language, getattr(request.state, "request_id", ""))
    headers = {"Cache-Control": "no-store", **error.headers}
    return JSONResponse(body, error.status, headers=headers, media_type=PROBLEM_JSON)


def problems(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """The ``responses=`` of an endpoint that may raise these."""
    by_status: dict[int | str, list[str]] = {}
    for error in errors:
        by_status.setdefault(error.status, []).append(f"`{error.code()}`: {error.title('en')}")
    return {
        status: {
            "description": " ".join(texts),
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, texts in by_status.items()
    }


_BY_STATUS: dict[int, type[AppError]] = {
    400: BadRequest,
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    413: TooLarge,
    415: UnsupportedMedia,
}


class MethodNotAllowed(AppError):
    """This method is not offered here."""

    status = 405
    de = "Diese Methode gibt es hier nicht."


class InternalError(AppError):
    """Something went wrong on our side; the request id helps us to find it."""

    status = 500
    de = "Bei uns ist ein Fehler aufgetreten; die Vorgangsnummer hilft uns, ihn zu finden."


def install_error_handlers(app: FastAPI) -> None:
    """Every error of this app leaves as a problem."""

    async def expected(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, AppError)
        log.info("request_refused", error_code=error.code(), status_code=error.status, **error.context)
        return problem_response(request, error)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return problem_response(request, Invalid(errors=_field_errors(error)))

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        kind = MethodNotAllowed if error.status_code == 405 else _BY_STATUS.get(error.status_code, BadRequest)
        return problem_response(request, kind(headers=dict(error.headers or {})))

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("request_failed", exc_info=error)
        return problem_response(request, InternalError())

    app.add_exception_handler(AppError, expected)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unexpected)


def _field_errors(error: RequestValidationError) -> list[dict[str, str]]:
    """JSON pointers into the body; query, path and header fields by their own word in front."""
    found = []
    for item in error.errors()[:20]:
        place, *path = item["loc"]
        prefix = "" if place == "body" else f"/{place}"
        pointer = prefix + "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
        found.append({"pointer": pointer, "detail": item["msg"]})
    return found
