"""Who the caller is, twice: the inner answers of `auth` and `users`; and the check that people build for nginx."""

import json
from datetime import UTC, datetime, timedelta

from starlette.types import Receive, Scope, Send

COOKIE = "session=" + "k" * 43
_USER = "0198c1c0-0000-7000-8000-000000000001"
CUSTOMER = "0198c1c0-0000-7000-8000-000000000002"
_SESSIONS = {COOKIE.encode().removeprefix(b"session="): _USER.encode()}


async def inner_answers(scope: Scope, receive: Receive, send: Send) -> None:
    """What the gateway asks at most once in five seconds: a whole session of an admin."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    principal = {
        "kind": "session",
        "user_id": _USER,
        "session_id": "0198c1c0-0000-7000-8000-000000000003",
        "customer_id": CUSTOMER,
        "amr": ["pwd", "otp"],
        "expires_at": (datetime.now(UTC) + timedelta(hours=8)).isoformat(),
    }
    authorisation = {
        "active": True,
        "name": "Anna Beispiel",
        "username": "anna@kunde.example",
        "role": "admin",
        "customer_id": CUSTOMER,
        "modules": ["invoices", "exchange"],
    }
    body = json.dumps(principal if scope["path"] == "/inner/principal" else authorisation).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def session_check(scope: Scope, _receive: Receive, send: Send) -> None:
    """The least that can be called a check: the cookie looked up in a dictionary, for each request."""
    if scope["type"] != "http":
        return
    cookie = next((value for name, value in scope["headers"] if name == b"cookie"), b"")
    user = _SESSIONS.get(cookie.removeprefix(b"session="))
    headers = [(b"content-length", b"0"), *([(b"x-identity", user)] if user else [])]
    await send({"type": "http.response.start", "status": 200 if user else 401, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
