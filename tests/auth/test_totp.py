"""Codes of authenticator apps against the published values; no database."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from services.auth.totp import HINT_STEPS, code_at, matching_step, new_seed, otpauth_uri, qr_svg, step_of

RFC_SEED = base64.b32encode(b"12345678901234567890").decode()
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_rfc_6238(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, tz=UTC)

    assert code_at(RFC_SEED, step_of(at)) == code[-6:]
    assert matching_step(RFC_SEED, code[-6:], now=at) == seconds // 30


def test_the_vectors_of_rfc_4226() -> None:
    codes = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489"

    assert " ".join(code_at(RFC_SEED, counter) for counter in range(10)) == codes


@pytest.mark.parametrize(
    ("off", "accepted"),
    [(-2, False), (-1, True), (0, True), (1, True), (2, False)],
)
def test_one_step_to_either_side_counts(off: int, accepted: bool) -> None:
    seed = new_seed()
    step = step_of(NOON) + off

    assert matching_step(seed, code_at(seed, step), now=NOON) == (step if accepted else None)


def test_the_hint_sees_an_hour_but_not_more() -> None:
    seed = new_seed()
    here = step_of(NOON)

    assert matching_step(seed, code_at(seed, here + 120), now=NOON, tolerance=HINT_STEPS) == here + 120
    assert matching_step(seed, code_at(seed, here + 121), now=NOON, tolerance=HINT_STEPS) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "12 345", "-12345", "0x1234", "abcdef"])
def test_what_is_no_code_never_matches(code: str) -> None:
    assert matching_step(RFC_SEED, code, now=datetime.fromtimestamp(59, tz=UTC) + timedelta(0)) is None


def test_a_seed_has_160_bits_and_no_two_are_the_same() -> None:
    seeds = {new_seed() for _ in range(100)}

    assert len(seeds) == 100
    assert all(len(base64.b32decode(seed)) == 20 for seed in seeds)


def test_the_address_names_portal_and_person_and_fits_a_qr_code() -> None:
    uri = otpauth_uri(RFC_SEED, issuer="Nordwelle Kundenportal", account="anna@kunde.example")

    assert uri.startswith("otpauth://totp/Nordwelle%20Kundenportal:anna%40kunde.example?secret=" + RFC_SEED)
    assert "issuer=Nordwelle%20Kundenportal" in uri
    assert qr_svg(uri).startswith("<svg")
    assert "<script" not in qr_svg(uri)
