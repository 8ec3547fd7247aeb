"""What `rtav render` does: a film of a face that says a text, by the engines that answer calls."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from rtav import log
from rtav.core.catalog import Catalog, Names
from rtav.engines.avatar.background import write_background
from rtav.engines.base import AdoptsAssets, Avatar, AvatarEngine, TtsEngine
from rtav.engines.look import COLOUR, MATTE, ORIGINAL, STEP_PX, Framing, Look, frame_px
from rtav.errors import ConfigError, ProtocolError
from rtav.media.egress import MAX_FPS
from rtav.media.movie import Kind, Movie, MovieFile, Stills
from rtav.runtime.film import Film, say
from rtav.server.progress import Told
from rtav.server.selection import avatar_engine, tts_engine
from rtav.server.voices import aliases
from rtav.settings import Settings

SEED = 1
"""What the face does of its own accord is the same every time."""
OWN_FACE = OWN_BACKGROUND = "own"
MAX_CHARS = 50_000
"""Of a text: about an hour of speech, which is kept in memory."""
TRANSPARENT = "transparent"
MIN_UPSAMPLE, MAX_UPSAMPLE = 0.5, 2.0
_NUMBER = re.compile(r"%0?\d?d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the options say; None: as a call would have it."""

    out: str
    """A file `*.mp4` or `*.webm`; a folder, or a pattern such as `film-%04d.png`, for pictures."""
    text: str
    face: str | None = None
    """A name, or a face's folder."""
    voice: str | None = None
    driving: Sequence[str] = ()
    size_px: int | None = None
    upsample: float | None = None
    """Instead of a size: a factor of the server's."""
    fps: int | None = None
    framing: str = "square"
    background: str = ORIGINAL
    """`original`, `#rrggbb`, `transparent` or the path of a picture."""


def render(settings: Settings, wish: Wish, *, progress: Told) -> None:
    """Make the film. Raises ConfigError naming the option, EngineError; then there is no film."""
    log.configure(level="ERROR")
    _check(wish)
    asyncio.run(_render(settings, wish, progress))


async def _render(settings: Settings, wish: Wish, progress: Told) -> None:
    tts, engine = tts_engine(settings), avatar_engine(settings)
    fps = settings.video.fps if wish.fps is None else wish.fps
    size_px = _size_px(settings, wish)
    framing, background = _framing(wish.framing), _background(wish)
    async with _started(tts), _started(engine), contextlib.AsyncExitStack() as stack:
        if background == OWN_BACKGROUND:
            stack.enter_context(_own_background(engine, Path(wish.background)))
        look = Look(framing=framing, background=background)
        names = _names(tts, engine)
        face, voice = _face(wish, engine, names)
        avatar = _opened(engine, face, size_px=size_px, fps=fps, look=look)
        motions = [_resolved(names.motions, name, "--driving") for name in wish.driving]
        voice_id = _resolved(names.voices, wish.voice or voice or "default", "--voice")
        cues = {motion.name.lower(): motion.id for motion in engine.motions()}
        film = await say(wish.text, tts=tts, voice=voice_id, motions=cues)
        if not film.track.length:
            raise ConfigError("--say", "there is nothing in it that can be said")
        default = names.motions.resolve("default", param="--driving")
        with _written(wish.out, size_px=size_px, fps=fps, look=look) as movie:
            await _draw(film, avatar, movie, fps=fps, motions=motions or [default], told=progress)


async def _draw(  # noqa: PLR0913 - what is drawn, where to, how, and who is told
    film: Film,
    avatar: Avatar,
    movie: Movie,
    *,
    fps: int,
    motions: Sequence[str],
    told: Told,
) -> None:
    for shot in film.shots(avatar, fps=fps, motions=motions):
        movie.sound(shot.pcm)
        for at, frame in shot.frames:
            movie.picture(frame, at)
        told(shot.at + len(shot.pcm), film.length)
        await asyncio.sleep(0)  # Ctrl-C is heard here


# --- what is wished --------------------------------------------------------------------------


def _check(wish: Wish) -> None:
    """What can be known before an engine is started."""
    kind_of(wish.out)
    if not wish.text.strip():
        raise ConfigError("--say", "there is no text")
    if len(wish.text) > MAX_CHARS:
        raise ConfigError("--say", f"a text has at most {MAX_CHARS} characters")
    if wish.fps is not None and not 1 <= wish.fps <= MAX_FPS:
        raise ConfigError("--fps", f"{wish.fps} is not in 1 to {MAX_FPS}")


def _names(tts: TtsEngine, engine: AvatarEngine) -> Catalog:
    return Catalog.of(
        faces=[face.id for face in engine.faces()],
        voices=[voice.id for voice in tts.voices()],
        motions=[motion.id for motion in engine.motions()],
        aliases=aliases(tts.voices()),
    )


def _resolved(names: Names, name: str, option: str) -> str:
    try:
        return names.resolve(name, param=option)
    except ProtocolError as error:
        raise ConfigError(option, error.message.partition(": ")[2]) from None


def _face(wish: Wish, engine: AvatarEngine, names: Catalog) -> tuple[str, str | None]:
    """The face's id, and the voice that suits it."""
    if wish.face is not None and (Path(wish.face) / "face.json").is_file():
        if not isinstance(engine, AdoptsAssets):
            raise ConfigError("--face", f"{engine.capabilities.name} shows no folders")
        engine.adopt_face(OWN_FACE, Path(wish.face))
        return OWN_FACE, None
    face = _resolved(names.faces, wish.face or "default", "--face")
    own = next((each.voice for each in engine.faces() if each.id == face), None)
    return face, own if own and names.voices.find(own) else None


