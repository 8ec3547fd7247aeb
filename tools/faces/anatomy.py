"""The heads of people as distance fields: skin, ears, lips, eyes, and where hair grows."""

from __future__ import annotations

import math

from garments import clothes, neck
from heads import LID
from sdf import bell, capsule, cut, ellipsoid, kernel, noise, step, union

# what a ray may meet
SKIN, BODY, EYES, EVERYTHING, HEAD, HAIR_BACK = range(6)


@kernel
def seam(x, h):
    """Height of the closed mouth line: a slight smile and a dip under the nose."""
    u = abs(x) / h.mouth
    return h.mouth_y + h.smile * u * u - 0.006 * bell(x, 0.05)


@kernel
def upper_lip(x, h):
    """Height of the upper lip's red above the seam."""
    u = min(1.0, abs(x) / h.mouth)
    full = 0.072 * (1 - u**2.2) - 0.012 * bell(x, 0.03) + 0.010 * bell(abs(x) - 0.055, 0.04)
    return full * h.upper_lip


@kernel
def lower_lip(x, h):
    u = min(1.0, abs(x) / (h.mouth * 0.957))
    return 0.092 * (1 - u**2.4) * h.lower_lip


@kernel
def _lip_relief(x, y, z, h):
    u = abs(x) / h.mouth
    if z < 0.3 or u > 1.6:
        return 0.0
    env = math.sqrt(max(0.0, 1 - u * u))
    d = y - seam(x, h)
    if d > 0:
        t = d / (upper_lip(x, h) + 0.016)
        b = 0.042 * env * math.exp(-(((t - 0.42) / 0.55) ** 2)) * h.lip_reach
    else:
        t = -d / (lower_lip(x, h) + 0.016)
        b = 0.055 * env * math.exp(-(((t - 0.45) / 0.50) ** 2)) * h.lip_reach
    fade = 1.0 if u < 1.0 else math.exp(-(((u - 1.0) / 0.12) ** 2))
    b -= 0.045 * bell(d, 0.013) * (0.25 + 0.75 * env) * fade  # the crease
    b -= 0.020 * bell(abs(x) - h.mouth - 0.027, 0.035) * bell(d - 0.002, 0.045)  # dimples
    b -= 0.010 * bell(x, 0.025) * bell(y - (h.mouth_y + 0.135), 0.05)  # philtrum
    b -= 0.028 * bell(x, 0.13) * bell(y - (h.mouth_y - 0.155), 0.045)  # hollow under the lip
    return b


@kernel
def fold_x(y, h):
    """Where the fold from the nose to the mouth's corner is at `y`, and its share."""
    top = h.eye_y - h.nose_length + 0.02
    t = (top - y) / (top - h.mouth_y + 0.05)
    share = step(-0.05, 0.18, t) * (1 - step(0.75, 1.12, t))
    return 0.128 * h.nose_width + (h.mouth + 0.055 - 0.128) * max(0.0, t) ** 0.85, share


@kernel
def wrinkles(x, y, z, h):
    """0 to about 1: how deep the lines of a face are here, all of them but its own age's share."""
    if z < 0.05:
        return 0.0
    ax = abs(x)
    w = 0.0
    for i in range(3):
        line = (
            h.brow_y
            + 0.165
            + 0.085 * i
            + 0.018 * math.cos(x * (5.5 + i))
            + 0.006 * noise(x * 9 + i)
        )
        w += bell(y - line, 0.0085) * step(0.46 - 0.06 * i, 0.20, ax)
    # crow's feet
    fx, fy = ax - h.eye_x - 0.10, y - h.eye_y - 0.01
    away = math.sqrt(fx * fx + fy * fy)
    if fx > 0.0:
        angle = math.atan2(fy, fx)
        ray = 0.5 + 0.5 * math.cos(angle * 11.0 + 1.2 * noise(away * 9))
        w += 0.8 * ray**3 * bell(away - 0.185, 0.06) * step(0.95, 0.5, abs(angle + 0.1))
    # bags under the eyes
    bx, by = (ax - h.eye_x) / 0.20, (y - h.eye_y) / 0.165
    w += 0.75 * bell(math.sqrt(bx * bx + by * by) - 1.0, 0.075) * step(-0.35, -0.75, by)
    w += 0.7 * bell(ax - 0.045, 0.008) * bell(y - h.brow_y - 0.02, 0.07)  # between the brows
    w += (
        0.7
        * bell(ax - h.mouth - 0.045 - 0.10 * (h.mouth_y - y), 0.012)
        * bell(y - h.mouth_y + 0.11, 0.06)
    )
    return w


