"""The heads as distance fields: skin, hair, clothes, eyes."""

from __future__ import annotations

import math

from heads import BOB, EYE_R, EYE_X, EYE_Y, EYE_Z, LID_R, MOUTH_HALF_WIDTH, MOUTH_Y
from sdf import bell, capsule, cut, ellipsoid, kernel, noise, step, union

# what a ray may meet
SKIN, BODY, EYES, EVERYTHING, HEAD, HAIR_BACK = range(6)

HAIR_BACK_Z = 0.32  # hair in front of this belongs to the front layer


@kernel
def seam(x):
    """Height of the closed mouth line: a slight smile and a dip under the nose."""
    u = abs(x) / MOUTH_HALF_WIDTH
    return MOUTH_Y + 0.030 * u * u - 0.006 * bell(x, 0.05)


@kernel
def upper_lip(x):
    """Height of the upper lip's red above the seam."""
    u = min(1.0, abs(x) / MOUTH_HALF_WIDTH)
    return 0.072 * (1 - u**2.2) - 0.012 * bell(x, 0.03) + 0.010 * bell(abs(x) - 0.055, 0.04)


@kernel
def lower_lip(x):
    u = min(1.0, abs(x) / 0.225)
    return 0.092 * (1 - u**2.4)


@kernel
def _lip_relief(x, y, z):
    u = abs(x) / MOUTH_HALF_WIDTH
    if z < 0.3 or u > 1.5:
        return 0.0
    env = math.sqrt(max(0.0, 1 - u * u))
    d = y - seam(x)
    if d > 0:
        t = d / (upper_lip(x) + 0.016)
        b = 0.042 * env * math.exp(-(((t - 0.42) / 0.55) ** 2))
    else:
        t = -d / (lower_lip(x) + 0.016)
        b = 0.055 * env * math.exp(-(((t - 0.45) / 0.50) ** 2))
    fade = 1.0 if u < 1.0 else math.exp(-(((u - 1.0) / 0.12) ** 2))
    b -= 0.045 * bell(d, 0.013) * (0.25 + 0.75 * env) * fade  # the crease
    b -= 0.020 * bell(abs(x) - 0.262, 0.035) * bell(d - 0.002, 0.045)  # corner dimples
    b -= 0.010 * bell(x, 0.025) * bell(y - (MOUTH_Y + 0.135), 0.05)  # philtrum
    b -= 0.028 * bell(x, 0.13) * bell(y - (MOUTH_Y - 0.155), 0.045)  # hollow under the lip
    return b


@kernel
def _nose(x, y, z):
    ax = abs(x)
    n = capsule(x, y, z, 0, 0.20, 0.66, 0, -0.14, 0.855, 0.060, 0.088)
    n = union(n, ellipsoid(x, y + 0.175, z - 0.875, 0.098, 0.085, 0.098), 0.08)
    n = union(n, ellipsoid(ax - 0.085, y + 0.200, z - 0.795, 0.062, 0.055, 0.085), 0.06)
    nostril = ellipsoid(ax - 0.048, y + 0.262, z - 0.85, 0.028, 0.026, 0.05)
    return cut(n, -nostril, 0.03)


@kernel
def _ear(x, y, z):
    ex, ey, ez = abs(x) - 0.765, y - 0.02, z + 0.10
    shell = ellipsoid(ex + 0.25 * ez, ey, ez, 0.095, 0.235, 0.155)
    bowl = ellipsoid(ex - 0.075 + 0.25 * ez, ey - 0.01, ez - 0.075, 0.055, 0.15, 0.085)
    return cut(shell, -bowl, 0.05)


@kernel
def skin(x, y, z, h):
    """The head with its lids closed, without neck."""
    ax = abs(x)
    soft = math.sqrt(x * x + 0.012)  # |x| without the crease down the forehead
    d = ellipsoid(x, y - 0.28, z + 0.10, 0.76, 0.82, 0.86)
    d = union(d, ellipsoid(x, y + h.jaw_drop, z - 0.10, h.jaw_width, h.jaw_height, 0.66), 0.30)
    chin = ellipsoid(
        x, y + h.chin_drop, z - h.chin_depth, h.chin_width, h.chin_height, h.chin_reach
    )
    d = union(d, chin, 0.26)
    d = union(d, ellipsoid(ax - 0.33, y + 0.22, z - 0.47, h.cheek, 0.20, 0.21), 0.22)
    d = union(d, ellipsoid(x, y + 0.47, z - 0.52, 0.28, 0.20, 0.22), 0.22)  # muzzle
    d = union(d, ellipsoid(soft - 0.26, y - 0.36, z - 0.56, 0.28, 0.10, 0.18), 0.20)  # brow ridge
    d = cut(d, -ellipsoid(ax - EYE_X, y - EYE_Y, z - 0.84, 0.25, 0.17, 0.23), 0.20)  # sockets
    d = union(d, _nose(x, y, z), 0.115)
    lids = math.sqrt((ax - EYE_X) ** 2 + (y - EYE_Y) ** 2 + (z - EYE_Z) ** 2) - LID_R
    d = union(d, lids, 0.105)
    d -= _lip_relief(x, y, z) * 0.9
    return union(d, _ear(x, y, z), 0.07)


@kernel
def _neck_of_head(x, y, z, h):
    return capsule(x, y, z, 0, -0.75, -0.12, 0, -1.75, -0.28, h.neck, 0.38)


