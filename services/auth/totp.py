"""Codes of authenticator apps: RFC 6238 with SHA-1, 6 digits, 30 seconds. Pure."""

import hmac
from datetime import datetime

import pyotp
import segno

STEP_SECONDS = 30
HINT_STEPS = 120
"""While enrolling, a clock up to an hour off is recognised and named as the cause."""


def new_seed() -> str:
    """160 random bits in base32, as apps take it."""
    return pyotp.random_base32(length=32)


def step_of(now: datetime) -> int:
    """The 30-second step of a moment."""
    return int(now.timestamp()) // STEP_SECONDS


def matching_step(seed: str, code: str, *, now: datetime, tolerance: int = 1) -> int | None:
    """The step of a right code, or none. Whoever accepts it must take the step, so that the code works only once.

    Args:
        seed: Base32, as in the QR code.
        code: Six digits.
        now: The server's clock.
        tolerance: How many steps of 30 s the phone's clock may be off to either side.

    Source: RFC 6238, section 5.2; docs/rules/access.md, A-12.
    """
    if len(code) != 6 or not (code.isascii() and code.isdigit()):
        return None
    totp = pyotp.TOTP(seed, interval=STEP_SECONDS)
    here = step_of(now)
    matching = None
    for step in range(max(0, here - tolerance), here + tolerance + 1):
        if hmac.compare_digest(totp.generate_otp(step), code):
            matching = step
    return matching


def code_at(seed: str, step: int) -> str:
    """The code of a step, as an app would show it."""
    return pyotp.TOTP(seed, interval=STEP_SECONDS).generate_otp(step)


def otpauth_uri(seed: str, *, issuer: str, account: str) -> str:
    """What the QR code says."""
    return pyotp.TOTP(seed, interval=STEP_SECONDS).provisioning_uri(name=account, issuer_name=issuer)


def qr_svg(uri: str) -> str:
    """The QR code as an inline picture without script."""
    return segno.make(uri, error="m", micro=False).svg_inline(border=4, omitsize=True, light="#fff")
