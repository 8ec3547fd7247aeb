"""API keys: made of 256 random bits, kept only as SHA-256, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable

API_KEY_PREFIX = "rtav_ak_"


def generate() -> str:
    """A new API key. Nobody has it but the caller of this function."""
    return API_KEY_PREFIX + secrets.token_urlsafe(32)


def hashed(key: str) -> str:
    """What is stored of a key. No slow hash: 256 random bits cannot be guessed."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class ApiKeys:
    """The keys that the operator gave out. Any prefix is accepted: migrated code has `sk-…`."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._hashes = tuple(hashed(key) for key in keys)

    def knows(self, key: str) -> bool:
        return self.knows_hash(hashed(key))

    def knows_hash(self, key_hash: str) -> bool:
        """Whether a key with this hash is still one of the operator's."""
        found = False
        for known in self._hashes:  # all of them, so that the time tells nothing
            found |= hmac.compare_digest(known, key_hash)
        return found