@kernel
def _bob(x, y, z):
    ax = abs(x)
    a = math.atan2(x + 0.25, z + 0.35)
    strands = 0.007 * noise(a * 11 + 0.8 * y) + 0.005 * noise(a * 27 + 1.2 * y + 9.0)
    strands += 0.003 * noise(a * 63 + 2.0 * y + 31.0)
    d = ellipsoid(x, y - 0.34, z + 0.14, 0.865, 0.90, 0.93)
    d = union(d, ellipsoid(ax - 0.66, y - 0.02, z + 0.22, 0.255, 0.62, 0.50), 0.18)
    d = union(d, ellipsoid(ax - 0.60, y + 0.42, z + 0.30, 0.27, 0.42, 0.40), 0.20)
    d = cut(d, -ellipsoid(x, y + 0.35, z - 0.95, 0.645, 1.02, 0.86), 0.10)  # the face's opening
    # a fringe swept from a parting on the viewer's left
    d = union(d, capsule(x, y, z, -0.26, 0.90, 0.50, 0.50, 0.60, 0.58, 0.19, 0.15), 0.14)
    d = union(d, capsule(x, y, z, -0.30, 0.90, 0.48, -0.66, 0.36, 0.30, 0.19, 0.12), 0.12)
    d = union(d, capsule(x, y, z, 0.46, 0.60, 0.58, 0.72, 0.12, 0.26, 0.14, 0.10), 0.12)
    return (d + strands) * 0.85


@kernel
def crop_angle(x, y):
    """Across the strands of the short cut: they are combed up and over to the viewer's right."""
    return x * 1.25 - 0.50 * (y - 0.75)


@kernel
def _crop(x, y, z):
    ax = abs(x)
    a = crop_angle(x, y)
    top = step(0.30, 0.75, y)
    strands = (0.012 * noise(a * 9 + 1.1 * z) + 0.008 * noise(a * 21 + 1.6 * z + 7.0)) * top
    strands += 0.004 * noise(a * 52 + 2.5 * z + 3.0 * y + 19.0)
    d = ellipsoid(x, y - 0.34, z + 0.15, 0.795, 0.835, 0.895)
    d = union(d, ellipsoid(ax - 0.60, y - 0.24, z + 0.18, 0.205, 0.38, 0.42), 0.15)  # sides
    d = cut(d, -ellipsoid(x, y + 0.34, z - 0.98, 0.66, 1.06, 0.90), 0.08)
    # the quiff: one rounded volume, a little higher over the parting's far side
    d = union(d, capsule(x, y, z, -0.30, 0.82, 0.40, 0.20, 0.87, 0.42, 0.185, 0.205), 0.30)
    d = union(d, capsule(x, y, z, -0.36, 0.78, 0.42, -0.62, 0.44, 0.34, 0.145, 0.075), 0.18)
    d = union(d, capsule(x, y, z, 0.32, 0.78, 0.42, 0.64, 0.44, 0.34, 0.165, 0.075), 0.22)
    return (d + strands) * 0.80


@kernel
def hair(x, y, z, h):
    return _bob(x, y, z) if h.hair == BOB else _crop(x, y, z)


@kernel
def clothes(x, y, z, h):
    ax = abs(x)
    d = ellipsoid(x, y + 2.60, z + 0.38, 1.42, 0.98, 0.68)
    d = union(d, ellipsoid(ax - 0.85, y + 2.18, z + 0.38, 0.52, 0.42, 0.50), 0.45)
    d = union(d, ellipsoid(x, y + 1.72, z + 0.20, 0.62, 0.30, 0.52), 0.30)  # up to the collar
    r = math.sqrt(x * x + (z + 0.24) ** 2 * 1.05)
    rise = 0.22 * (z + 0.2)
    roll = math.sqrt((r - h.collar) ** 2 + (y + 1.38 - rise) ** 2) - 0.085
    fold = math.sqrt((r - h.collar - 0.01) ** 2 + (y + 1.51 - rise) ** 2) - 0.085
    return union(d, union(roll, fold, 0.03), 0.10)


@kernel
def neck(x, y, z, h):
    return capsule(x, y, z, 0, -0.55, -0.12, 0, -1.75, -0.28, h.neck, 0.38)


@kernel
def eyes(x, y, z):
    ax = abs(x)
    ball = math.sqrt((ax - EYE_X) ** 2 + (y - EYE_Y) ** 2 + (z - EYE_Z) ** 2) - EYE_R
    cornea = math.sqrt((ax - EYE_X) ** 2 + (y - EYE_Y) ** 2 + (z - EYE_Z - 0.10) ** 2)
    return union(ball, cornea - (EYE_R - 0.085), 0.02)


@kernel
def distance(x, y, z, scene, h):
    """From the point to the nearest surface of `scene`."""
    if scene == SKIN:
        return skin(x, y, z, h)
    if scene == HEAD:
        return min(skin(x, y, z, h), hair(x, y, z, h))
    if scene == HAIR_BACK:
        return max(hair(x, y, z, h), z - HAIR_BACK_Z)
    if scene == BODY:
        return min(neck(x, y, z, h), clothes(x, y, z, h))
    if scene == EYES:
        return eyes(x, y, z)
    head = union(skin(x, y, z, h), _neck_of_head(x, y, z, h), 0.10)
    return min(min(head, hair(x, y, z, h)), clothes(x, y, z, h))
