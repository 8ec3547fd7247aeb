"""What an operator may say about addresses, ports and patience."""

from __future__ import annotations

from dataclasses import dataclass

from rtav.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class IceSettings:
    """Raises ConfigError for what cannot be meant."""

    bind: tuple[str, ...] = ()
    """Local addresses to listen on; none: every address of the host, loopback included."""
    public: tuple[str, ...] = ()
    """Addresses to advertise instead of the bound ones, where NAT forwards to them."""
    udp_port: int | None = None
    """The one UDP port of all calls; None or 0: any free one, still one for all."""
    port_range: tuple[int, int] | None = None
    """First and last UDP port: each call takes one of its own."""
    vanished_after_s: float = 5.0
    """Silence, on every layer, that ends a call. Chromium says nothing when it is killed."""
    setup_timeout_s: float = 10.0
    """Time from the offer to the open event channel."""

    def __post_init__(self) -> None:
        for setting, value in (
            ("ice.vanished_after_s", self.vanished_after_s),
            ("ice.setup_timeout_s", self.setup_timeout_s),
        ):
            if not value > 0:
                raise ConfigError(setting, f"must be positive, not {value}")
        if self.udp_port is not None and not 0 <= self.udp_port < 65_536:
            raise ConfigError("ice.udp_port", f"must be 0 to 65535, not {self.udp_port}")
        if self.port_range is None:
            return
        first, last = self.port_range
        if not 0 < first <= last < 65_536:
            raise ConfigError("ice.port_range", f"must be two rising ports, not {first} to {last}")
        if self.udp_port:
            raise ConfigError("ice.port_range", "cannot be combined with udp_port: choose one")
