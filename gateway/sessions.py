"""Who a cookie or token is: asked at most every five seconds, forgotten at once when an event says so.

While `auth` is silent, its last answer counts for as long as it would anyway (five seconds), then callers get 503: an
ended session must not live longer because a service is down. While `users` is silent, its last answer counts for sixty
seconds, unless an event has said meanwhile that something about the person or customer changed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from chassis.errors import Unavailable
from chassis.identity import Identity
from gateway.caller import Credential
from gateway.principals import Authorisation, Directory, Principal
from gateway.settings import Settings
from gateway.signing import TokenCache
from gateway.telemetry import LOOKUPS

TOUCH_SECONDS = 60.0
FORGET_SECONDS = 120.0
MOST_KNOWN = 50_000
TRIES = 3


@dataclass(slots=True, eq=False)
class Known:
    """A credential and what is known of it; ``identity`` is none for nobody."""

    identity: Identity | None
    about: tuple[str, ...]
    limit_key: str
    language: str
    asked_at: float
    fresh_until: float
    touched_until: float
    authorisation: Authorisation | None = None
    authorised_at: float = 0.0
    tokens: TokenCache = field(default_factory=dict)
    half: bool = field(init=False)
    """A person whose second factor is still missing."""

    def __post_init__(self) -> None:
        """Derive what each request asks."""
        self.half = self.identity is not None and self.identity.is_person and not self.identity.complete


Change = str | Credential
"""The id of a user, session or customer, or a credential, of which something changed."""


class Sessions:
    """The cache."""

    def __init__(self, directory: Directory, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._kept = settings.principal_kept.total_seconds()
        self._authorisation_kept = settings.authorisation_kept.total_seconds()
        self._clock = clock
        self._known: dict[Credential, Known] = {}
        self._about: dict[str, set[Credential]] = {}
        self._asking: dict[Credential, tuple[asyncio.Task[Known], bool]] = {}
        self._changes: deque[tuple[float, Change]] = deque(maxlen=10_000)

    def fresh(self, credential: Credential) -> Known | None:
        """Without asking anybody: what was asked less than five seconds ago."""
        known = self._known.get(credential)
        if known is not None:
            now = self._clock()
            if known.fresh_until > now and known.touched_until > now:
                return known
        return None

    def seen(self, credential: Credential) -> bool:
        """It was somebody's a short while ago."""
        known = self._known.get(credential)
        return known is not None and known.identity is not None

    async def resolve(self, credential: Credential, *, touch: bool = True) -> Known:
        """Ask, together with whoever else wants to know the same.

        ``touch``: the person is doing something; false for an open stream that only looks whether it may go on.

        Raises:
            Unavailable: nobody can say.
        """
        known = self._known.get(credential)
        if known is not None:
            now = self._clock()
            if known.fresh_until > now and (not touch or known.touched_until > now):
                return known
        asking = self._asking.get(credential)
        if asking is None or (touch and not asking[1]):
            task = asyncio.create_task(self._ask(credential, touch=touch))
            self._asking[credential] = asking = (task, touch)
            task.add_done_callback(lambda done: self._asked(credential, done))
        return await asyncio.shield(asking[0])

    def forget(self, change: Change) -> None:
        """Whatever was known about it is asked again before it counts; also answers that are on their way now."""
        self._changes.append((self._clock(), change))
        if isinstance(change, Credential):
            self._drop(change)
            return
        for credential in tuple(self._about.get(change, ())):
            self._drop(credential)

    def sweep(self) -> None:
        """Forget who has not been here for a while."""
        end = self._clock() - FORGET_SECONDS
        for credential in [credential for credential, known in self._known.items() if known.asked_at < end]:
            self._drop(credential)

    def _asked(self, credential: Credential, task: asyncio.Task[Known]) -> None:
        current = self._asking.get(credential)
        if current is not None and current[0] is task:
            del self._asking[credential]
        failed = not task.cancelled() and task.exception() is not None
        LOOKUPS.labels("failed" if failed else "asked").inc()

    async def _ask(self, credential: Credential, *, touch: bool) -> Known:
        for _ in range(TRIES):
            started = self._clock()
            known = await self._look_up(credential, started, touch=touch)
            if not self._changed_since(started, credential, known):
                self._keep(credential, known)
                return known
        raise Unavailable(headers={"Retry-After": "1"})

    async def _look_up(self, credential: Credential, started: float, *, touch: bool) -> Known:
        before = self._known.get(credential)
        touched_until = started + TOUCH_SECONDS if touch else (before.touched_until if before else 0.0)
        principal = await self._directory.principal(credential, touch=touch)
        nobody = Known(None, (), "", "de", started, started + self._kept, touched_until)
        if principal is None:
            return nobody
        fresh_until = min(started + self._kept, started + _left_seconds(principal))
        if principal.user_id is None or principal.kind == "ticket":
            return _known_without_rights(principal, nobody, fresh_until)
        authorisation, authorised_at = await self._authorised(principal, before)
        if authorisation is None:
            return nobody
        return replace(
            nobody,
            identity=_identity(principal, authorisation),
            about=tuple(filter(None, (principal.user_id, principal.session_id, authorisation.customer_id))),
            limit_key=principal.user_id if principal.kind == "session" else credential.secret,
            language=authorisation.language,
            fresh_until=fresh_until,
            authorisation=authorisation,
            authorised_at=authorised_at,
        )

    async def _authorised(self, principal: Principal, before: Known | None) -> tuple[Authorisation | None, float]:
        started = self._clock()
        assert principal.user_id
        try:
            return await self._directory.authorisation(principal.user_id, principal.customer_id), started
        except Unavailable:
            if (
                before is None
                or before.authorisation is None
                or before.identity is None
                or before.identity.sub != principal.user_id
                or principal.customer_id not in (None, before.authorisation.customer_id)
                or started - before.authorised_at > self._authorisation_kept
            ):
                raise
            return before.authorisation, before.authorised_at

    def _changed_since(self, started: float, credential: Credential, known: Known) -> bool:
        if self._changes and len(self._changes) == self._changes.maxlen and self._changes[0][0] >= started:
            return True
        for at, change in reversed(self._changes):
            if at < started:
                return False
            if change == credential or change in known.about:
                return True
        return False

    def _keep(self, credential: Credential, known: Known) -> None:
        before = self._known.get(credential)
        if before is not None and before.identity == known.identity:
            known.tokens = before.tokens
        elif len(self._known) >= MOST_KNOWN:
            self._known.clear()
            self._about.clear()
        self._drop(credential)
        self._known[credential] = known
        for about in known.about:
            self._about.setdefault(about, set()).add(credential)

    def _drop(self, credential: Credential) -> None:
        known = self._known.pop(credential, None)
        for about in known.about if known else ():
            sharing = self._about.get(about)
            if sharing is not None:
                sharing.discard(credential)
                if not sharing:
                    del self._about[about]


def _left_seconds(principal: Principal) -> float:
    if principal.expires_at is None:
        return TOUCH_SECONDS
    return (principal.expires_at.astimezone(UTC) - datetime.now(UTC)).total_seconds()


def _known_without_rights(principal: Principal, nobody: Known, fresh_until: float) -> Known:
    """A machine, or a person after the first of two steps."""
    machine = principal.kind == "machine"
    sub = f"machine:{principal.name}" if machine else principal.user_id
    if sub is None:
        return nobody
    identity = Identity(sub=sub, name=principal.name if machine else "", scopes=principal.scopes, amr=principal.amr)
    about = () if machine else (sub,)
    return replace(nobody, identity=identity, about=about, limit_key=sub, fresh_until=fresh_until)


def _identity(principal: Principal, authorisation: Authorisation) -> Identity:
    assert principal.user_id
    return Identity(
        sub=principal.user_id,
        name=authorisation.name,
        cust=authorisation.customer_id,
        role=authorisation.role,
        staff_role=authorisation.staff_role,
        modules=authorisation.modules,
        scopes=principal.scopes,
        sid=principal.session_id,
        amr=principal.amr,
        step_up_at=principal.step_up_at,
    )