def _opened(engine: AvatarEngine, face: str, *, size_px: int, fps: int, look: Look) -> Avatar:
    try:
        return engine.open(face, size_px=size_px, fps=fps, seed=SEED, look=look)
    except ValueError as error:
        if look.background == ORIGINAL:
            raise ConfigError("--size", str(error)) from None
        _opened(engine, face, size_px=size_px, fps=fps, look=Look())  # is the size to blame?
        raise ConfigError("--background", str(error)) from None


def _size_px(settings: Settings, wish: Wish) -> int:
    if wish.upsample is None:
        return settings.video.size_px if wish.size_px is None else wish.size_px
    if wish.size_px is not None:
        raise ConfigError("--upsample", "it excludes --size")
    if not MIN_UPSAMPLE <= wish.upsample <= MAX_UPSAMPLE:
        raise ConfigError(
            "--upsample", f"{wish.upsample:g} is not in {MIN_UPSAMPLE:g} to {MAX_UPSAMPLE:g}"
        )
    return round(settings.video.size_px * wish.upsample / STEP_PX) * STEP_PX


def _framing(name: str) -> Framing:
    for framing in get_args(Framing):
        if framing == name:
            return cast(Framing, framing)
    raise ConfigError("--framing", f"{name!r} is none of {', '.join(get_args(Framing))}")


def _background(wish: Wish) -> str:
    if wish.background == TRANSPARENT:
        if kind_of(wish.out) == "mp4":
            raise ConfigError(
                "--background", "MP4 has no transparency: name a *.webm or a folder of PNGs"
            )
        return MATTE
    if wish.background == ORIGINAL or COLOUR.fullmatch(wish.background):
        return wish.background
    if Path(wish.background).is_file():
        return OWN_BACKGROUND
    raise ConfigError(
        "--background",
        f"{wish.background!r} is neither original, #rrggbb, {TRANSPARENT} nor a picture",
    )


@contextlib.contextmanager
def _own_background(engine: AvatarEngine, picture: Path) -> Iterator[None]:
    """The engine knows the picture as OWN_BACKGROUND meanwhile."""
    if not isinstance(engine, AdoptsAssets):
        raise ConfigError("--background", f"{engine.capabilities.name} shows no pictures")
    with tempfile.TemporaryDirectory() as folder:
        try:
            write_background(picture.read_bytes(), Path(folder))
        except ProtocolError as error:
            raise ConfigError("--background", f"{picture}: {error.message}") from None
        except OSError as error:
            raise ConfigError("--background", f"{picture}: {error.strerror}") from None
        engine.adopt_background(OWN_BACKGROUND, Path(folder))
        yield


# --- where it goes ---------------------------------------------------------------------------


@contextlib.contextmanager
def _written(out: str, *, size_px: int, fps: int, look: Look) -> Iterator[Movie]:
    """What the film is written to: whole at the end, or gone. Raises ConfigError."""
    movie: Movie | None = None
    try:
        movie = _movie(out, size=frame_px(size_px, look.framing), fps=fps, look=look)
        yield movie
        movie.finish()
    except OSError as error:  # a part of a film has a name that nobody knows
        place = error.filename if kind_of(out) == "png" and error.filename else out
        raise ConfigError("OUT", f"{place}: {error.strerror or error}") from None
    finally:
        if movie is not None:
            movie.discard()


def _movie(out: str, *, size: tuple[int, int], fps: int, look: Look) -> Movie:
    path, kind, has_alpha = Path(out), kind_of(out), look.background == MATTE
    if kind == "png":
        return Stills(*pictures(out), has_alpha=has_alpha)
    return MovieFile(path, kind=kind, size=size, fps=fps, has_alpha=has_alpha)


def kind_of(out: str) -> Kind | Literal["png"]:
    """What is written where. Raises ConfigError."""
    suffix = Path(out).suffix.lower()
    if out.endswith(("/", "\\")) or not suffix or Path(out).is_dir():
        return "png"
    if suffix == ".png":
        if not _NUMBER.search(Path(out).name):
            raise ConfigError("OUT", f"{out}: pictures are numbered: name them as film-%04d.png")
        return "png"
    if suffix == ".mp4":
        return "mp4"
    if suffix == ".webm":
        return "webm"
    raise ConfigError("OUT", f"{out}: a film is *.mp4, *.webm, *-%04d.png or a folder")


def pictures(out: str) -> tuple[Callable[[int], Path], Path]:
    """The path of each picture by its number, and where the sound goes."""
    path = Path(out)
    number = _NUMBER.search(path.name)
    if number is None:
        return lambda count: path / f"{count:04d}.png", path / "sound.wav"
    before, after = path.name[: number.start()], path.name[number.end() :]
    sound = (before.rstrip("-_. ") or "sound") + ".wav"
    return lambda count: path.with_name(f"{before}{number[0] % count}{after}"), path.with_name(
        sound
    )


@contextlib.asynccontextmanager
async def _started(engine: TtsEngine | AvatarEngine) -> AsyncIterator[None]:
    try:
        await engine.start()
        yield
    finally:
        await engine.close()
