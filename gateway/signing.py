"""The gateway's key, and the identity tokens made with it: one per identity and audience, kept while they are fresh."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from joserfc.jwk import KeySet, OKPKey

from chassis.identity import LIFETIME_SECONDS, Identity, sign

RENEW_SECONDS = 10
MOST_TOKENS = 20_000

TokenCache = dict[tuple[str, str, str], tuple[bytes, float]]


class Signer:
    """Signs with the first key; others are served so that tokens signed before a change still count."""

    def __init__(self, keys: KeySet, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        first = keys.keys[0]
        assert isinstance(first, OKPKey)
        self._key = first
        self._clock = clock

    @classmethod
    def from_file(cls, path: Path) -> "Signer":
        """Read a JWK or a JWK set.

        Raises:
            ValueError: not Ed25519, not private, or without ``kid``.
        """
        data = json.loads(path.read_text("utf-8"))
        keys = data.get("keys", [data])
        for key in keys:
            if key.get("kty") != "OKP" or key.get("crv") != "Ed25519" or not key.get("kid"):
                raise ValueError(f"{path} must hold Ed25519 keys with kid")
        if not keys or "d" not in keys[0]:
            raise ValueError(f"{path} must begin with a private key")
        return cls(KeySet([OKPKey.import_key(key) for key in keys]))

    def public(self) -> dict[str, Any]:
        """The JWK set (RFC 7517) that services verify with."""
        return dict(self._keys.as_dict(private=False))

    def token(self, identity: Identity, audience: str, cache: TokenCache, *, ip: str = "", lang: str = "de") -> bytes:
        """A token with at least `RENEW_SECONDS` to live; ``cache`` belongs to this identity alone."""
        key = (audience, ip, lang)
        kept = cache.get(key)
        now = self._clock()
        if kept is not None and kept[1] > now:
            return kept[0]
        if len(cache) >= MOST_TOKENS:
            cache.clear()
        token = sign(replace(identity, ip=ip, lang=lang), audience=audience, key=self._key).encode("ascii")
        cache[key] = (token, now + LIFETIME_SECONDS - RENEW_SECONDS - 1)
        return token
