"""The browser app's files: in memory, compressed once, cached for ever where their name holds their hash."""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from chassis.errors import NotFound
from chassis.logging import log
from gateway.call import Call
from gateway.connection import HeaderList
from gateway.headers import PAGE_POLICY

FOR_EVER = b"public, max-age=31536000, immutable"
ASK_AGAIN = b"no-cache"
COMPRESSED_FROM_BYTES = 1024

_PAGE = re.compile(r"/(?:[A-Za-z0-9_~-]+(?:/[A-Za-z0-9_~-]+){0,7})?/?")
_TEXT = ("text/", "application/javascript", "application/json", "application/manifest+json", "image/svg+xml")
_KINDS = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file in every coding we have."""

    media_type: str
    etag: bytes
    codings: dict[bytes, bytes]
    """Content coding (``identity``, ``gzip``, ``br``) to bytes."""

    @classmethod
    def of(cls, media_type: str, content: bytes, *, brotli: bytes | None = None) -> "StaticFile":
        """Compressed here where it is worth it."""
        codings = {b"identity": content}
        if media_type.startswith(_TEXT) and len(content) >= COMPRESSED_FROM_BYTES:
            codings[b"gzip"] = gzip.compress(content, 9, mtime=0)
            if brotli is not None:
                codings[b"br"] = brotli
        return cls(media_type, hashlib.sha256(content).hexdigest()[:32].encode(), codings)

    async def answer(self, call: Call, caching: bytes, policy: bytes = PAGE_POLICY) -> None:
        """The best coding the client takes, or 304."""
        accepted = accepted_codings(call.headers.get(b"accept-encoding"))
        coding = next((one for one in (b"br", b"gzip") if one in accepted and one in self.codings), b"identity")
        etag = b'"%b-%b"' % (self.etag, coding)
        headers: HeaderList = [
            (b"etag", etag),
            (b"cache-control", caching),
            (b"vary", b"accept-encoding"),
            (b"content-security-policy", policy),
        ]
        known = call.headers.get(b"if-none-match", b"")
        if known == b"*" or etag in [one.strip().removeprefix(b"W/") for one in known.split(b",")]:
            await call.answer(304, b"", headers)
            return
        charset = "; charset=utf-8" if self.media_type.startswith(_TEXT) else ""
        headers.append((b"content-type", f"{self.media_type}{charset}".encode()))
        if coding != b"identity":
            headers.append((b"content-encoding", coding))
        await call.answer(200, self.codings[coding], headers)


def accepted_codings(header: bytes | None) -> set[bytes]:
    """Content codings the client takes; those with ``q=0`` it does not."""
    found = set()
    for part in (header or b"").lower().split(b","):
        name, _, weight = part.partition(b";")
        if weight.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"):
            found.add(name.strip())
    return found


def media_type_of(name: str) -> str:
    """By the name's ending."""
    return _KINDS.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def read_folder(folder: Path) -> dict[str, StaticFile]:
    """Every file by its path in the URL; a ``.br`` beside a file is its compressed twin."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".br", ".gz", ".map"):
            twin = path.with_name(path.name + ".br")
            brotli = twin.read_bytes() if twin.is_file() else None
            name = "/" + path.relative_to(folder).as_posix()
            files[name] = StaticFile.of(media_type_of(name), path.read_bytes(), brotli=brotli)
    return files


class WebApp:
    """Whatever is not under ``/api``."""

    def __init__(self, folder: Path, security_txt: str) -> None:
        self._folder = folder
        self._files: dict[str, StaticFile] = {}
        self._extra: dict[str, tuple[StaticFile, bytes]] = {}
        self._security_txt = security_txt.encode("ascii")
        self.add("/robots.txt", StaticFile.of("text/plain", b"User-agent: *\nDisallow: /\n"))
        self.load()

    def load(self) -> None:
        """Read the folder; without a built app there are no pages, but everything else works."""
        self._files = read_folder(self._folder)
        if "/index.html" not in self._files:
            log.warning("web_app_missing", folder=str(self._folder))

    def add(self, path: str, file: StaticFile, policy: bytes = PAGE_POLICY) -> None:
        """A file that is not in the folder."""
        self._extra[path] = (file, policy)

    async def serve(self, call: Call) -> None:
        """A file, the app's page for any of its own addresses, or 404."""
        path = call.path
        if path == "/.well-known/security.txt":
            location = (b"location", self._security_txt)
            await call.answer(302, b"", [location, (b"cache-control", ASK_AGAIN)])
        elif extra := self._extra.get(path):
            await extra[0].answer(call, ASK_AGAIN, extra[1])
        elif file := self._files.get(path):
            await file.answer(call, FOR_EVER if path.startswith("/assets/") else ASK_AGAIN)
        else:
            await self._page(path).answer(call, ASK_AGAIN)

    def _page(self, path: str) -> StaticFile:
        belongs_to_others = path.startswith(("/api/", "/assets/", "/dev/", "/inner/")) or path in ("/api", "/dev")
        if belongs_to_others or not _PAGE.fullmatch(path):
            raise NotFound
        if "/index.html" not in self._files:
            self.load()
        if page := self._files.get("/index.html"):
            return page
        raise NotFound
