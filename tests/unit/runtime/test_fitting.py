import pytest

from rtav.core.sight import Sight
from rtav.runtime.fitting import FaceSettings, Fitting
from rtav.runtime.peer import VideoFormat

H264 = VideoFormat(codec="h264", max_pixels=921_600)
VP8 = VideoFormat(codec="vp8", max_pixels=1 << 30)
BOTH = VideoFormat(codec="h264", max_pixels=921_600, other="vp8")
LEVEL_3 = VideoFormat(codec="h264", max_pixels=414_720, max_pixel_rate=10_368_000)


def fitted(
    video: VideoFormat | None, fps: float | None, scale: float, *, size_px: int = 512
) -> tuple[float | None, float]:
    sight = fit(video, Sight(fps=fps, scale=scale), size_px=size_px)
    return sight.fps, sight.scale


def fit(video: VideoFormat | None, wish: Sight, *, size_px: int = 512) -> Sight:
    settings = FaceSettings(size_px=size_px, fps=30, bitrate=800_000)
    found = Fitting(settings=settings, video=video).fit(wish)
    assert Fitting(settings=settings, video=video).fit(found) == found
    return found


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


def test_what_h264_cannot_carry_goes_as_vp8_if_that_was_offered() -> None:
    large = Sight(fps=30, scale=2.0)
    fast = Sight(fps=60, scale=1.0, framing="landscape")  # 1824 macroblocks: 59 times a second

    assert (fit(BOTH, large).codec, fit(BOTH, large).scale) == ("vp8", 2.0)
    assert (fit(BOTH, fast).codec, fit(BOTH, fast).fps) == ("vp8", 60.0)
    assert (fit(H264, fast).codec, fit(H264, fast).fps) == ("h264", 59.0)
    assert fit(BOTH, Sight(fps=60)).codec == "h264"


def test_a_codec_that_was_negotiated_may_be_wished() -> None:
    assert fit(BOTH, Sight(codec="vp8")).codec == "vp8"
    assert fit(BOTH, Sight(codec="jpeg")).codec == "h264"
    assert fit(H264, Sight(codec="vp8")).codec == "h264"


def test_a_lower_level_bounds_the_rate_too() -> None:
    assert fitted(LEVEL_3, 60, 1.0) == (39.0, 1.0)
    assert fitted(LEVEL_3, 15, 2.0) == (15.0, 1.25)


def test_a_frame_that_is_not_square_counts_whole() -> None:
    assert fit(H264, Sight(scale=1.5, framing="portrait")).scale == 1.40625
    assert fit(H264, Sight(scale=1.5, framing="landscape", background="matte")).scale == 0.96875
    assert fit(None, Sight(framing="landscape")).scale == 0.71875


def test_no_face_is_larger_than_1024() -> None:
    assert fitted(VP8, 25, 2.0, size_px=720) == (25.0, 1_024 / 720)
