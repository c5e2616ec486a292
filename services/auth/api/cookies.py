"""The cookies session, ticket and device: HttpOnly, SameSite=Lax, and `__Host-` where there is TLS."""

from typing import Literal

from fastapi import Request, Response

from services.auth.settings import Settings

Name = Literal["session", "ticket", "device"]


def read(request: Request, name: Name, settings: Settings) -> str | None:
    """What the browser sent; nothing longer than what we hand out."""
    value = request.cookies.get(_spelled(name, settings))
    return value if value and len(value) <= 100 else None


def put(response: Response, name: Name, value: str, settings: Settings) -> None:
    """Hand a cookie out; a session ends with the browser, the others have their time."""
    lifetimes = {"session": None, "ticket": settings.ticket_lifetime, "device": settings.device_lifetime}
    lifetime = lifetimes[name]
    response.set_cookie(
        _spelled(name, settings),
        value,
        max_age=int(lifetime.total_seconds()) if lifetime else None,
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def take_away(response: Response, name: Name, settings: Settings) -> None:
    """Tell the browser to forget it."""
    response.delete_cookie(
        _spelled(name, settings), path="/", secure=settings.secure_cookies, httponly=True, samesite="lax"
    )


def _spelled(name: Name, settings: Settings) -> str:
    return f"__Host-{name}" if settings.secure_cookies else name
