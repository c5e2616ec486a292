"""`GET /dashboard`: the start page's data, asked of the services at once.

Each part has its own time limit; one that does not come is said to be missing, with a reason, and never spoils the
rest. A part that the reader may not see is not there at all.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel

from chassis.brand import Site
from chassis.errors import NotSignedIn
from chassis.identity import Identity
from chassis.logging import log
from gateway.call import Call
from gateway.connection import UpstreamDown
from gateway.greeting import USUAL_ZONE, greeting
from gateway.signing import Signer
from gateway.upstream import Upstream
from gateway.weather import Clock, Weather, WeatherMissing, shown

PART_SECONDS = 0.6
NEW_DOCUMENTS = 10
NEXT_DEADLINES = 10
MOST_LINES = 4
"""Of more, the graphs' own screen tells."""
NAMED = 5
MOST_PAGES = 10

NOT_YET_IN = ("created", "invited", "password_set")

Reason = Literal["not_installed", "down", "too_slow", "failed"]


class PartMissing(BaseModel):
    """Why a part is not here now."""

    unavailable: Reason


class UsersWaiting(BaseModel):
    """Who was given access and has not been in yet."""

    count: int
    names: list[str]
    """Of the first few."""


class ContactsToConfirm(BaseModel):
    """Whom nobody has confirmed for a year, and roles that nobody has."""

    count: int
    names: list[str]
    """Of the first few, longest due first."""
    gaps: list[str]
    """In the reader's language."""


class LineLoad(BaseModel):
    """A line, and what went through it in the newest five minutes that were measured within the last hour."""

    id: str
    name: str
    site: str
    capacity_bps: int
    commit_bps: int | None
    last_sample_at: datetime | None
    at: datetime | None
    in_bps: int | None
    out_bps: int | None