@kernel
def _nose(x, y, z, h):
    ax = abs(x)
    k, w = h.nose_tip, h.nose_width
    tip_y, tip_z = h.eye_y - h.nose_length, 0.872 + h.nose_reach
    bridge = 0.060 * h.nose_bridge
    n = capsule(
        x,
        y,
        z,
        0,
        0.20,
        0.655 + 0.04 * (h.nose_bridge - 1),
        0,
        tip_y + 0.035,
        tip_z - 0.02,
        bridge,
        0.082 * k,
    )
    n = union(n, ellipsoid(x, y - tip_y, z - tip_z, 0.092 * k, 0.080 * k, 0.092), 0.08)
    wing = ellipsoid(ax - 0.090 * w, y - tip_y + 0.028, z - tip_z + 0.085, 0.058 * w, 0.056, 0.085)
    n = union(n, wing, 0.06)
    hole = ellipsoid(ax - 0.050 * w, y - tip_y + 0.089, z - tip_z + 0.025, 0.030 * w, 0.026, 0.05)
    return cut(n, -hole, 0.03)


@kernel
def _ear(x, y, z, h):
    k = 1 / h.ear
    ex, ey, ez = (abs(x) - h.skull_width - 0.005) * k, (y - 0.02) * k, (z + 0.10) * k
    shell = ellipsoid(ex + 0.25 * ez, ey, ez, 0.095, 0.235, 0.155)
    bowl = ellipsoid(ex - 0.075 + 0.25 * ez, ey - 0.01, ez - 0.075, 0.055, 0.15, 0.085)
    d = cut(shell, -bowl, 0.05)
    rim = ellipsoid(ex - 0.05 + 0.25 * ez, ey - 0.03, ez - 0.06, 0.035, 0.10, 0.035)
    d = union(d, rim, 0.04)
    d = union(d, ellipsoid(ex + 0.02, ey + 0.02, ez - 0.135, 0.035, 0.045, 0.03), 0.03)
    return d * h.ear


@kernel
def skin(x, y, z, h):
    """The head with its lids closed, without neck."""
    ax = abs(x)
    soft = math.sqrt(x * x + 0.022)  # |x| without the crease down the forehead
    d = ellipsoid(x, y - 0.28, z + 0.10, h.skull_width, h.skull_height, 0.86)
    d = union(d, ellipsoid(x, y - 0.56, z - 0.32, 0.46, 0.26, 0.30 + h.forehead), 0.25)
    d = union(d, ellipsoid(x, y + h.jaw_drop, z - 0.10, h.jaw_width, h.jaw_height, 0.66), 0.30)
    corner = ellipsoid(
        ax - h.jaw_corner_x,
        y + 0.52,
        z - 0.04,
        h.jaw_corner,
        h.jaw_corner * 1.1,
        h.jaw_corner * 1.4,
    )
    d = union(d, corner, 0.24)
    chin = ellipsoid(
        x, y + h.chin_drop, z - h.chin_depth, h.chin_width, h.chin_height, h.chin_reach
    )
    d = union(d, chin, 0.26)
    d = union(d, ellipsoid(ax - h.cheek_x, y - h.cheek_y, z - 0.47, h.cheek, 0.20, 0.21), 0.22)
    d = union(d, ellipsoid(x, y - h.mouth_y - 0.03, z - 0.52, 0.28, 0.20, 0.22), 0.22)  # muzzle
    ridge = ellipsoid(soft - 0.26, y - h.brow_y + 0.025, z - 0.56, 0.28, 0.10, h.brow_ridge)
    d = union(d, ridge, 0.20)
    near = math.sqrt(x * x + 0.003)
    d = cut(d, -ellipsoid(near - h.eye_x, y - h.eye_y, z - 0.84, 0.25, 0.17, 0.23), 0.20)  # sockets
    d = union(d, _nose(x, y, z, h), 0.105)
    lids = math.sqrt((ax - h.eye_x) ** 2 + (y - h.eye_y) ** 2 + (z - h.eye_z) ** 2)
    d = union(d, lids - h.eye_r - LID, 0.105)
    if h.fold > 0.0:
        full = ellipsoid(ax - h.eye_x - 0.03, y - h.eye_y - 0.155, z - 0.60, 0.22, 0.085, 0.16)
        d = union(d, full + 0.03 * (1 - h.fold), 0.09)
    d -= _lip_relief(x, y, z, h) * 0.9
    if z > 0.05:
        fold, share = fold_x(y, h)
        deep = (0.25 + h.age) * share
        d += 0.014 * deep * bell(ax - fold, 0.028) - 0.012 * deep * bell(ax - fold - 0.07, 0.05)
        if h.age > 0.0:
            d += 0.0075 * h.age * wrinkles(x, y, z, h)
    return union(d, _ear(x, y, z, h), 0.07)


