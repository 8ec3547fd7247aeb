"""The STUN and TURN servers that clients are told of, as `RTCPeerConnection` takes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

from rtav.server.payload import JsonObject
from rtav.settings import IceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class IceServers:
    """What the operator has set."""

    stun: tuple[str, ...] = ()
    turn: tuple[str, ...] = ()
    secret: str | None = field(default=None, repr=False)
    """Shared with the TURN server, which then takes credentials that we make up."""
    lifetime_s: int = 0
    username: str | None = None
    credential: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, ice: IceSettings) -> IceServers:
        return cls(
            stun=ice.stun,
            turn=ice.turn,
            secret=ice.turn_secret.get_secret_value() if ice.turn_secret else None,
            lifetime_s=ice.turn_lifetime_s,
            username=ice.turn_username,
            credential=ice.turn_credential.get_secret_value() if ice.turn_credential else None,
        )

    def listed(self, user: str, *, now: float) -> list[JsonObject]:
        """The servers for one user from `now` (seconds since 1970) on; empty if there are none."""
        servers: list[JsonObject] = []
        if self.stun:
            servers.append({"urls": list(self.stun)})
        if self.turn:
            username, credential = self._login(user, now)
            login = {"username": username, "credential": credential}
            servers.append({"urls": list(self.turn), **login})
        return servers

    def _login(self, user: str, now: float) -> tuple[str, str]:
        if self.secret is not None:
            return login(user, secret=self.secret, expires_at=int(now) + self.lifetime_s)
        assert self.username is not None, "the settings are whole"
        assert self.credential is not None, "the settings are whole"
        return self.username, self.credential


def login(user: str, *, secret: str, expires_at: int) -> tuple[str, str]:
    """User name and password that coturn takes until then (`use-auth-secret`).

    SHA-1 as coturn and draft-uberti-behave-turn-rest-00 have it: a keyed hash, whose
    collisions help nobody.
    """
    username = f"{expires_at}:{user}"
    digest = hmac.digest(secret.encode(), username.encode(), hashlib.sha1)
    return username, base64.b64encode(digest).decode()
