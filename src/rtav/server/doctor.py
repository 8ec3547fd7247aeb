"""Examines this machine: would a server work here, and what is to be done if not."""

from __future__ import annotations

from dataclasses import dataclass

from rtav.engines import registry
from rtav.engines.tts.choice import best_available
from rtav.errors import ConfigError, EngineUnavailable
from rtav.server.composition import ice_settings
from rtav.server.doors import open_doors
from rtav.server.selection import select
from rtav.settings import Settings
from rtav.transports.webrtc.ice import local_addresses
from rtav.transports.webrtc.webrtc import WebRtc


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    subject: str
    is_good: bool
    message: str


async def findings(settings: Settings) -> list[Finding]:
    """One for each thing that a server needs. Starts and closes every engine."""
    return [*_ports(settings), await _media(settings), *_kinds(), *await _engines(settings)]


def _ports(settings: Settings) -> list[Finding]:
    try:
        doors = open_doors(settings)
    except ConfigError as error:
        return [Finding(subject="ports", is_good=False, message=str(error))]
    for door in doors:
        door.listener.close()
    return [
        Finding(
            subject="https" if door.certificate else "http",
            is_good=True,
            message=door.url
            + (f", certificate {door.certificate.cert}" if door.certificate else ""),
        )
        for door in doors
    ]


async def _media(settings: Settings) -> Finding:
    """Binds what calls would use, and says what callers would be told."""
    ice = ice_settings(settings)
    webrtc = WebRtc(ice)
    try:
        await webrtc.start()
        port = webrtc.udp_port or f"{ice.port_range}"
    except ConfigError as error:
        return Finding(subject="media", is_good=False, message=str(error))
    finally:
        await webrtc.close()
    offered = ", ".join(ice.public or local_addresses(ice))
    hint = "" if ice.public else "; callers beyond a router need ice.public and a forwarded port"
    return Finding(subject="media", is_good=True, message=f"UDP port {port} at {offered}{hint}")


def _kinds() -> list[Finding]:
    kinds: tuple[registry.Kind, ...] = ("vad", "stt", "llm", "tts", "avatar")
    found = [
        Finding(subject=kind, is_good=True, message="there are " + ", ".join(registry.names(kind)))
        for kind in kinds
    ]
    if best_available() != "flite":
        message = "not installed: the voice is espeak-ng's, which sounds less natural"
        found.append(Finding(subject="flite", is_good=True, message=message))
    return found


async def _engines(settings: Settings) -> list[Finding]:
    try:
        selection = await select(settings)
    except (ConfigError, EngineUnavailable) as error:
        return [Finding(subject="engines", is_good=False, message=str(error))]
    found = []
    for kind, engine in selection.engines.in_order():
        try:
            await engine.start()
            message, is_good = f"{engine.capabilities.name} works", True
        except EngineUnavailable as error:
            message, is_good = str(error), False
        finally:
            await engine.close()
        found.append(Finding(subject=kind, is_good=is_good, message=message))
    return found
