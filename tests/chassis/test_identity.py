"""The gateway's statement: what is accepted, and a corpus of what is not."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from chassis.access import complete
from chassis.errors import NotSignedIn, SecondFactorRequired, Unavailable
from chassis.identity import ANONYMOUS, ISSUER, Verifier, sign
from chassis.testing import KEY, keys, person, wait_until

STRANGER = OKPKey.generate_key("Ed25519", {"kid": "test"})


@pytest.fixture
def verifier() -> Verifier:
    verifier = Verifier("documents", "http://127.0.0.1:9/identity-keys")
    verifier.trust(keys())
    return verifier


def claims(**changes: Any) -> dict[str, Any]:
    usual = {"iss": ISSUER, "aud": "documents", "sub": "anonymous", "exp": int(time.time()) + 30}
    return {name: value for name, value in (usual | changes).items() if value is not None}


def token(header: dict[str, Any] | None = None, key: Any = KEY, **changes: Any) -> str:
    full = {"alg": "Ed25519", "kid": "test", "typ": "identity+jwt"} | (header or {})
    return jwt.encode(full, claims(**changes), key, algorithms=[full["alg"]])


async def test_a_signed_identity_comes_back_whole(verifier: Verifier) -> None:
    anna = person(scopes=("a",), step_up_at=5, lang="en")

    verified = await verifier.verify(sign(anna, audience="documents", key=KEY))

    assert replace(verified, exp=0) == anna
    assert verified.exp <= time.time() + 60


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "a.b.c",
        "...",
        token(aud="users"),
        token(aud=None),
        token(iss="somebody"),
        token(iss=None),
        token(sub=None),
        token(exp=int(time.time()) - 1),
        token(exp=None),
        token(exp=int(time.time()) + 3600),
        token({"typ": "JWT"}),
        token({"typ": "invitation"}),
        token(key=STRANGER),
        token({"alg": "HS256"}, key=OctKey.import_key("x" * 32)),
        token()[:-4] + "AAAA",
        token().rsplit(".", 1)[0] + ".",
    ],
)
async def test_anything_else_is_nobody(verifier: Verifier, broken: str) -> None:
    with pytest.raises(NotSignedIn):
        await verifier.verify(broken)


async def test_an_unsigned_token_is_nobody(verifier: Verifier) -> None:
    head, body, _ = token({"alg": "Ed25519"}).split(".")
    none_header = "eyJhbGciOiJub25lIiwia2lkIjoidGVzdCIsInR5cCI6ImlkZW50aXR5K2p3dCJ9"

    for forged in (f"{none_header}.{body}.", f"{head}.{body}.", f"{none_header}.{body}.AAAA"):
        with pytest.raises(NotSignedIn):
            await verifier.verify(forged)


async def test_an_unknown_key_asks_the_gateway_and_fails_closed(verifier: Verifier) -> None:
    with pytest.raises(Unavailable):
        await verifier.verify(token({"kid": "rotated"}))


async def test_a_remembered_token_ends_with_its_time(verifier: Verifier) -> None:
    short = sign(ANONYMOUS, audience="documents", key=KEY, lifetime_seconds=3)
    first = await verifier.verify(short)
    assert await verifier.verify(short) == first

    wait_until(lambda: time.time() >= first.exp)
    with pytest.raises(NotSignedIn):
        await verifier.verify(short)


@pytest.mark.parametrize(
    ("amr", "refusal"), [((), NotSignedIn), (("pwd",), SecondFactorRequired), (("otp",), SecondFactorRequired)]
)
def test_half_a_session_is_told_from_none(amr: tuple[str, ...], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        complete(person(amr=amr))


def test_machines_and_strangers_are_never_a_complete_person() -> None:
    for sub in ("anonymous", "gateway", "machine:billing"):
        assert not replace(person(), sub=sub).complete


def test_step_up_lasts_ten_minutes() -> None:
    at = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
    anna = person(step_up_at=int(at.timestamp()))

    assert anna.stepped_up(at + timedelta(minutes=10))
    assert not anna.stepped_up(at + timedelta(minutes=10, seconds=1))
    assert not person(step_up_at=None).stepped_up(at)
