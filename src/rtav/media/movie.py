"""Films as files: H.264 and AAC in MP4, VP9 and Opus in WebM, or a PNG for each frame."""

from __future__ import annotations

import contextlib
import os
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from rtav.media.pcm import I420, SESSION_RATE_HZ, Pcm
from rtav.media.resample import Resampler

Kind = Literal["mp4", "webm"]

RATE_HZ = 48_000  # what every player takes
AUDIO_BITRATE = 128_000  # AAC and Opus of one voice are clean there
MATRIX_601 = 6  # SMPTE 170M, H.273 table 4: what OpenCV's conversions mean, and not HD's default
LIMITED = 1  # AVCOL_RANGE_MPEG
X264 = {"preset": "medium", "crf": "18"}  # visually as drawn
VP9 = {
    "crf": "24",
    "b": "0",  # constant quality
    "deadline": "good",
    "cpu-used": "4",
    "row-mt": "1",
    "auto-alt-ref": "0",  # libvpx has no alternate reference frames beside an alpha plane
}
SURE = 0.6  # of a point that is covered so far: below, its colour is mostly rounding
_TIME_BASE = Fraction(1, SESSION_RATE_HZ)


class Movie(Protocol):
    """What a film is written to. Nothing has its name before `finish`; `discard` may follow all."""

    def picture(self, frame: I420, at: int) -> None:
        """The next frame, shown from sample `at` (of SESSION_RATE_HZ) on.

        With transparency it is a matte, see `rtav.engines.look`: of double height, the face before
        black above, and how much of each point it covers in the luma below.
        """

    def sound(self, pcm: Pcm) -> None:
        """The next samples, at SESSION_RATE_HZ."""

    def finish(self) -> None:
        """Write what is left and give the file its name. Raises OSError."""

    def discard(self) -> None:
        """Remove what was written, unless it is finished."""


class MovieFile:
    """See `Movie`."""

    def __init__(
        self, path: Path, *, kind: Kind, size: tuple[int, int], fps: int, has_alpha: bool = False
    ) -> None:
        """`size` is the width and height of a frame's colours. MP4 has no alpha.

        Raises OSError if the file cannot be made.
        """
        self._path, self._part = path, path.with_name(f".{path.name}.part")
        self._has_alpha = has_alpha
        self._resampler = Resampler(SESSION_RATE_HZ, RATE_HZ)
        self._samples = 0
        self._part.touch()  # an error of the system's, not one of FFmpeg's
        options = {"movflags": "+faststart"} if kind == "mp4" else {}
        self._container = av.open(str(self._part), "w", format=kind, options=options)
        codec, settings = ("libx264", X264) if kind == "mp4" else ("libvpx-vp9", VP9)
        video = self._container.add_stream(codec, rate=fps, options=settings)
        assert isinstance(video, av.VideoStream)
        video.width, video.height = size
        video.pix_fmt = "yuva420p" if has_alpha else "yuv420p"
        video.codec_context.time_base = _TIME_BASE
        video.codec_context.colorspace = MATRIX_601
        video.codec_context.color_range = LIMITED
        if has_alpha:
            video.metadata["alpha_mode"] = "1"  # Matroska's AlphaMode: players look for it
        self._video = video
        audio = self._container.add_stream("aac" if kind == "mp4" else "libopus", rate=RATE_HZ)
        assert isinstance(audio, av.AudioStream)
        audio.layout, audio.bit_rate = "mono", AUDIO_BITRATE
        self._audio = audio

    def picture(self, frame: I420, at: int) -> None:
        picture = _with_alpha(frame) if self._has_alpha else _opaque(frame)
        picture.pts, picture.time_base = at, _TIME_BASE
        self._container.mux(self._video.encode(picture))

    def sound(self, pcm: Pcm) -> None:
        self._hear(self._resampler.push(pcm))

    def finish(self) -> None:
        self._hear(self._resampler.flush())
        for stream in (self._video, self._audio):
            self._container.mux(stream.encode(None))
        self._container.close()
        os.replace(self._part, self._path)

    def discard(self) -> None:
        with contextlib.suppress(av.FFmpegError):  # a file that is removed need not be whole
            self._container.close()
        self._part.unlink(missing_ok=True)

    def _hear(self, pcm: Pcm) -> None:
        if not pcm.size:
            return
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
        frame.pts = self._samples
        self._samples += pcm.size
        self._container.mux(self._audio.encode(frame))