class _Missing(Exception):
    """A part that cannot be had now."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class _NotForReader(Exception):
    """The service says that this reader may not see it."""


class _Asking:
    """Asks services in the name of one caller."""

    def __init__(self, call: Call, identity: Identity, services: dict[str, Upstream], signer: Signer) -> None:
        self._call = call
        self._identity = identity
        self._services = services
        self._signer = signer

    async def get(self, service: str, target: str) -> Any:
        """The JSON of an answer."""
        upstream = self._services.get(service)
        if upstream is None:
            raise _Missing("not_installed")
        call, known = self._call, self._call.known
        assert known is not None
        token = self._signer.token(self._identity, service, known.tokens, ip=call.address, lang=call.language)
        head = b"GET %b HTTP/1.1\r\nhost: %b\r\nx-identity: %b\r\nx-request-id: %b\r\naccept: application/json\r\n\r\n"
        request = head % (target.encode("ascii"), upstream.host_header, token, call.request_id.encode("ascii"))
        try:
            answer = await upstream.call(request, seconds=2 * PART_SECONDS)
        except UpstreamDown as error:
            log.warning("part_missing", upstream=service, cause=str(error)[:200])
            raise _Missing("down") from None
        if answer.status == 403:
            raise _NotForReader
        if answer.status != 200:
            log.warning("part_refused", upstream=service, status_code=answer.status, target=target)
            raise _Missing("failed")
        return json.loads(answer.body)


async def _new_documents(ask: _Asking) -> list[Any]:
    page = await ask.get("documents", f"/documents?new=true&limit={NEW_DOCUMENTS}")
    return list(page["items"])


async def _lines(ask: _Asking) -> list[Any]:
    lines = _items(await ask.get("metrics", "/metrics/lines"))[:MOST_LINES]
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return list(await asyncio.gather(*(_load(ask, line, now) for line in lines)))


async def _load(ask: _Asking, line: dict[str, Any], now: datetime) -> dict[str, Any]:
    hour = f"from={now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}&to={now:%Y-%m-%dT%H:%M:%SZ}&points=12"
    series = (await ask.get("metrics", f"/metrics/lines/{line['id']}/bandwidth?{hour}"))["series"]
    steps = zip(series["at"], series["in_avg"], series["out_avg"], strict=True)
    measured = [step for step in steps if step[1] is not None or step[2] is not None]
    at, in_bps, out_bps = measured[-1] if measured else (None, None, None)
    own = {name: line[name] for name in ("id", "name", "site", "capacity_bps", "commit_bps", "last_sample_at")}
    return LineLoad(**own, at=at, in_bps=in_bps, out_bps=out_bps).model_dump(mode="json")


async def _deadlines(ask: _Asking) -> list[Any]:
    return _items(await ask.get("contracts", f"/contracts/calendar?limit={NEXT_DEADLINES}"))


async def _contacts_to_confirm(ask: _Asking) -> dict[str, Any]:
    review = await ask.get("contacts", "/contacts/review")
    names = [contact["name"] for contact in review["due"][:NAMED]]
    gaps = [role["name"] for role in review["roles"] if role["role"] in review["gaps"]]
    return ContactsToConfirm(count=review["due_count"], names=names, gaps=gaps).model_dump()


async def _users_waiting(ask: _Asking) -> dict[str, Any]:
    waiting: list[dict[str, Any]] = []
    target = "/users?limit=200"
    for _ in range(MOST_PAGES):
        page = await ask.get("users", target)
        waiting += [user for user in page["items"] if user["state"] in NOT_YET_IN]
        if not page["next_cursor"]:
            break
        target = f"/users?limit=200&cursor={page['next_cursor']}"
    names = [f"{user['given_name']} {user['family_name']}".strip() or user["email"] for user in waiting[:NAMED]]
    return UsersWaiting(count=len(waiting), names=names).model_dump()


def _items(answer: Any) -> list[Any]:
    """Of a page, or of a plain list."""
    return list(answer["items"] if isinstance(answer, dict) else answer)


async def _nothing_yet(_ask: _Asking) -> list[Any]:
    return []


def _readers_of(*modules: str) -> Callable[[Identity], bool]:
    return lambda identity: identity.cust is not None and any(map(identity.may_read, modules))


def _admins(identity: Identity) -> bool:
    return identity.cust is not None and identity.is_browser and identity.role in ("admin", "operator")


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    may_see: Callable[[Identity], bool]
    fetch: Callable[[_Asking], Awaitable[Any]]


PARTS = (
    _Part("documents", _readers_of("invoices", "call_records"), _new_documents),
    _Part("lines", _readers_of("graphs"), _lines),
    _Part("deadlines", _readers_of("contracts"), _deadlines),
    _Part("contacts_to_confirm", _readers_of("contacts"), _contacts_to_confirm),
    _Part("users_waiting", _admins, _users_waiting),
    # No service keeps these yet; the places are the interface's.
    _Part("objections", _readers_of("invoices"), _nothing_yet),
    _Part("exchange", _readers_of("exchange"), _nothing_yet),
)


class Dashboard:
    """Asks all at once."""

    def __init__(
        self,
        services: dict[str, Upstream],
        signer: Signer,
        weather: Weather | None,
        sites: Sequence[Site],
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        """Without ``weather`` it is switched off; shown is that of the first site."""
        self._services = services
        self._signer = signer
        self._weather = weather
        self._site = sites[0] if sites else None
        self._clock = clock

    async def serve(self, call: Call) -> None:
        """``GET /dashboard``.

        Raises:
            NotSignedIn: a machine.
        """
        known = call.known
        assert known is not None
        identity = known.identity
        if identity is None or not identity.is_person or known.authorisation is None:
            raise NotSignedIn
        rights = known.authorisation
        ask = _Asking(call, identity, self._services, self._signer)
        parts = [part for part in PARTS if part.may_see(identity)]
        found = await asyncio.gather(self._weather_part(call.language), *(_fetched(part, ask) for part in parts))
        zone = rights.time_zone or USUAL_ZONE
        answer = {"greeting": greeting(rights.name, call.language, zone, self._clock())}
        answer |= dict(zip(("weather", *(part.name for part in parts)), found, strict=True))
        await call.answer_json({name: value for name, value in answer.items() if value is not None})

    async def _weather_part(self, language: str) -> dict[str, Any] | None:
        if self._weather is None or self._site is None:
            return None
        try:
            return shown(await self._weather.now(self._site), language)
        except WeatherMissing as missing:
            return {"unavailable": str(missing)}


async def _fetched(part: _Part, ask: _Asking) -> Any:
    """The part, the reason why it is missing, or none."""
    try:
        async with asyncio.timeout(PART_SECONDS):
            return await part.fetch(ask)
    except _NotForReader:
        return None
    except _Missing as missing:
        return {"unavailable": missing.reason}
    except TimeoutError:
        log.warning("part_too_slow", part=part.name)
        return {"unavailable": "too_slow"}
    except (ValueError, KeyError, TypeError) as error:
        log.error("part_not_understood", part=part.name, cause=repr(error)[:200])
        return {"unavailable": "failed"}
