"""Who acts: a short statement that the gateway signs and every service verifies. Plain headers count nothing.

Whether a session is complete is decided here and nowhere else (`Identity.complete`).
"""

import asyncio
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import aiohttp
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization, OKPKey

from chassis.errors import NoCustomerChosen, NotSignedIn, Unavailable

ALGORITHM = "Ed25519"
LIFETIME_SECONDS = 60
STEP_UP_SECONDS = 600
HEADER = "x-identity"
ISSUER = "kundenportal-gateway"


@dataclass(frozen=True, slots=True)
class Identity:
    """The claims. ``sub`` is a user's UUID, ``machine:<name>``, ``gateway`` or ``anonymous``."""

    sub: str
    name: str = ""
    cust: str | None = None
    role: str | None = None
    staff_role: str | None = None
    modules: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    sid: str | None = None
    amr: tuple[str, ...] = ()
    step_up_at: int | None = None
    act: str | None = None
    lang: str = "de"
    ip: str = ""
    rid: str = ""
    exp: int = 0

    @property
    def language(self) -> str:
        """``de`` or ``en``."""
        return "en" if self.lang == "en" else "de"

    @property
    def is_person(self) -> bool:
        """A user's UUID in ``sub``."""
        return self.sub not in ("anonymous", "gateway") and not self.sub.startswith("machine:")

    @property
    def complete(self) -> bool:
        """A person with password and second factor, or with an API token made by somebody who had just given both."""
        return self.is_person and ("api_token" in self.amr or ("pwd" in self.amr and "otp" in self.amr))

    @property
    def user_id(self) -> UUID:
        """The person.

        Raises:
            NotSignedIn: nobody, or a machine.
        """
        if not self.is_person:
            raise NotSignedIn
        return UUID(self.sub)

    @property
    def customer_id(self) -> UUID:
        """The customer whose data is open.

        Raises:
            NoCustomerChosen: an operator who has not chosen one.
        """
        if self.cust is None:
            raise NoCustomerChosen
        return UUID(self.cust)

    @property
    def is_operator(self) -> bool:
        """The operator's own staff."""
        return self.role == "operator"

    def may_read(self, module: str) -> bool:
        """The module is the person's for the open customer, and within what an API token was made for."""
        if "api_token" in self.amr and f"{module}:read" not in self.scopes:
            return False
        return self.is_operator or (self.cust is not None and module in self.modules)

    @property
    def is_browser(self) -> bool:
        """A person's session, not a token of a program."""
        return self.sid is not None

    def stepped_up(self, now: datetime) -> bool:
        """A fresh second factor within the last ten minutes."""
        return self.step_up_at is not None and now.timestamp() - self.step_up_at <= STEP_UP_SECONDS


ANONYMOUS = Identity(sub="anonymous")


def sign(identity: Identity, *, audience: str, key: OKPKey, lifetime_seconds: int = LIFETIME_SECONDS) -> str:
    """The token for one audience; ``exp`` is at most 60 s away."""
    claims = {name: value for name, value in asdict(identity).items() if value not in (None, (), "")}
    claims |= {"iss": ISSUER, "aud": audience, "exp": int(time.time()) + min(lifetime_seconds, LIFETIME_SECONDS)}
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": "identity+jwt"}
    return jwt.encode(header, claims, key, algorithms=[ALGORITHM])


class Verifier:
    """Checks tokens with the gateway's public keys; a good one is remembered until it expires."""

    def __init__(self, audience: str, keys_url: str) -> None:
        self._audience = audience
        self._keys_url = keys_url
        self._keys = KeySet([])
        self._kids: set[str] = set()
        self._asked_at = -1.0
        self._asking = asyncio.Lock()
        self._known: dict[str, Identity] = {}

    def trust(self, keys: KeySetSerialization) -> None:
        """Take this JWK set (RFC 7517) as the gateway's."""
        self._keys = KeySet.import_key_set(keys)
        self._kids = {key.kid for key in self._keys if key.kid}

    async def verify(self, token: str) -> Identity:
        """The identity in a token.

        Raises:
            NotSignedIn: missing, broken, expired, signed by somebody else or meant for another service.
            Unavailable: the gateway's keys cannot be had.
        """
        known = self._known.get(token)
        if known and known.exp > time.time():
            return known
        try:
            kid = str(jws.extract_compact(token.encode()).headers().get("kid"))
            if kid not in self._kids:
                await self._fetch_keys()
            identity = self._checked(jwt.decode(token, self._keys, algorithms=[ALGORITHM]))
        except (JoseError, ValueError, TypeError):
            raise NotSignedIn from None
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[token] = identity
        return identity

    def _checked(self, token: jwt.Token) -> Identity:
        if token.header.get("typ") != "identity+jwt" or token.header.get("alg") != ALGORITHM:
            raise ValueError("another kind of token")
        rules = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": self._audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        rules.validate(token.claims)
        if token.claims["exp"] > time.time() + LIFETIME_SECONDS + 5:
            raise ValueError("lives too long")
        fields: Any = {name: value for name, value in token.claims.items() if name in Identity.__slots__}
        lists = {name: tuple(fields[name]) for name in ("modules", "scopes", "amr") if name in fields}
        return Identity(**fields | lists)

    async def _fetch_keys(self) -> None:
        """At most once a second, so that a flood of unknown kids asks nobody."""
        async with self._asking:
            if time.monotonic() - self._asked_at < 1:
                return
            self._asked_at = time.monotonic()
            try:
                timeout = aiohttp.ClientTimeout(total=3)
                async with aiohttp.ClientSession(timeout=timeout) as client, client.get(self._keys_url) as answer:
                    answer.raise_for_status()
                    self.trust(await answer.json())
            except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
                raise Unavailable(cause=repr(error)) from error
