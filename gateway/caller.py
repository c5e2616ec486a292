"""Who is at the other end of the wire: address, language, credential, and whether a browser page of ours is asking."""

import ipaddress
from functools import lru_cache
from typing import NamedTuple

from chassis.errors import BadRequest, Forbidden, NotSignedIn, reader_language

SAFE_METHODS = frozenset({"GET", "HEAD"})
_BEARER = b"bearer "


class ForeignOrigin(Forbidden):
    """This request did not come from the portal's own page."""

    de = "Diese Anfrage kam nicht von einer Seite des Portals."


class Credential(NamedTuple):
    """What somebody shows to be recognised."""

    kind: str
    """``session``, ``ticket`` or ``api_token``."""
    secret: str


def credential_of(headers: dict[bytes, bytes], cookies: dict[str, bytes]) -> Credential | None:
    """A token in ``Authorization`` is all that counts where there is one; then the session, then the ticket.

    Raises:
        NotSignedIn: an ``Authorization`` that is not one of our tokens; never fall back to a cookie.
    """
    authorization = headers.get(b"authorization")
    if authorization is not None:
        token = authorization[len(_BEARER) :].strip()
        if authorization[: len(_BEARER)].lower() != _BEARER or not token.startswith(b"kp_") or len(token) > 200:
            raise NotSignedIn
        return Credential("api_token", _text(token))
    for kind in ("session", "ticket"):
        if value := cookies.get(kind):
            return Credential(kind, _text(value))
    return None


def require_own_page(method: str, headers: dict[bytes, bytes], *, with_cookie: bool, origin: bytes) -> None:
    """A page of somebody else must not act with our user's cookies.

    Raises:
        ForeignOrigin: an unsafe call from another origin, or with a cookie and no word of its origin.
    """
    if method in SAFE_METHODS or b"authorization" in headers:
        return
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        allowed = site == b"same-origin"
    else:
        said = headers.get(b"origin")
        allowed = said == origin if said is not None else not with_cookie
    if not allowed:
        raise ForeignOrigin


def address_of(peer: str, forwarded: bytes | None, trusted_proxies: int) -> str:
    """The client's address: the socket's, or what the outermost of our own proxies saw.

    Raises:
        BadRequest: our proxies did not say it, or said something that is no address.
    """
    if not trusted_proxies:
        return _normal(peer)
    hops = (forwarded or b"").split(b",")
    if len(hops) < trusted_proxies:
        raise BadRequest
    return _normal(_text(hops[-trusted_proxies].strip()))


@lru_cache(4096)
def _normal(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise BadRequest from None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


@lru_cache(4096)
def network_of(address: str) -> str:
    """What shares one limit: an IPv4 address, or the /64 of an IPv6 one."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))


@lru_cache(1024)
def language_of(accept_language: bytes | None) -> str:
    """``de`` or ``en``; German where the header says neither."""
    return reader_language(accept_language.decode("latin-1") if accept_language else None)


def _text(value: bytes) -> str:
    return value.decode("latin-1")
