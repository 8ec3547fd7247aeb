"""The built-in face: a layered portrait on the CPU, about 2 ms a frame, without model weights."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from random import Random

import cv2

import rtav
from rtav.engines.avatar.arkit import expression
from rtav.engines.avatar.background import read_background
from rtav.engines.avatar.face import read_face
from rtav.engines.avatar.motion import Motion, read_motion
from rtav.engines.avatar.nature import Nature
from rtav.engines.avatar.performance import Performance
from rtav.engines.avatar.renderer import Renderer
from rtav.engines.avatar.staging import Staging
from rtav.engines.base import Capabilities, Expression, FaceInfo, Moment, MotionInfo
from rtav.engines.look import PLAIN, Look
from rtav.errors import ConfigError, EngineUnavailable
from rtav.media.pcm import I420, SESSION_RATE_HZ

ASSETS = Path(rtav.__file__).parent / "assets"
DEFAULT = "default"
MAX_ASSETS = 8  # faces times sizes and looks kept for the next call; 20 to 40 MB each at 512 px
MAX_PX = 6_000_000  # of the squares of all that are kept: 70 bytes each, and callers choose sizes


class PortraitAvatar:
    """Faces and motions of the assets folder, and of the folder `assets` if one is given.

    That has `faces/<id>/` and `driving/<name>.json` as ours has; what is named alike replaces
    ours. Shared by all calls; `open` may be called from any thread.
    """

    def __init__(self, *, assets: str | None = None, **unknown: object) -> None:
        for name in unknown:
            raise ConfigError(f"avatar.portrait.{name}", "no such option; there is only `assets`")
        self._roots = [ASSETS] if assets is None else [ASSETS, Path(assets)]
        self._faces: dict[str, FaceInfo] = {}
        self._folders: dict[str, Path] = {}
        self._motions: dict[str, Motion] = {}
        self._adopted: dict[str, Path] = {}
        self._backgrounds: dict[str, Path] = {}
        self._adopted_motions: dict[str, Motion] = {}
        self._lock = threading.Lock()
        self._stagings: OrderedDict[tuple[str, int, Look], Staging] = OrderedDict()
        self.common = Nature(Random())
        """Of all faces that live in step."""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            name="portrait",
            runs_in="thread",
            description="layered 3-D portrait, CPU only; an animated character, not a photograph",
        )

    async def start(self) -> None:
        cv2.setNumThreads(1)  # frames are too small to share; the pool's hand-overs cost more
        for root in self._roots:
            if not root.is_dir():
                raise EngineUnavailable("portrait", f"{root} is missing")
            for folder in sorted((root / "faces").glob("*/")):
                self._add_face(root, folder)
            for path in sorted((root / "driving").glob("*.json")):
                motion = read_motion(path)
                self._motions[motion.name] = motion
        if not self._faces:
            raise EngineUnavailable("portrait", f"{ASSETS / 'faces'} holds no face")
        if DEFAULT not in self._motions:
            raise EngineUnavailable("portrait", f"{ASSETS / 'driving' / 'default.json'} is missing")

    async def close(self) -> None:
        with self._lock:
            self._stagings.clear()

    def faces(self) -> Sequence[FaceInfo]:
        return tuple(self._faces.values())

    def motions(self) -> Sequence[MotionInfo]:
        return tuple(
            MotionInfo(
                id=m.name,
                name=m.name,
                duration_s=m.duration_s,
                loops=m.loops,
                description=m.description,
            )
            for m in self._motions.values()
        )

    def open(
        self, face: str, *, size_px: int, fps: int, seed: int | None, look: Look = PLAIN
    ) -> Portrait:
        """See `AvatarEngine.open`. Raises KeyError for an unknown face, ValueError for a size
        that is not a multiple of 16 from 128 to 1024, and for a background that is not there or
        that the face cannot have. Any `fps` will do."""
        del fps  # a frame depends on its moment alone
        if not self._faces:
            raise EngineUnavailable("portrait", "not started")
        return Portrait(self, face=face, size_px=size_px, seed=seed, look=look)

    def act(self) -> PortraitActor:
        """See `Acts`."""
        return PortraitActor(self)

    def staging(self, face: str, size_px: int, look: Look) -> Staging:
        """The face at a size, loaded if it is not at hand. Raises KeyError, ValueError."""
        key = (self._resolve_face(face), size_px, look)
        with self._lock:  # held while loading: two calls must not load the same face
            staging = self._stagings.get(key)
            if staging is None:
                face_file = read_face(self._folders[key[0]])
                behind = self._backgrounds.get(look.background)
                picture = None if behind is None else read_background(behind)
                staging = self._stagings[key] = Staging(face_file, size_px, look, picture)
                for asset in staging.assets:  # the first frame would find 20 MB of untouched memory
                    Renderer(asset).render({})
                while self._keeps_too_much():
                    self._stagings.popitem(last=False)
            self._stagings.move_to_end(key)
            return staging

    @property
    def kept_px(self) -> int:
        """Of all squares that are at hand for the next call."""
        return sum(staging.pixels for staging in self._stagings.values())

    def _keeps_too_much(self) -> bool:
        count = len(self._stagings)  # the last one is on its way to a call
        return count > MAX_ASSETS or (count > 1 and self.kept_px > MAX_PX)

    def motion(self, name: str) -> Motion:
        """The motion called `name`, exactly or but for its case. Raises KeyError."""
        folder = self._adopted.get(name)
        if folder is None:
            return find_motion(self._motions, name)
        motion = self._adopted_motions.get(name)
        if motion is None:
            motion = self._adopted_motions[name] = read_motion(folder / "motion.json")
        return motion

    # --- what callers have brought -----------------------------------------------------------

    preparer = "rtav.engines.avatar.preparing"

    def adopt_face(self, face: str, folder: Path) -> None:
        self._folders[face] = folder

    def adopt_motion(self, motion: str, folder: Path) -> None:
        self._adopted[motion] = folder

    def adopt_background(self, background: str, folder: Path) -> None:
        self._backgrounds[background] = folder

    def forget(self, asset: str) -> None:
        for known in (self._folders, self._backgrounds, self._adopted, self._adopted_motions):
            known.pop(asset, None)  # what is at hand of it is pushed out by others

    def _add_face(self, root: Path, folder: Path) -> None:
        face = read_face(folder)
        preview = folder / "preview.png"
        is_public = root == ASSETS and preview.is_file()  # only that folder is served
        self._folders[face.id] = folder
        self._faces[face.id] = FaceInfo(
            id=face.id,
            name=face.name,
            preview=preview.relative_to(root).as_posix() if is_public else None,
            voice=face.voice,
            has_outline=face.has_outline,
        )

    def _resolve_face(self, face: str) -> str:
        if face == DEFAULT and DEFAULT not in self._faces:
            return next(iter(self._faces))
        if face not in self._folders:
            raise KeyError(face)
        return face


def find_motion(motions: Mapping[str, Motion], name: str) -> Motion:
    """Match `name` exactly, then without regard to case. Raises KeyError."""
    exact = motions.get(name)
    if exact is not None:
        return exact
    for known, motion in motions.items():
        if known.lower() == name.lower():
            return motion
    raise KeyError(name)


class Portrait:
    """The face of one call; see `Avatar`."""

    def __init__(
        self, engine: PortraitAvatar, *, face: str, size_px: int, seed: int | None, look: Look
    ) -> None:
        self._engine = engine
        self._size_px, self._look = size_px, look
        self.show(face)
        nature = engine.common if seed is None else Nature(Random(seed))
        self._performance = Performance(engine.motion(DEFAULT), nature)
        self._is_seeded = seed is not None

    def render(self, moment: Moment) -> I420:
        pose = self._performance.pose(moment, crowded=self._is_crowded(moment))
        if self._performance.talks:
            drawn = [renderer.speak(pose) for renderer in self._renderers]
        else:
            shared = self._performance.common is not None
            drawn = [renderer.render(pose, shared=shared) for renderer in self._renderers]
        return self._staging.compose(drawn)

    def _is_crowded(self, moment: Moment) -> bool:
        """Whether many others speak with this face at the moment."""
        if moment.speech_at is None or self._is_seeded:
            return False
        company = self._renderers[0].asset.scratch.album.company
        return company.is_crowd(self, moment.at / SESSION_RATE_HZ)

    @property
    def in_step(self) -> Hashable | None:
        """See `Avatar`."""
        common = self._performance.common
        return None if common is None or self._is_seeded else (self._staging, common)

    def drive(self, motions: Sequence[str], *, at: int) -> None:
        """See `Avatar.drive`. Raises ValueError for an empty sequence."""
        self._performance.drive([self._engine.motion(name) for name in motions], at=at)

    def show(self, face: str) -> None:
        self._staging = self._engine.staging(face, self._size_px, self._look)
        self._renderers = [Renderer(asset) for asset in self._staging.assets]


class PortraitActor:
    """See `Actor`."""

    def __init__(self, engine: PortraitAvatar) -> None:
        self._engine = engine
        self._performance = Performance(engine.motion(DEFAULT), engine.common)

    def express(self, moment: Moment) -> Expression:
        return expression(self._performance.pose(moment))

    def drive(self, motions: Sequence[str], *, at: int) -> None:
        self._performance.drive([self._engine.motion(name) for name in motions], at=at)
