"""A drawn woman: flat colours, one shadow tone and ink lines, on layers with depth."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from anatomy import BODY, EYES, HAIR_BACK, HEAD, SKIN
from heads import CAMERA_Y, CAMERA_Z, FOCAL, Person
from ink import DESIGN_PX, Curve, Mask, Points, Sheet, even, mirrored, rgb, spline, taper
from march import OF_CLOTH, OF_EYE, OF_HAIR, OF_SKIN, Picture
from numpy.typing import NDArray

INK = "#43222f"
SKIN_SHADE = "#e3a183"
SKIN_LIGHT = "#ffe4cb"
BLUSH = "#ef8f7a"
BROW = "#6e2b25"
LIP_UPPER, LIP_LOWER, LIP_LIGHT = "#c9605a", "#de7f72", "#f2a596"
HAIR_SHADE, HAIR_DEEP, HAIR_LIGHT = "#9c3a2b", "#74261f", "#f09a58"
WHITE, WHITE_SHADE = "#fffaf3", "#d3cbd9"

OVERSAMPLING = 4
EYE = (71.5, 268.3)  # px, the subject's left; the middle of the opening
PARTING = (26.0, 102.0)

FACE: Points = [
    (0, 92), (72, 98), (120, 132), (142, 190), (147, 250), (143, 306), (131, 360), (105, 418),
    (66, 465), (30, 488), (0, 493), (-30, 488), (-66, 465), (-105, 418), (-131, 360), (-143, 306),
    (-147, 250), (-142, 190), (-120, 132), (-72, 98),
]  # fmt: skip
CROWN: Points = [
    (-186, 350), (-199, 262), (-182, 160), (-126, 84), (-44, 50), (20, 46), (94, 62), (156, 110),
    (190, 184), (200, 262), (188, 350),
]  # fmt: skip
HAIRLINE: Points = [
    (160, 300), (148, 226), (108, 164), (60, 124), (26, 108), (-40, 140), (-118, 196), (-150, 240),
    (-160, 300),
]  # fmt: skip


LOCK_POINTS = 120


class Lock(NamedTuple):
    """A ribbon of hair: its middle line from the root to the tip, and its width in px."""

    spine: Points
    width: float
    root: float = 0.35
    """Share of the width that it has at the root."""


FRINGE = (  # from the back to the front
    Lock([(34, 98), (92, 108), (148, 166), (176, 250), (182, 340), (168, 420), (182, 500)], 46),
    Lock(
        [(20, 98), (-72, 108), (-142, 172), (-172, 262), (-180, 350), (-166, 430), (-182, 510)], 48
    ),
    Lock([(32, 101), (82, 124), (126, 180), (150, 250), (159, 322), (150, 392)], 40),
    Lock([(22, 100), (-52, 120), (-114, 182), (-147, 254), (-158, 332), (-146, 410)], 44),
    Lock([(30, 103), (64, 138), (102, 186), (130, 228), (152, 276)], 38),
    Lock([(25, 102), (-22, 130), (-80, 180), (-122, 234), (-148, 296)], 46),
    Lock([(28, 104), (4, 136), (-40, 176), (-88, 210), (-128, 228)], 30),
)  # fmt: skip
CURTAIN = (
    Lock([(60, 170), (140, 200), (184, 300), (196, 420), (190, 500), (214, 572)], 70, 0.8),
    Lock([(140, 300), (160, 400), (164, 480), (150, 550), (166, 604)], 66, 0.8),
    Lock([(120, 330), (134, 420), (136, 490), (116, 548), (96, 580)], 50, 0.8),
    Lock([(-60, 170), (-140, 200), (-184, 300), (-198, 420), (-192, 500), (-218, 566)], 70, 0.8),
    Lock([(-140, 300), (-162, 400), (-168, 480), (-152, 552), (-172, 604)], 66, 0.8),
    Lock([(-120, 330), (-136, 420), (-138, 490), (-116, 550), (-92, 584)], 50, 0.8),
)


def photograph(person: Person, scene: int, size: int) -> Picture:
    """Draw one scene `size` pixels square."""
    draw = {SKIN: _head, BODY: _body, EYES: _eyes, HEAD: _hair_front, HAIR_BACK: _hair_back}[scene]
    sheet = draw(person, size)
    material = {BODY: OF_CLOTH, EYES: OF_EYE, HEAD: OF_HAIR, HAIR_BACK: OF_HAIR}.get(scene, OF_SKIN)
    materials = np.where(sheet.cover >= 128, material, 0)
    return Picture(_position(scene, size), materials, sheet.colour)


def _position(scene: int, size: int) -> NDArray[np.float32]:
    """(size, size, 3): every pixel of the drawing at its depth."""
    centres = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(centres, -centres)
    z = np.full_like(x, 0.5)
    for _ in range(3):  # where a pixel is depends on its depth
        scale = FOCAL / (CAMERA_Z - z)
        hx, hy = x / scale, y / scale + CAMERA_Y
        z = _depth(scene, hx, hy)
    return np.stack([hx, hy, z], -1).astype(np.float32)


def _depth(scene: int, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    if scene == SKIN:
        away = (x / 0.78) ** 2 + ((y - 0.15) / 1.35) ** 2
        z = 0.05 + 0.72 * np.sqrt(np.clip(1 - away, 0.0, 1))
        z += 0.17 * np.exp(
            -((x / 0.12) ** 2) - (np.maximum(np.abs(y + 0.16) - 0.06, 0) / 0.17) ** 2
        )
        return z + 0.05 * np.exp(-((x / 0.22) ** 2) - ((y + 0.50) / 0.16) ** 2)
    if scene == HEAD:
        away = (x / 0.98) ** 2 + ((y - 0.2) / 1.15) ** 2
        return 0.05 + 0.74 * np.sqrt(np.clip(1 - away, 0.03, 1))
    return np.full_like(x, -0.15)


# --- the head ----------------------------------------------------------------------------------


def _head(person: Person, size: int) -> Sheet:
    skin = person.colours[0]
    sheet = Sheet(size, INK)
    outline = spline(FACE, closed=True)
    face = sheet.fill(outline, skin, within=None)
    _shadows(sheet, face)
    for side in (1, -1):
        _cheek(sheet, side, face)
        _brow(sheet, side)
    _nose(sheet, face)
    _lips(sheet, person)
    jaw = spline(
        [p for p in FACE if p[1] > 240 and p[0] >= 0] + [p for p in FACE if p[1] > 240 and p[0] < 0]
    )
    sheet.line(jaw, taper(5.0, start=0.5, end=0.5), INK, within=None)
    return sheet


def _shadows(sheet: Sheet, face: Mask) -> None:
    aside = spline(
        [(152, 200), (152, 200), (131, 246), (124, 310), (113, 358), (84, 414), (52, 452),
         (22, 475), (4, 486), (4, 486), (40, 520), (170, 520), (170, 200)], closed=True
    )  # fmt: skip
    sheet.fill(aside, SKIN_SHADE, within=face)
    shadow = np.zeros_like(face)
    for lock in FRINGE:
        spine = [(x * 0.97 + 5, y + 15) for x, y in lock.spine]
        shadow = np.maximum(shadow, sheet.mask(_ribbon(Lock(spine, lock.width + 4, 0.5))))
    top = sheet.mask(
        spline(
            [(-170, 60), (170, 60), (158, 226), (108, 178), (26, 124), (-118, 212), (-158, 256)],
            closed=True,
        )
    )
    sheet.paint(np.maximum(shadow, top), SKIN_SHADE, within=face)
    sheet.ellipse((2, 443), (18, 4.0), SKIN_SHADE, within=face)


def _cheek(sheet: Sheet, side: int, face: Mask) -> None:
    sheet.ellipse((side * 91, 340), (33, 18), BLUSH, turn=-side * 0.12, opacity=0.30, within=face)
    for i in (-1, 0, 1):
        x = side * 92 + i * 11
        stroke = np.array([(x + 4.5, 332.0), (x - 4.5, 347.0)])
        sheet.line(spline(stroke), taper(2.6), "#d9685c", opacity=0.75, within=face)
    rng = np.random.default_rng(8 + side)
    for x, y in zip(rng.uniform(34, 122, 9), rng.uniform(318, 352, 9), strict=True):
        dot = rng.uniform(1.2, 1.9)
        sheet.ellipse((side * x, y), (dot, dot), "#b96a4b", opacity=0.7, within=face)


def _brow(sheet: Sheet, side: int) -> None:
    above = [(36, 195), (62, 190), (94, 190), (131, 207)]
    below = [(131, 207), (96, 199), (65, 200), (39, 204), (33, 200), (36, 195)]
    points = [*above, *below]
    sheet.fill(spline(points if side > 0 else mirrored(points)), BROW, within=None)


def _nose(sheet: Sheet, face: Mask) -> None:
    under = spline(
        [(-13, 347), (-13, 347), (0, 338), (14, 338), (20, 346), (10, 353), (0, 356)], closed=True
    )
    sheet.fill(under, SKIN_SHADE, within=face)
    sheet.line(
        spline([(-13, 347), (-7, 352), (0, 353), (8, 352), (15, 346)]), taper(3.2), INK, within=face
    )
    sheet.line(spline([(11, 290), (15, 312), (19, 330)]), taper(2.6), "#c27a62", within=face)
    sheet.fill(
        spline([(-5, 318), (2, 312), (4, 326), (-3, 332)], closed=True), SKIN_LIGHT, within=face
    )


def _lips(sheet: Sheet, person: Person) -> None:
    half_width, seam = person.features.mouth.half_width, person.features.mouth.seam
    u = np.linspace(-1, 1, 61)
    line = _projected(u * half_width, seam(u * half_width))
    rise = 13.0 * (1 - np.abs(u) ** 1.7) - 3.4 * np.exp(-((u / 0.14) ** 2))
    fall = 16.0 * (1 - np.abs(u) ** 2.6)
    upper = np.concatenate([line, (line - np.stack([0 * u, rise], 1))[::-1]])
    lower = np.concatenate([line, (line + np.stack([0 * u, fall], 1))[::-1]])
    sheet.fill(upper, LIP_UPPER, within=None)
    red = sheet.fill(lower, LIP_LOWER, within=None)
    sheet.ellipse((-8, 420), (13, 3.2), LIP_LIGHT, within=red)
    beyond = u * half_width * 1.03
    corners = _projected(beyond, seam(beyond))
    sheet.line(corners, taper(4.0, start=0.1, end=0.1), INK, within=None)


def _projected(x: NDArray[np.float64], y: NDArray[np.float64]) -> Curve:
    """Where points of the face are in the drawing."""
    scale = FOCAL / (CAMERA_Z - _depth(SKIN, x, y)) * DESIGN_PX / 2
    return np.stack([x * scale, DESIGN_PX / 2 - (y - CAMERA_Y) * scale], 1)


# --- hair --------------------------------------------------------------------------------------


def _ribbon(lock: Lock) -> Curve:
    spine = even(spline(lock.spine), LOCK_POINTS)
    half = _half_widths(lock, len(spine))[:, None]
    normal = _normals(spine)
    return np.concatenate([spine + normal * half, (spine - normal * half)[::-1]])


def _half_widths(lock: Lock, n: int) -> Curve:
    t = np.linspace(0, 1, n)
    return (
        lock.width
        / 2
        * (lock.root + (1 - lock.root) * np.sin(np.pi * np.clip(t / 0.9, 0, 1) / 2))
        * (1 - t**3.2)
    )


def _normals(curve: Curve) -> Curve:
    tangent = np.gradient(curve, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-6)[:, None]
    return np.stack([-tangent[:, 1], tangent[:, 0]], 1)


def _lock(
    sheet: Sheet, lock: Lock, colours: tuple[str, str], light: tuple[float, float] | None
) -> None:
    """Flat, darker on its right side, with ink along both edges."""
    base, shade = colours
    spine, n = even(spline(lock.spine), LOCK_POINTS), LOCK_POINTS
    half, normal = _half_widths(lock, n)[:, None], _normals(spine)
    if normal[n // 2, 0] < 0:
        normal = -normal  # towards the viewer's right, away from the lamp
    edge = spine + normal * half
    other = spine - normal * half
    mask = sheet.fill(np.concatenate([edge, other[::-1]]), base, within=None)
    inner = spine + normal * half * 0.25
    sheet.fill(np.concatenate([edge, inner[::-1]]), shade, within=mask)
    if light is not None:
        a, b = (int(n * t) for t in light)
        for share, more in ((-0.55, 0), (-0.28, 5), (-0.02, -3)):
            strand = (spine + normal * half * share)[max(0, a - more) : b + more]
            sheet.line(strand, taper(lock.width * 0.15), HAIR_LIGHT, within=mask)
    for share, width in ((0.55, 2.0), (-0.15, 1.6)):
        strand = (spine + normal * half * share)[int(n * 0.45) : int(n * 0.93)]
        sheet.line(strand, taper(width), INK, opacity=0.8, within=mask)
    sheet.line(other[int(n * 0.12) :], taper(4.0, end=0.2), INK, within=None)
    sheet.line(edge[int(n * 0.12) :], taper(4.0, end=0.2), INK, within=None)


def _hair_front(person: Person, size: int) -> Sheet:
    hair = person.colours[2]
    sheet = Sheet(size, INK)
    crown = spline(CROWN)
    cap = sheet.fill(np.concatenate([crown, spline(HAIRLINE)]), hair, within=None)
    dark = spline(
        [(60, 40), (210, 90), (220, 360), (150, 330), (176, 250), (160, 170), (120, 110)],
        closed=True,
    )
    sheet.fill(dark, HAIR_SHADE, within=cap)
    for i, (x, y) in enumerate(crown[6:-6:5]):
        bend = (0.62 * x + 0.2 * PARTING[0], 0.52 * y + 0.30 * PARTING[1])
        n = LOCK_POINTS
        strand = even(spline([PARTING, bend, (x, y + 6)]), n)
        if not -70 < x < 110:
            a = int(n * (0.44 + 0.05 * math.sin(i * 2.4)))
            sheet.line(strand[a : a + int(n * 0.24)], taper(9.0), HAIR_LIGHT, within=cap)
        if i % 2:
            sheet.line(
                strand[int(n * 0.08) : int(n * 0.5)], taper(2.0), INK, opacity=0.7, within=cap
            )
    sheet.line(crown, taper(5.5, start=0.5, end=0.5), INK, within=None)
    for lock in FRINGE:
        dark = lock.spine[-1][0] > 0
        base = hair
        _lock(sheet, lock, (base, HAIR_SHADE), (0.30, 0.44) if not dark else (0.30, 0.40))
    return sheet


def _hair_back(person: Person, size: int) -> Sheet:
    sheet = Sheet(size, INK)
    for lock in CURTAIN:
        _lock(sheet, lock, (HAIR_SHADE, HAIR_DEEP), None)
    return sheet


# --- body and eyes -----------------------------------------------------------------------------


def _body(person: Person, size: int) -> Sheet:
    skin, _, _, cloth, _ = person.colours
    sheet = Sheet(size, INK)
    behind = spline(
        [
            (-150, 300),
            (150, 300),
            (176, 460),
            (150, 590),
            (60, 600),
            (-60, 600),
            (-150, 590),
            (-176, 460),
        ],
        closed=True,
    )
    sheet.fill(behind, HAIR_DEEP, within=None)
    shoulders = [(54, 540), (60, 578), (100, 600), (190, 622), (246, 654), (276, 740)]
    body = spline([*mirrored(shoulders)[::-1], *shoulders, (276, 760), (-276, 760)], closed=True)
    neck = spline(
        [
            (-54, 420),
            (54, 420),
            (55, 520),
            (70, 580),
            (60, 640),
            (0, 668),
            (-60, 640),
            (-70, 580),
            (-55, 520),
        ],
        closed=True,
    )
    sheet.fill(body, skin, within=None)
    chest = sheet.fill(neck, skin, within=None)
    sheet.fill(
        spline(
            [
                (-70, 400),
                (70, 400),
                (70, 600),
                (46, 612),
                (34, 572),
                (0, 562),
                (-40, 548),
                (-70, 520),
            ],
            closed=True,
        ),
        SKIN_SHADE,
        within=chest,
    )
    for side in (1, -1):
        sheet.line(
            spline([(side * 54, 470), (side * 55, 525), (side * 64, 566)]),
            taper(5.0, start=0.6),
            INK,
            within=None,
        )
    collar = [(86, 578), (84, 606), (54, 640), (0, 654)]
    neckline = [*mirrored(collar), *collar[::-1][1:]]
    sweater = spline(
        [
            *neckline,
            (120, 592),
            (190, 616),
            (248, 650),
            (280, 740),
            (0, 780),
            (-280, 740),
            (-248, 650),
            (-190, 616),
            (-120, 592),
        ],
        closed=True,
    )
    mask = sheet.fill(sweater, cloth, within=None)
    shade = "#232d52"
    sheet.fill(
        spline([(290, 600), (200, 640), (150, 700), (130, 760), (300, 760)], closed=True),
        shade,
        within=mask,
    )
    sheet.fill(
        spline([(-200, 640), (-160, 690), (-150, 760), (-190, 760), (-184, 700)], closed=True),
        shade,
        within=mask,
    )
    sheet.line(sweater, taper(5.0, start=1.0, end=1.0), INK, within=None)
    band = spline(neckline)
    sheet.line(band, taper(20, start=0.9, end=0.9), INK, within=None)
    sheet.line(band, taper(13, start=0.9, end=0.9), "#f4ead9", within=None)
    return sheet


def _eyes(person: Person, size: int) -> Sheet:
    iris = person.colours[4]
    sheet = Sheet(size, WHITE)
    for side in (1, -1):
        x, y = side * EYE[0], EYE[1]
        white = sheet.ellipse((x, y), (62, 62), WHITE, within=None)
        sheet.ellipse((x, y - 50), (64, 34), WHITE_SHADE, within=white)
        at = (x - side * 2.5, y + 1)
        ring = sheet.ellipse(at, (29.0, 30.0), "#1d2f33", within=None)
        inner = sheet.ellipse(at, (25.2, 26.2), iris, within=ring)
        sheet.ellipse((at[0], at[1] - 18), (28, 19), "#2e5d58", within=inner)
        sheet.ellipse((at[0], at[1] + 13), (13, 8), "#8fd0ae", within=inner)
        sheet.ellipse(at, (11.5, 12.5), "#14171f", within=ring)
        sheet.ellipse((at[0] + 9, at[1] + 11), (4.2, 4.2), "#ffffff", within=ring)
    return sheet


def inside(_: Person) -> dict[str, NDArray[np.float32]]:
    """What an open mouth shows: flat teeth of one piece each, and a tongue of two tones."""
    return {
        "teeth_upper": _teeth(),
        "teeth_lower": np.ascontiguousarray(_teeth()[::-1]),
        "tongue": _tongue(),
    }


def _teeth() -> NDArray[np.float32]:
    h, w = 150, 420
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    u = np.abs(xx / w - 0.5) * 2
    edge = h * (0.92 - 0.42 * u**2)
    cover = np.clip((edge - yy) / 3, 0, 1) * np.clip((0.97 - u) * w / 6, 0, 1)
    shade = np.clip((yy - 0.34 * h) / 4, 0, 1)[..., None]
    colour = bgr(WHITE_SHADE) * (1 - shade) + bgr(WHITE) * shade
    return np.dstack([colour * cover[..., None], cover]).astype(np.float32)


def _tongue() -> NDArray[np.float32]:
    h, w = 160, 300
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    away = np.hypot((xx - w / 2) / (w / 2), (yy - h * 0.62) / (h * 0.60))
    light = np.hypot((xx - w * 0.42) / (w * 0.30), (yy - h * 0.36) / (h * 0.22))
    cover, lit = np.clip((1 - away) * 40, 0, 1), np.clip((1 - light) * 20, 0, 1)[..., None]
    colour = bgr("#c9525a") * (1 - lit) + bgr("#e27a77") * lit
    return np.dstack([colour * cover[..., None], cover]).astype(np.float32)


def backdrop(person: Person, size: int) -> NDArray[np.float32]:
    """(size, size, 3) BGR, 0 to 255: a disc on a plain wall."""
    wall, disc = (bgr(colour) * 255 for colour in person.backdrop)
    yy, xx = (np.mgrid[0:size, 0:size] + 0.5) / size * DESIGN_PX
    away = np.hypot(xx - DESIGN_PX / 2, yy - 330)
    share = np.clip((292 - away) * size / DESIGN_PX + 0.5, 0, 1)[..., None]
    return (wall * (1 - share) + disc * share).astype(np.float32)


def bgr(hexadecimal: str) -> NDArray[np.float32]:
    return rgb(hexadecimal)[::-1]
