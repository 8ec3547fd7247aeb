"""The picture of a call: as it is wished, and as it comes out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from rtav.core.catalog import Catalog
from rtav.core.config import SessionConfig
from rtav.errors import ProtocolError

ORIGINAL, MATTE = "original", "matte"
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    fps: float | None = None
    """None: as many frames per second as the operator wishes."""
    scale: float = 1.0
    framing: str = "square"
    background: str = ORIGINAL
    """`original`, `matte`, `#rrggbb`, or the id of a picture."""
    codec: str | None = None
    """None: whichever the connection prefers."""


Fit = Callable[[Sight], Sight]
"""What a connection carries of a picture that is wished."""


def as_wished(wish: Sight) -> Sight:
    """A connection without limits, and an operator who chose 25."""
    return replace(wish, fps=25.0 if wish.fps is None else wish.fps)


def wished(config: SessionConfig, catalog: Catalog) -> Sight:
    """What a session asks for, of what its face can be shown as."""
    has_outline = config.face_id not in catalog.pictures
    return Sight(
        fps=config.target_fps,
        scale=config.upsample_factor,
        framing=config.framing,
        background=config.background if has_outline else ORIGINAL,
        codec=config.video_codec,
    )


def read_background(name: str | None, *, face_id: str, catalog: Catalog, param: str) -> str:
    """The background behind a name. Raises ProtocolError naming `param`."""
    wish = (name or ORIGINAL).lower()
    if wish == ORIGINAL:
        return ORIGINAL
    known = catalog.backgrounds.find(wish)
    if known is None and wish != MATTE and not _COLOUR.fullmatch(wish):
        raise ProtocolError(
            f"Invalid value for '{param}': expected 'original', 'matte', a colour '#rrggbb', or "
            "the id of an uploaded background.",
            code="background_not_found",
            param=param,
        )
    if face_id in catalog.pictures:
        raise ProtocolError(
            f"Invalid value for '{param}': this face is one picture with its background, and "
            "has no outline that another one could be put behind. Upload a picture that is cut "
            "out (PNG or WebP with alpha), or leave it 'original'.",
            code="background_not_possible",
            param=param,
        )
    return known or wish
