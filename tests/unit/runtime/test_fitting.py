import pytest

from rtav.runtime.fitting import FaceSettings, Fitting
from rtav.runtime.peer import VideoFormat

H264 = VideoFormat(codec="h264", max_pixels=921_600)
VP8 = VideoFormat(codec="vp8", max_pixels=1 << 30)


def fitted(
    video: VideoFormat | None, fps: float | None, scale: float, *, size_px: int = 512
) -> tuple[float, float]:
    settings = FaceSettings(size_px=size_px, fps=30, bitrate=800_000)
    return Fitting(settings=settings, video=video).fit(fps, scale)


@pytest.mark.parametrize("video", [H264, VP8])
def test_who_wishes_nothing_gets_what_the_operator_chose(video: VideoFormat) -> None:
    assert fitted(video, None, 1.0) == (30.0, 1.0)


def test_the_level_of_h264_bounds_the_size_and_then_the_rate() -> None:
    assert fitted(H264, 60, 1.0) == (60.0, 1.0)
    assert fitted(H264, 60, 2.0) == (30.0, 1.875)
    assert fitted(H264, None, 1.0, size_px=1024) == (30.0, 0.9375)


def test_vp8_has_no_level() -> None:
    assert fitted(VP8, 60, 2.0) == (60.0, 2.0)


def test_pictures_in_events_are_few_and_small() -> None:
    assert fitted(None, 60, 2.0) == (10.0, 1.0)
    assert fitted(None, 4.4, 0.5) == (4.0, 0.5)


def test_a_scale_is_shown_as_the_steps_of_the_size_make_it() -> None:
    assert fitted(VP8, 25, 0.77) == (25.0, 0.75)


def test_there_is_always_a_picture() -> None:
    assert fitted(VP8, 0.1, 0.01) == (1.0, 0.125)
