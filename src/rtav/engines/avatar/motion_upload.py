"""Motions from strangers: JSON or NPZ, checked and written as the JSON that the player reads."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtav.engines.avatar.channels import RANGES
from rtav.engines.avatar.motion import FORMAT, MAX_DURATION_S, parse_motion
from rtav.errors import ProtocolError

MAX_KEYS_IN_ALL = 20_000
"""Read in the render thread when it is first played: 20 ms."""
MAX_UNPACKED_BYTES = 32 << 20
TOLERANCE = 0.004  # of a channel's range: what a key less may change of a dense motion
_NPZ_ARRAYS = frozenset({"names", "frames", "fps", "loop"})


def write_motion(upload: bytes, folder: Path, *, motion_id: str) -> dict[str, Any]:
    """Check a motion and write `motion.json` into `folder`.

    `upload` is an `avatar-motion/1` document, or an NPZ with `names` (K), `frames` (T, K), `fps`
    and, if it is seamless, `loop`. Channels that no face knows are left out, and named in what is
    returned: what is to be shown of it. Raises ProtocolError `invalid_driving`.
    """
    given = _npz(upload) if upload[:2] == b"PK" else _json(upload)
    document = {**given, "name": motion_id}
    channels = given.get("channels")
    try:
        motion = parse_motion(document)
    except ValueError as error:
        raise refused(str(error)) from None
    assert isinstance(channels, dict), "it was parsed"
    if not motion.tracks:
        raise refused(f"no channel is known; there are {', '.join(RANGES)}")
    if sum(len(track.times) for track in motion.tracks.values()) > MAX_KEYS_IN_ALL:
        raise refused(f"a motion has at most {MAX_KEYS_IN_ALL} keys in all")
    kept = {
        "format": FORMAT,
        "name": motion_id,
        "duration": motion.duration_s,
        "loop": motion.loops,
        "blend_in": motion.blend_in_s,
        **({"description": motion.description} if motion.description else {}),
        "channels": {name: channels[name] for name in motion.tracks},
    }
    (folder / "motion.json").write_text(json.dumps(kept, allow_nan=False), encoding="utf-8")
    shown: dict[str, Any] = {"duration_seconds": round(motion.duration_s, 3), "loop": motion.loops}
    if motion.description:
        shown["description"] = motion.description
    if ignored := sorted(str(name)[:64] for name in channels.keys() - motion.tracks.keys()):
        shown["ignored_channels"] = ignored[:64]
    return shown


def refused(message: str) -> ProtocolError:
    """What is wrong with the motion that was brought."""
    return ProtocolError(message, code="invalid_driving", param="file")


def _json(upload: bytes) -> dict[str, Any]:
    try:
        document = json.loads(upload, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise refused("a motion is JSON (avatar-motion/1) or NPZ; nothing else is taken") from None
    except (ValueError, RecursionError) as error:
        raise refused(f"this is neither JSON nor NPZ: {str(error)[:120]}") from None
    if not isinstance(document, dict):
        raise refused("the document must be an object")
    return document


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


# --- NPZ -------------------------------------------------------------------------------------


def _npz(upload: bytes) -> dict[str, Any]:
    arrays = _arrays(upload)
    names, frames = _names(arrays), arrays.get("frames")
    fps = _scalar(arrays, "fps", 25.0)
    if frames is None or frames.dtype.kind not in "fiu" or frames.ndim != 2:
        raise refused("frames must be numbers of the shape (T, K)")
    if len(frames) < 2 or frames.shape[1] != len(names):
        raise refused("frames must have 2 rows or more, and a column for each of names")
    if not 1 <= fps <= 240 or not len(frames) <= fps * MAX_DURATION_S:
        raise refused(f"fps must be 1 to 240, and a motion at most {MAX_DURATION_S:g} s")
    if not np.isfinite(frames).all():
        raise refused("frames must be finite")
    loops = bool(_scalar(arrays, "loop", 0.0))
    dense = frames.astype(np.float64)
    if loops:  # the way back to the first frame takes as long as every other step
        dense = np.concatenate([dense, dense[:1]])
    channels = {name: _keys(dense[:, k], RANGES.get(name), fps) for k, name in enumerate(names)}
    return {
        "format": FORMAT,
        "loop": loops,
        "duration": max(0.1, (len(dense) - 1) / fps),
        "channels": {name: keys for name, keys in channels.items() if name not in RANGES or keys},
    }


def _arrays(upload: bytes) -> Mapping[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(upload)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise refused(f"the arrays have more than {MAX_UNPACKED_BYTES >> 20} MB")
        with np.load(io.BytesIO(upload), allow_pickle=False) as stored:
            if unknown := sorted(set(stored.files) - _NPZ_ARRAYS):
                raise refused(f"{unknown[0][:64]!r} is none of {', '.join(sorted(_NPZ_ARRAYS))}")
            arrays = {name: stored[name] for name in stored.files}
    except (
        ValueError, KeyError, EOFError, OSError, MemoryError, RuntimeError, NotImplementedError,
        zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise refused(f"the arrays cannot be read: {str(error)[:120]}") from None
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise refused("the arrays cannot be read: one of them is none")
    return arrays


def _names(arrays: Mapping[str, NDArray[Any]]) -> list[str]:
    names = arrays.get("names")
    if names is None or names.ndim != 1 or names.dtype.kind != "U" or not len(names):
        raise refused("names must be a list of texts")
    if len(set(names.tolist())) != len(names):
        raise refused("names has a channel twice")
    return [str(name) for name in names]


def _scalar(arrays: Mapping[str, NDArray[Any]], name: str, default: float) -> float:
    value = arrays.get(name)
    if value is None:
        return default
    if value.size != 1 or value.dtype.kind not in "fiub" or not np.isfinite(value).all():
        raise refused(f"{name} must be one number")
    return float(value.reshape(()))


def _keys(
    values: NDArray[np.float64], limits: tuple[float, float] | None, fps: float
) -> list[list[float]]:
    """What is left of a dense channel, clipped to its range; nothing if it never moves off 0."""
    if limits is None:
        return []
    held = np.clip(values, *limits)
    tolerance = TOLERANCE * (limits[1] - limits[0])
    if float(np.abs(held).max()) < tolerance:
        return []
    return [[round(i / fps, 6), round(float(held[i]), 5)] for i in _telling(held, tolerance)]


def _telling(values: NDArray[np.float64], tolerance: float) -> list[int]:
    """Indices between which a straight line is nowhere farther off than `tolerance`."""
    kept, open_ = {0, len(values) - 1}, [(0, len(values) - 1)]
    while open_:
        first, last = open_.pop()
        if last - first < 2:
            continue
        line = np.linspace(values[first], values[last], last - first + 1)
        off = np.abs(values[first : last + 1] - line)
        worst = int(off.argmax())
        if off[worst] > tolerance:
            kept.add(first + worst)
            open_ += [(first, first + worst), (first + worst, last)]
    return sorted(kept)
