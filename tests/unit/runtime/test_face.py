from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rtav import metrics
from rtav.core.sight import Sight
from rtav.engines.look import PLAIN, Look
from rtav.errors import EngineFailed
from rtav.media.pcm import TICK_SAMPLES
from rtav.runtime.face import Face
from rtav.runtime.fitting import FaceSettings
from rtav.runtime.peer import VideoFormat
from rtav.runtime.picture import MAX_FAILURES
from rtav.runtime.playout import Playout
from rtav.runtime.stage import Stage, Threads
from rtav.testing.calls import InlineExecutor
from rtav.testing.face import ScriptedAvatar, ScriptedFace
from rtav.testing.virtual import VirtualLoop

SETTINGS = FaceSettings(size_px=512, fps=25, bitrate=800_000)
H264 = VideoFormat(codec="h264", max_pixels=921_600)
VP8 = VideoFormat(codec="vp8", max_pixels=1 << 30)


class Sizes(ScriptedAvatar):
    """Notes how faces are opened."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, int, int]] = []

    def open(
        self, face: str, *, size_px: int, fps: int, seed: int | None, look: Look = PLAIN
    ) -> ScriptedFace:
        self.asked.append((face, size_px, fps))
        return super().open(face, size_px=size_px, fps=fps, seed=seed, look=look)


class Studio:
    """A face on a stage without threads."""

    def __init__(self, engine: Any = None, video: VideoFormat = H264) -> None:
        threads = Threads(render=InlineExecutor(), encode=InlineExecutor(), load=InlineExecutor())
        self.loop = VirtualLoop()
        self.engine = engine or Sizes()
        self.playout = Playout(lambda turn, upto: None)
        self.at = 0
        self.codecs: list[str] = []
        self.loop.run_until_complete(self._make(threads, video))

    async def _make(self, threads: Threads, video: VideoFormat) -> None:
        self.face = Face(
            engine=self.engine,
            stage=Stage(threads),
            playout=self.playout,
            video=video,
            use=self.codecs.append,
            settings=SETTINGS,
        )

    def frame(self) -> list[bytes] | None:
        """The next frame's payloads."""
        self.at += TICK_SAMPLES
        if not self.face.request(self.at):
            return None
        return self.face.take(self.at)  # type: ignore[return-value]

    def settle(self) -> None:
        """Let the loop do what waits."""

        async def nothing() -> None: ...

        self.loop.run_until_complete(nothing())


@pytest.fixture
def studio() -> Iterator[Studio]:
    made = Studio()
    yield made
    made.loop.close()


def test_without_a_face_there_is_no_frame(studio: Studio) -> None:
    assert studio.frame() is None


def test_a_face_is_opened_once_however_often_it_is_shown(studio: Studio) -> None:
    studio.face.show("face1")
    studio.face.show("face1")

    assert studio.engine.asked == [("face1", 512, 25)]
    assert studio.frame()


def test_a_new_face_goes_on_with_the_motion_of_the_old_one(studio: Studio) -> None:
    studio.face.show("face1")
    studio.face.drive(("Wink", "default"), at=960)
    studio.face.show("face2")
    studio.frame()

    assert studio.engine.opened[1].drives == [(("Wink", "default"), 960)]


def test_a_face_shows_what_the_playout_sounds_like(studio: Studio) -> None:
    track = studio.playout.track(1)
    track.add(np.ones(4_800, np.int16), ())
    studio.playout.play(1)
    studio.playout.read(0)
    studio.face.show("face1")

    studio.frame()

    assert studio.engine.opened[0].moments[0].speech_at == TICK_SAMPLES


@pytest.mark.parametrize(
    ("factor", "video", "size_px"),
    [
        (1.0, H264, 512),
        (0.5, H264, 256),
        (2.0, H264, 960),
        (2.0, VP8, 1_024),
        (0.77, H264, 384),
        (0.05, H264, 64),
    ],
)
def test_sizes_are_multiples_of_16_that_the_negotiated_level_carries(
    factor: float, video: VideoFormat, size_px: int
) -> None:
    studio = Studio(video=video)
    studio.face.see(Sight(fps=25, scale=factor))
    studio.face.show("face1")

    assert studio.engine.asked == [("face1", size_px, 25)]
    studio.loop.close()


def test_another_size_opens_the_face_again_with_its_motion(studio: Studio) -> None:
    studio.face.show("face1")
    studio.face.drive(("default",), at=480)

    studio.face.see(Sight(fps=25, scale=0.5))

    studio.frame()
    assert [size for _, size, _ in studio.engine.asked] == [512, 256]
    assert studio.engine.opened[1].drives == [(("default",), 480)]
    assert studio.frame()


def test_another_rate_alone_keeps_the_face(studio: Studio) -> None:
    studio.face.show("face1")

    studio.face.see(Sight(fps=12.4, scale=1.0))

    assert studio.face.fps == 12
    assert len(studio.engine.asked) == 1


@pytest.mark.parametrize(
    ("video", "factor", "fps"), [(H264, 1.0, 60), (H264, 2.0, 30), (VP8, 2.0, 60)]
)
def test_a_rate_is_lowered_to_what_the_level_carries_at_this_size(
    video: VideoFormat, factor: float, fps: int
) -> None:
    studio = Studio(video=video)

    studio.face.see(Sight(fps=60.0, scale=factor))

    assert studio.face.fps == fps
    studio.loop.close()


def test_a_frame_is_handed_over_once(studio: Studio) -> None:
    studio.face.show("face1")
    studio.face.request(480)

    assert studio.face.take(480)
    assert studio.face.take(480) is None


def test_a_dropped_frame_is_counted(studio: Studio) -> None:
    counter = metrics.frames_dropped_total.labels(reason="late")
    before = counter._value.get()  # noqa: SLF001 - the library has no other way to read one

    studio.face.drop(480)

    assert counter._value.get() == before + 1  # noqa: SLF001


def test_a_closed_face_draws_nothing(studio: Studio) -> None:
    studio.face.show("face1")
    studio.face.close()

    assert studio.frame() is None


def test_a_face_that_always_fails_is_given_up_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Sizes):
        def open(
            self, face: str, *, size_px: int, fps: int, seed: int | None, look: Look = PLAIN
        ) -> ScriptedFace:
            opened = super().open(face, size_px=size_px, fps=fps, seed=seed, look=look)

            def render(moment: Any) -> Any:
                raise EngineFailed("scripted-avatar", "no paint")

            opened.render = render  # type: ignore[method-assign]
            return opened

    studio = Studio(Broken())
    studio.face.show("face1")
    for _ in range(2 * MAX_FAILURES):
        studio.frame()
    studio.settle()

    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == [
        "the face has stopped: it failed too often"
    ]
    studio.loop.close()
