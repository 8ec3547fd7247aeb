"""API keys: made of 256 random bits, kept only as SHA-256; what each may do, and how much."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

API_KEY_PREFIX = "rtav_ak_"
OPERATORS_ID = "key_operator"
"""Of the key that the settings name: it stays the same when that key changes."""


class Scope(StrEnum):
    """What a key may do."""

    CALLS = "calls"
    """Open calls and sessions, mint client secrets, see its own."""
    ASSETS = "assets"
    """Change faces, voices and driving motions of its own."""
    ADMIN = "admin"
    """See and end the sessions of every key, and see their usage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """None: no limit but the server's own."""

    max_calls: int | None = None
    calls_per_minute: int | None = None
    max_minutes: float | None = None
    """Length of a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key without the key itself, which only its owner has."""

    id: str
    name: str
    hash: str
    scopes: frozenset[Scope] = frozenset(Scope)
    limits: KeyLimits = KeyLimits()
    created_at: datetime | None = None
    """None for the settings' own."""
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


def generate() -> str:
    """A new API key. Nobody has it but the caller of this function."""
    return API_KEY_PREFIX + secrets.token_urlsafe(32)


def hashed(key: str) -> str:
    """What is stored of a key. No slow hash: 256 random bits cannot be guessed."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def user_id(key_id: str) -> str:
    """The name of a key's owner, as the API shows it."""
    return "user_" + key_id.removeprefix("key_")


class ApiKeys:
    """The keys that are valid now. Any prefix is accepted: migrated code has `sk-…`.

    Found by their hash: the time a look-up takes tells about hashes, which nobody can choose.
    """

    def __init__(self, operators: Iterable[str]) -> None:
        """`operators` are the settings' own keys: they may do everything, without limits."""
        self._operators = {
            (digest := hashed(key)): Key(id=OPERATORS_ID, name="operator", hash=digest)
            for key in operators
        }
        self._stored: dict[str, Key] = {}

    def replace(self, stored: Iterable[Key]) -> None:
        """Take these for the keys in the database; revoked ones among them are not valid."""
        self._stored = {key.hash: key for key in stored if key.revoked_at is None}

    def find(self, key: str) -> Key | None:
        return self.find_hash(hashed(key))

    def find_hash(self, key_hash: str) -> Key | None:
        """The valid key with this hash."""
        return self._operators.get(key_hash) or self._stored.get(key_hash)
