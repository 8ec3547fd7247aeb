"""Ephemeral keys: sealed tokens that a browser can carry and cannot read.

One token has two spellings, `rtav_sk_…` and `ek_…`: openai-agents-js refuses any key in a browser
that does not start with `ek_`. Whoever has the server's secret verifies it without a look-up.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from rtav.errors import ConfigError, ProtocolError

Spelling = Literal["rtav_sk", "ek", "other"]

DEFAULT_LIFE_S = 600  # OpenAI's
MIN_LIFE_S, MAX_LIFE_S = 10, 7200  # OpenAI's limits
# A token travels in a header or a WebSocket subprotocol, and uvicorn's WebSocket handshake gives
# no answer at all to a line over 8 KiB.
MAX_KEY_BYTES = 4096
MIN_SECRET_CHARACTERS = 16  # shorter can be tried out

_LATER_FIELDS = ("single_use", "for_session", "is_stored")

_PREFIXES: dict[Spelling, str] = {"rtav_sk": "rtav_sk_", "ek": "ek_"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an ephemeral key allows: calls with this configuration, until it expires."""

    id: str
    parent: str
    """Hash of the API key that minted it: the grant ends with that key."""
    expires_at: int
    """Seconds since 1970."""
    origins: tuple[str, ...] = ()
    """Web origins it works from; empty: all."""
    session: Mapping[str, Any]  # Any: the client's own JSON
    single_use: bool = False
    """It opens one call; whether it has, only the database knows."""
    for_session: str = ""
    """The session that it may go on with, whoever opened it."""
    is_stored: bool = False
    """No key could carry its configuration: that is found by the id."""


class Sealer:
    """Turns grants into keys and back. The first secret seals, all of them open (rotation)."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(_fernet_key(secret)) for secret in secrets])

    def seal(self, grant: Grant, *, now: float) -> str:
        """The token, without a prefix. Raises ProtocolError if it would be over MAX_KEY_BYTES."""
        content = json.dumps(
            [
                grant.id,
                grant.parent,
                grant.expires_at,
                grant.origins,
                grant.session,
                grant.single_use,
                grant.for_session,
                grant.is_stored,
            ],
            separators=(",", ":"),
            ensure_ascii=False,
        )
        sealed = self._fernet.encrypt_at_time(zlib.compress(content.encode(), 9), int(now))
        token = sealed.decode().rstrip("=")  # "=" may not stand in a WebSocket subprotocol
        if len(token) + len(_PREFIXES["rtav_sk"]) > MAX_KEY_BYTES:
            raise ProtocolError(
                f"This is too large for a key: it would be {len(token)} bytes long, "
                f"{MAX_KEY_BYTES} is the limit. Send the configuration with the call.",
                code="invalid_session",
                param="session",
            )
        return token

    def open(self, key: str, *, now: float) -> Grant:
        """Raises ProtocolError: `invalid_api_key`, or `expired_client_secret`."""
        token = (
            key.removeprefix(_PREFIXES[spelling])
            if (spelling := spelled(key)) in _PREFIXES
            else key
        )
        try:
            content = self._fernet.decrypt(_canonical(token))
        except (InvalidToken, ValueError):
            raise ProtocolError("Invalid API key", code="invalid_api_key") from None
        # Older versions sealed fewer fields; their keys are valid for two hours at most.
        id_, parent, expires_at, origins, session, *more = json.loads(zlib.decompress(content))
        if expires_at <= now:
            raise ProtocolError("The client secret has expired", code="expired_client_secret")
        return Grant(
            id=id_,
            parent=parent,
            expires_at=expires_at,
            origins=tuple(origins),
            session=session,
            **dict(zip(_LATER_FIELDS, more, strict=False)),
        )


def spell(token: str, spelling: Literal["rtav_sk", "ek"]) -> str:
    return _PREFIXES[spelling] + token


def spelled(key: str) -> Spelling:
    """Which family a key claims to be of: a hint for the dialect, never a permission."""
    for spelling, prefix in _PREFIXES.items():
        if key.startswith(prefix):
            return spelling
    return "other"


def kept_secret(state_dir: Path) -> str:
    """The secret in the state folder, made on first use, readable by its owner only.

    Raises ConfigError if the folder cannot be used.
    """
    path = state_dir / "secret"
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _created(path) or path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        message = f"the secret cannot be kept in {path}: {error}; set RTAV_SECRET or RTAV_STATE_DIR"
        raise ConfigError("state_dir", message) from None


def _created(path: Path) -> str | None:
    """A new secret, written whole or not at all; None if there is one."""
    if path.exists():
        return None
    secret = secrets.token_urlsafe(32)
    draft = path.with_suffix(f".{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret)
    try:
        os.link(draft, path)  # fails where another process was faster; a rename would overwrite
    except FileExistsError:
        return None
    finally:
        draft.unlink()
    return secret


def given_secrets(setting: str) -> list[str]:
    """RTAV_SECRET: one secret, or several with commas between, the newest first."""
    found = [part.strip() for part in setting.split(",") if part.strip()]
    if not found or any(len(secret) < MIN_SECRET_CHARACTERS for secret in found):
        message = f"each secret needs at least {MIN_SECRET_CHARACTERS} characters"
        raise ConfigError("secret", message)
    return found


def _fernet_key(secret: str) -> bytes:
    digest = hashlib.sha256(b"rtav ephemeral keys\0" + secret.encode()).digest()
    return base64.urlsafe_b64encode(digest)


def _canonical(token: str) -> bytes:
    """The token as it was sealed. Raises ValueError for another spelling of the same bytes:
    a decoder overlooks strange letters and the last bits of the last one."""
    padded = token.encode("ascii") + b"=" * (-len(token) % 4)
    if base64.urlsafe_b64encode(base64.urlsafe_b64decode(padded)) != padded:
        raise ValueError(token)
    return padded
