"""Which headers pass, in each direction. Both are lists of what may, never of what may not."""

from chassis.errors import BadRequest
from gateway.connection import HeaderList

REQUEST_PASSES = frozenset(
    {
        b"accept",
        b"accept-language",
        b"content-encoding",
        b"content-type",
        b"content-length",
        b"idempotency-key",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"if-unmodified-since",
        b"range",
        b"tus-resumable",
        b"upload-checksum",
        b"upload-defer-length",
        b"upload-length",
        b"upload-metadata",
        b"upload-offset",
        b"user-agent",
    }
)
"""Towards the services. Identity, cookies and the request id are added by the gateway itself."""

ONCE = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"idempotency-key",
        b"if-match",
        b"if-modified-since",
        b"if-range",
        b"if-unmodified-since",
        b"origin",
        b"range",
        b"sec-fetch-site",
        b"transfer-encoding",
        b"tus-resumable",
        b"upload-checksum",
        b"upload-defer-length",
        b"upload-length",
        b"upload-metadata",
        b"upload-offset",
    }
)
"""Said twice, each side could believe another one: refused."""

ANSWER_PASSES = frozenset(
    {
        b"accept-ranges",
        b"allow",
        b"cache-control",
        b"content-disposition",
        b"content-encoding",
        b"content-language",
        b"content-length",
        b"content-range",
        b"content-security-policy",
        b"content-type",
        b"etag",
        b"expires",
        b"last-modified",
        b"link",
        b"location",
        b"retry-after",
        b"tus-checksum-algorithm",
        b"tus-extension",
        b"tus-max-size",
        b"tus-resumable",
        b"tus-version",
        b"upload-expires",
        b"upload-length",
        b"upload-metadata",
        b"upload-offset",
        b"vary",
    }
)
"""Towards the client. Only `auth` may add ``Set-Cookie``."""

COOKIES = ("session", "ticket", "device")

API_POLICY = b"default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    b"default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    b"font-src 'self'; frame-src blob:; object-src 'none'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    b"form-action 'self'; frame-ancestors 'none'"
)
MAILBOX_POLICY = (
    b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-src 'self' blob:; "
    b"frame-ancestors 'none'"
)
"""The mails' own styles are inline; embedded mode only."""
PERMISSIONS = b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


def security_headers(*, https: bool) -> HeaderList:
    """On every answer; policy and caching are added by kind."""
    headers = [
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-frame-options", b"DENY"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", PERMISSIONS),
    ]
    if https:
        headers.append((b"strict-transport-security", b"max-age=63072000; includeSubDomains"))
    return headers


def read_once(headers: HeaderList) -> dict[bytes, bytes]:
    """Name to value; of a name that may be repeated, the values in a list.

    Raises:
        BadRequest: one that may not be repeated is.
    """
    values = dict(headers)
    if len(values) != len(headers):
        seen: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in seen:
                if name in ONCE:
                    detail = f"The header {name.decode('latin-1')} may be sent once only."
                    raise BadRequest(detail=detail, headers={"Connection": "close"})
                seen[name] += (b"; " if name == b"cookie" else b", ") + value
            else:
                seen[name] = value
        return seen
    return values


def request_lines(headers: dict[bytes, bytes]) -> list[bytes]:
    """What passes to a service, as lines. Names listed in ``Connection`` concern this hop only.

    Raises:
        BadRequest: a value that holds a line break.
    """
    hop = headers.get(b"connection")
    own = {name.strip().lower() for name in hop.split(b",")} if hop and hop.lower() != b"keep-alive" else ()
    lines = []
    for name in REQUEST_PASSES.intersection(headers):
        if name in own:
            continue
        value = headers[name]
        if b"\n" in value or b"\r" in value or b"\0" in value:
            raise BadRequest
        lines.append(b"%b: %b\r\n" % (name, value))
    return lines


def read_cookies(header: bytes | None, names: dict[bytes, str]) -> dict[str, bytes]:
    """Our cookies by their plain names; one that came twice or holds odd bytes is none.

    ``names`` leads from ``__Host-session`` (or ``session``) and so on to the plain name.
    """
    found: dict[str, bytes] = {}
    twice = set()
    if header:
        for part in header.split(b";"):
            raw, _, value = part.strip().partition(b"=")
            name = names.get(raw)
            if name is None:
                continue
            if name in found:
                twice.add(name)
            if 0 < len(value) <= 512 and value.isascii() and not value.translate(None, _COOKIE_OCTETS):
                found[name] = value
    for name in twice:
        del found[name]
    return found


_COOKIE_OCTETS = bytes(c for c in range(0x21, 0x7F) if c not in b'",;\\')
