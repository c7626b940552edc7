"""Keys derived from the root secret, one per purpose, and the vault for secrets that are stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


@lru_cache(maxsize=64)
def derive(secret: str, purpose: str) -> bytes:
    """32 bytes for `purpose`, of which nothing about the root secret or another purpose follows."""
    info = b"opticworks:" + purpose.encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret.encode())


def sign(key: bytes, text: str) -> str:
    """The text's HMAC-SHA256 as URL-safe base64 without padding."""
    digest = hmac.digest(key, text.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class UnknownKey(Exception):
    """A stored secret was written under a root secret that the shop is no longer given."""


class Vault:
    """Encrypts secrets that are stored ("<key id>:<token>").

    The first root secret encrypts; the older ones still decrypt, so that the root secret can be
    replaced and stored values re-encrypted with `rotate` at leisure.
    """

    def __init__(self, secret: str, *older: str) -> None:
        keys = [base64.urlsafe_b64encode(derive(each, "vault")) for each in (secret, *older)]
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._ids = [hashlib.sha256(key).hexdigest()[:8] for key in keys]

    def encrypt(self, text: str) -> str:
        return f"{self._ids[0]}:{self._fernet.encrypt(text.encode()).decode()}"

    def decrypt(self, stored: str) -> str:
        """The plain text. Raises UnknownKey, also for a value that was tampered with."""
        key_id, _, token = stored.partition(":")
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise UnknownKey(
                f"A stored secret can't be read with the root secret in use (its key is {key_id}). "
                "Give the former root secret too, or enter the value again."
            ) from None

    def outdated(self, stored: str) -> bool:
        """Was the value written under an older root secret?"""
        return stored.partition(":")[0] != self._ids[0]

    def rotate(self, stored: str) -> str:
        """The same secret under the newest key. Raises UnknownKey."""
        return self.encrypt(self.decrypt(stored)) if self.outdated(stored) else stored
