"""The server's ports: bound before anything starts, http behind one, https behind the other."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
from dataclasses import dataclass

from rtav import clock
from rtav.errors import ConfigError
from rtav.server.certificates import Certificate, own_names, self_signed
from rtav.settings import ServerSettings, Settings

BACKLOG = 2048  # connections that wait to be accepted; uvicorn's own figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One bound socket, and the address under which it is reached."""

    listener: socket.socket
    url: str
    certificate: Certificate | None = None


def open_doors(settings: Settings) -> list[Door]:
    """Bind every port first: a taken one is told before engines load. Raises ConfigError."""
    server = settings.server
    with contextlib.ExitStack() as undo:
        doors = [_door(server.host, server.port, setting="server.port")]
        undo.callback(doors[0].listener.close)
        if _wants_https(server):
            certificate = _certificate(settings)
            doors.append(
                _door(server.host, server.https_port, setting="server.https_port", tls=certificate)
            )
        undo.pop_all()
    return doors


def _wants_https(server: ServerSettings) -> bool:
    if server.https == "auto":
        return server.tls_cert is not None or not is_loopback(server.host)
    return server.https == "on"


def _certificate(settings: Settings) -> Certificate:
    server = settings.server
    if server.tls_cert is None or server.tls_key is None:
        names = own_names()
        if not _is_any(server.host) and server.host not in names:
            names = (*names, server.host)
        return self_signed(settings.state_dir, names, now=clock.wall())
    named = Certificate(cert=server.tls_cert, key=server.tls_key)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(named.cert, named.key)
    except (OSError, ssl.SSLError) as error:
        message = f"this certificate and server.tls_key cannot be used: {error}"
        raise ConfigError("server.tls_cert", message) from None
    return named


def _door(host: str, port: int, *, setting: str, tls: Certificate | None = None) -> Door:
    listener = _bound(host, port, setting)
    bound = listener.getsockname()[1]
    return Door(listener=listener, url=_url(host, bound, tls is not None), certificate=tls)


def _bound(host: str, port: int, setting: str) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigError("server.host", f"{host!r} is no address: {error.strerror}") from None
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if hasattr(socket, "SO_REUSEADDR") and not _on_windows():
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(
            setting,
            f"{host}:{port} cannot be used ({error.strerror}); another program may have it: "
            f"choose another port, or 0 for any free one",
        ) from None
    listener.setblocking(False)
    return listener


def _on_windows() -> bool:
    return hasattr(socket, "SO_EXCLUSIVEADDRUSE")  # there SO_REUSEADDR would share a taken port


def _url(host: str, port: int, is_tls: bool) -> str:
    """What to type into a browser: an address of this machine where the host is all of them."""
    if _is_any(host):
        host = _outside_address() if is_tls else "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if is_tls else 'http'}://{shown}:{port}"


def _outside_address() -> str:
    addresses = [name for name in own_names() if _is_usable(name)]
    return addresses[0] if addresses else "127.0.0.1"


def _is_usable(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.version == 4 and not address.is_loopback and not address.is_link_local


def _is_any(host: str) -> bool:
    return host in ("0.0.0.0", "::", "")  # noqa: S104 - compared, not bound


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
