"""Reads what a billing system posts: JSON, or multipart with the same JSON in the part ``data`` and files beside it."""

import base64
import hashlib
import json
import re
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from chassis.errors import Invalid, TooLarge, UnsupportedMedia

LARGEST_BODY_BYTES = 8 * 1024**2
MOST_PARTS = 60
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")


async def posted_data(request: Request) -> Any:
    """The record in the body, with the files' bytes inside as in an event.

    Raises:
        Invalid: not JSON, not multipart, or parts that belong to nothing.
        TooLarge: more than 8 MiB.
        UnsupportedMedia: another media type.
    """
    content_type = request.headers.get("content-type", "application/json")
    kind = parse_options_header(content_type)[0].decode("latin-1").lower()
    if kind == "application/json":
        return _parsed(b"".join([chunk async for chunk in _limited(request)]))
    if kind != "multipart/form-data":
        raise UnsupportedMedia
    parser = MultiPartParser(
        request.headers,
        _limited(request),
        max_files=MOST_PARTS,
        max_fields=MOST_PARTS,
        max_part_size=LARGEST_BODY_BYTES,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise Invalid(errors=[{"pointer": "", "detail": "not a readable multipart body"}]) from error
    try:
        return await _joined(form)
    finally:
        await form.close()


def fingerprint(data: Any) -> str:
    """The same for the same record and files, however the parts were cut."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


async def _limited(request: Request) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_BODY_BYTES:
            raise TooLarge
        yield chunk


def _parsed(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid(errors=[{"pointer": "", "detail": "not valid JSON in UTF-8"}]) from None


async def _joined(form: FormData) -> Any:
    """Each file part fills the entry of ``files`` that bears its name; without entries each part makes one."""
    data, parts = await _sorted_out(form)
    entries = data.setdefault("files", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Invalid(errors=[{"pointer": "/files", "detail": "must be a list of objects"}])
    announced = bool(entries)
    for position, (field, part) in enumerate(parts):
        entry = _entry_for(entries, field, part)
        if entry is None and announced:
            detail = f"no entry of `files` bears the name of file part {position + 1}"
            raise Invalid(errors=[{"pointer": "/files", "detail": detail}])
        if entry is None:
            first_of_invoice = position == 0 and "invoice_number" in data and "document_id" not in data
            entry = {"name": part.filename or field, "role": "invoice" if first_of_invoice else "attachment"}
            entries.append(entry)
        await _fill(entry, part)
    return data


async def _sorted_out(form: FormData) -> tuple[dict[str, Any], list[tuple[str, UploadFile]]]:
    """The part ``data``, read, and the file parts with their fields."""
    data: Any = None
    parts: list[tuple[str, UploadFile]] = []
    for field, value in form.multi_items():
        if field == "data":
            data = _parsed(await value.read() if isinstance(value, UploadFile) else value)
        elif isinstance(value, UploadFile):
            parts.append((field, value))
    if not isinstance(data, dict):
        raise Invalid(errors=[{"pointer": "", "detail": "the part `data` with a JSON object is missing"}])
    return data, parts


def _entry_for(entries: list[dict[str, Any]], field: str, part: UploadFile) -> dict[str, Any] | None:
    waiting = [entry for entry in entries if not {"content", "url", "object"} & set(entry)]
    for name in (part.filename, field):
        for entry in waiting:
            if name and entry.get("name") == name:
                return entry
    return None


async def _fill(entry: dict[str, Any], part: UploadFile) -> None:
    content = await part.read()
    entry["content"] = base64.b64encode(content).decode()
    entry.setdefault("sha256", hashlib.sha256(content).hexdigest())
    said = (part.content_type or "").partition(";")[0].strip().lower()
    entry.setdefault("media_type", said if _MEDIA_TYPE.fullmatch(said) else "application/octet-stream")