class Stills:
    """See `Movie`: a PNG for each frame, numbered from 1, and the sound as WAV beside them."""

    def __init__(
        self, numbered: Callable[[int], Path], sound: Path, *, has_alpha: bool = False
    ) -> None:
        """`numbered` is the path of each picture, in the folder of `sound`, which is made.

        Raises OSError if it cannot be, FileExistsError if any of the files is there already.
        """
        self._numbered, self._has_alpha = numbered, has_alpha
        self._written: list[Path] = []
        folder = sound.parent
        self._made = None if folder.exists() else folder
        folder.mkdir(parents=True, exist_ok=True)
        self._sound = wave.open(str(self._new(sound)), "wb")
        self._sound.setnchannels(1)
        self._sound.setsampwidth(2)
        self._sound.setframerate(SESSION_RATE_HZ)
        self._frames = 0

    def picture(self, frame: I420, at: int) -> None:
        del at
        self._frames += 1
        done, content = cv2.imencode(".png", _bgra(frame) if self._has_alpha else _bgr(frame))
        assert done, "OpenCV encodes every picture that cvtColor returns"
        self._new(self._numbered(self._frames)).write_bytes(content.tobytes())

    def sound(self, pcm: Pcm) -> None:
        self._sound.writeframes(pcm.astype("<i2").tobytes())

    def finish(self) -> None:
        self._sound.close()
        self._written, self._made = [], None

    def discard(self) -> None:
        self._sound.close()
        for path in self._written:
            path.unlink(missing_ok=True)
        if self._made is not None:
            with contextlib.suppress(OSError):  # somebody has put something there meanwhile
                self._made.rmdir()

    def _new(self, path: Path) -> Path:
        """Raises FileExistsError: what is there may be somebody's only copy."""
        path.open("xb").close()
        self._written.append(path)
        return path


# --- pixels ----------------------------------------------------------------------------------


def _opaque(frame: I420) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="yuv420p")


def _with_alpha(frame: I420) -> av.VideoFrame:
    """The two halves as the planes of one picture."""
    alpha = _alpha(frame)
    height, width = alpha.shape
    i420 = np.asarray(cv2.cvtColor(_colours(frame, alpha), cv2.COLOR_BGR2YUV_I420), np.uint8)
    chroma = i420[height:].reshape(2, height // 2, width // 2)
    picture = av.VideoFrame(width, height, "yuva420p")
    for plane, pixels in zip(picture.planes, (i420[:height], *chroma, alpha), strict=True):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        rows[:, : plane.width] = pixels
    return picture


def _alpha(frame: I420) -> NDArray[np.uint8]:
    """(H, W), 0 to 255: the luma of the lower half, which goes from 16 to 235."""
    height = frame.shape[0] // 3
    luma = frame[height : height * 2].astype(np.int32) - 16
    return np.clip((luma * 255 + 109) // 219, 0, 255).astype(np.uint8)


def _colours(frame: I420, alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) BGR, not darkened by what is missing.

    Where little or nothing is seen it is the colour of what is around, also for the decoder, whose
    chroma has half the resolution.
    """
    dark = _bgr(frame)[: alpha.shape[0]].astype(np.float32)
    share = alpha.astype(np.float32) / 255
    around, shares = (cv2.blur(part, (9, 9)) for part in (dark, share))
    vague = around / np.maximum(shares, 1 / 255)[..., None]
    sharp = dark / np.maximum(share, 1 / 255)[..., None]
    colours = np.where((share > SURE)[..., None], sharp, vague)
    return np.clip(colours + 0.5, 0, 255).astype(np.uint8)


def _bgr(frame: I420) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_I420), np.uint8)


def _bgra(frame: I420) -> NDArray[np.uint8]:
    alpha = _alpha(frame)
    return np.dstack([_colours(frame, alpha), alpha])