# --- where hair grows ------------------------------------------------------------------------


@kernel
def scalp(x, y, z, h):
    """0 to 1: how thickly the hair of the head grows here."""
    ax = abs(x)
    front = h.hairline
    front -= 0.035 * bell(ax - 0.22, 0.10) * (1 - h.recede) - 0.05 * h.recede * bell(
        ax - 0.38, 0.14
    )
    a = math.atan2(ax, z + 0.10)  # 0 in front, half a turn behind
    temple = front - 0.16 * step(0.50, 0.72, a) + 0.14 * h.recede * bell(a - 0.62, 0.22)
    line = temple
    line += (h.sideburn - line) * step(0.88 + 0.10 * h.recede, 1.20, a)
    line += (0.24 - line) * step(1.32, 1.46, a)  # over the ear
    line += (-0.42 - line) * step(1.70, 2.15, a)
    ragged = 0.022 * noise(a * 23 + 3.0) + 0.014 * noise(a * 61 + 9.0)
    return step(-0.035, 0.060, y - line + ragged)


@kernel
def beard(x, y, z, h):
    """0 to 1: how thickly a beard grows here."""
    ax = abs(x)
    if z < -0.12 or y > 0.05:
        return 0.0
    # the cheek's edge, from the sideburn to the mouth's corner
    u = step(0.26, 0.74, ax)
    edge = h.mouth_y + 0.045 + (0.50 + h.sideburn) * u**2.6
    m = step(edge + 0.05, edge - 0.06, y) * step(0.22, 0.34, ax)
    # the chin, up to the lower lip but for a hollow on each side of the tuft under it
    chin = seam(x, h) - lower_lip(x, h) - 0.022 - 0.045 * bell(ax - 0.115, 0.055)
    m = max(m, step(chin + 0.012, chin - 0.045, y))
    lip = seam(x, h) + upper_lip(x, h)
    nose = h.eye_y - h.nose_length - 0.085
    tash = step(lip - 0.006, lip + 0.016, y) * step(nose + 0.01, nose - 0.035, y)
    m = max(m, tash * step(h.mouth + 0.07, h.mouth - 0.02, ax))
    beside = step(h.mouth + 0.005, h.mouth + 0.05, ax) * step(lip + 0.09, lip - 0.02, y)
    m = max(m, beside * step(0.36, 0.30, ax))
    ear = step(h.skull_width - 0.03, h.skull_width - 0.08, ax) if y > -0.28 else 1.0
    return m * step(-0.12, 0.05, z) * ear


# --- scenes ----------------------------------------------------------------------------------


@kernel
def _neck_of_head(x, y, z, h):
    return capsule(x, y, z, 0, -0.75, -0.12, 0, -1.75, -0.28, h.neck, 0.38)


@kernel
def eyes(x, y, z, h):
    ax = abs(x)
    ball = math.sqrt((ax - h.eye_x) ** 2 + (y - h.eye_y) ** 2 + (z - h.eye_z) ** 2) - h.eye_r
    cornea = math.sqrt((ax - h.eye_x) ** 2 + (y - h.eye_y) ** 2 + (z - h.eye_z - 0.10) ** 2)
    return union(ball, cornea - (h.eye_r - 0.085), 0.02)


@kernel
def distance(x, y, z, scene, h):
    """From the point to the nearest surface of `scene`."""
    if scene == SKIN:
        return skin(x, y, z, h)
    if scene == BODY:
        return min(neck(x, y, z, h), clothes(x, y, z, h))
    if scene == EYES:
        return eyes(x, y, z, h)
    head = union(skin(x, y, z, h), _neck_of_head(x, y, z, h), 0.10)
    return min(head, clothes(x, y, z, h))
