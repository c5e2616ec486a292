"""Random tokens, their hashes, and encryption at rest. Pure."""

import hashlib
import hmac
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

API_TOKEN_PREFIX = "kp_"  # noqa: S105  # a prefix, not a secret
RECOVERY_CODES = 10
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_NONCE_BYTES = 12


class BrokenSecret(Exception):
    """A stored secret cannot be opened: another key, another owner, or changed bytes."""


def new_token() -> str:
    """256 random bits, safe in a URL fragment and a cookie."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What the database keeps of a token: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_recovery_code() -> str:
    """80 random bits as people type them: ``ABCD-EFGH-IJKL-MNOP``."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(16))
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def bare_code(code: str) -> str:
    """A code without the blanks and hyphens that people type."""
    return "".join(code.upper().replace("-", "").split())


class SecretBox:
    """Encrypts with AES-256-GCM; each purpose has a key of its own (HKDF), each secret is bound to its owner."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, purpose: str, owner: UUID, secret: str) -> bytes:
        """Nonce and ciphertext."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._subkey(purpose)).encrypt(nonce, secret.encode(), owner.bytes)

    def open(self, purpose: str, owner: UUID, sealed: bytes) -> str:
        """The secret again.

        Raises:
            BrokenSecret: sealed with another key, for another owner or purpose, or changed since.
        """
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self._subkey(purpose)).decrypt(nonce, ciphertext, owner.bytes).decode()
        except (InvalidTag, ValueError) as error:
            raise BrokenSecret(purpose) from error

    def recovery_hash(self, owner: UUID, code: str) -> str:
        """Keyed, and different for each person, so that a stolen table alone tells nothing."""
        key = self._subkey("recovery-code")
        return hmac.new(key, owner.bytes + bare_code(code).encode(), hashlib.sha256).hexdigest()

    def _subkey(self, purpose: str) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=f"kundenportal/auth/{purpose}".encode()).derive(self._key)
