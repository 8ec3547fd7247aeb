"""The colours of skin: what blood, sun, years and a shaved beard make of one tone."""

# ruff: noqa: PLR0913 - numba inlines scalars; gathering them in objects costs minutes

from __future__ import annotations

import math

from anatomy import beard, fold_x, lower_lip, scalp, seam, upper_lip, wrinkles
from heads import LID
from sdf import bell, kernel, noise, noise3, spots, step


@kernel
def _mix(r, g, b, colour, k):
    return r * (1 - k) + colour[0] * k, g * (1 - k) + colour[1] * k, b * (1 - k) + colour[2] * k


@kernel
def _flush(x, y, z, h):
    """0 to 1: how much blood is seen: cheeks, nose, ears, chin."""
    ax = abs(x)
    tip = h.eye_y - h.nose_length
    k = 0.60 * bell(ax - h.cheek_x - 0.04, 0.19) * bell(y - h.cheek_y - 0.02, 0.16)
    k += 0.42 * bell(x, 0.13) * bell(y - tip, 0.10) + 0.20 * bell(x, 0.16) * bell(y + 0.86, 0.10)
    k += 0.40 * bell(ax - h.skull_width - 0.02, 0.09)
    k *= 1.0 + 0.30 * noise3(x * 7, y * 7, z * 7)
    return min(1.0, max(0.0, k)) * h.blush


@kernel
def _lips(r, g, b, x, y, palette, h):
    """Colour and share of the red."""
    line, u = seam(x, h), abs(x) / h.mouth
    if u > 1.08:
        return r, g, b, 0.0
    top, bottom = line + upper_lip(x, h), line - lower_lip(x, h)
    red = step(bottom - 0.014, bottom + 0.014, y)
    red *= (1 - step(top - 0.012, top + 0.009, y)) * (1 - step(0.95, 1.06, u))
    deep = 0.90 if y > line else 1.04  # the upper lip turns from the light
    fine = 1 + 0.07 * noise(x * 95 + 3 * noise(y * 30)) + 0.04 * noise(x * 210)
    deep *= fine * (1 - 0.20 * bell(y - line, 0.025))
    lr, lg, lb = palette[1, 0] * deep, palette[1, 1] * deep, palette[1, 2] * deep
    k = 0.88 * red
    r, g, b = r * (1 - k) + lr * k, g * (1 - k) + lg * k, b * (1 - k) + lb * k
    k = 0.60 * bell(y - line, 0.009) * (1 - step(1.0, 1.15, u))
    return r * (1 - k * 0.72), g * (1 - k * 0.85), b * (1 - k * 0.85), red


@kernel
def _brow(x, y, h):
    """0 to 1: the ground on which the strands of a brow lie."""
    u = (abs(x) - h.brow_x) / h.brow_length
    if u < -0.05 or u > 1.05:
        return 0.0
    rise = h.brow_arch * math.sin(min(1.0, max(0.0, u)) * 2.35)
    middle = h.brow_y + 0.004 + rise - 0.075 * max(0.0, u - 0.55)
    width = h.brow_width * (1 - 0.68 * max(0.0, u) ** 1.3) * (0.45 + 0.55 * step(0.0, 0.3, u))
    return bell(y - middle, width * 0.75) * step(-0.03, 0.22, u) * step(1.02, 0.85, u)


@kernel
def _years(r, g, b, x, y, z, h):
    """Shade under the eyes, in the folds and lines; freckles."""
    ax = abs(x)
    under = bell(math.sqrt(((ax - h.eye_x) / 1.25) ** 2 + (y - h.eye_y) ** 2) - 0.15, 0.05)
    under *= step(0.02, -0.10, y - h.eye_y) * (0.05 + 0.09 * h.age)
    r, g, b = r * (1 - under * 1.1), g * (1 - under), b * (1 - under * 0.7)
    fold, share = fold_x(y, h)
    k = (0.03 + 0.10 * h.age) * share * bell(ax - fold, 0.022)
    k += 0.13 * h.age * min(1.0, wrinkles(x, y, z, h))
    r, g, b = r * (1 - 0.7 * k), g * (1 - 1.1 * k), b * (1 - 1.1 * k)
    if h.freckles > 0.0:
        k = spots(x + 5, y, 0.040, 0.55) + spots(x + 2, y + 3, 0.027, 0.45)
        k *= h.freckles * max(
            bell(ax - 0.30, 0.22) * bell(y + 0.12, 0.13), bell(x, 0.2) * bell(y + 0.05, 0.12)
        )
        k = min(0.5, k)
        r, g, b = r * (1 - 0.30 * k), g * (1 - 0.48 * k), b * (1 - 0.58 * k)
    return r, g, b


@kernel
def _tones(x, y, z, palette, h, broad, fine):
    """The skin's own colour: tones that vary over a hand's breadth and over a pore's, and blood."""
    r, g, b = palette[0, 0], palette[0, 1], palette[0, 2]
    r, g, b = (
        r * (1 + 0.018 * broad + 0.018 * fine),
        g * (1 + 0.040 * broad + 0.030 * fine),
        b * (1 + 0.035 * broad + 0.030 * fine),
    )
    flush = _flush(x, y, z, h)
    r, g, b = r * (1 - flush * 0.04), g * (1 - flush * 0.24), b * (1 - flush * 0.20)
    gold = 0.5 * bell(x, 0.5) * bell(y - 0.62, 0.22) * (1.0 if z > 0.2 else 0.0)
    r, g, b = r * (1 + 0.01 * gold), g * (1 + 0.02 * gold), b * (1 - 0.05 * gold)
    lid = math.sqrt((abs(x) - h.eye_x) ** 2 + (y - h.eye_y - 0.02) ** 2 + (z - h.eye_z) ** 2)
    warm = 1 - step(0.0, 0.035, lid - h.eye_r - LID)
    return r * (1 - 0.06 * warm), g * (1 - 0.13 * warm), b * (1 - 0.10 * warm)


@kernel
def skin_colour(x, y, z, palette, h):
    """Albedo, and gloss of the face."""
    broad = noise3(x * 3.2, y * 3.2, z * 3.2) * 0.6 + noise3(x * 8, y * 8, z * 8) * 0.4
    fine = noise3(x * 34, y * 34, z * 34) * 0.6 + noise3(x * 80, y * 80, z * 80) * 0.7
    r, g, b = _tones(x, y, z, palette, h, broad, fine)
    gloss = 0.13 * (1 + 0.35 * fine + 0.30 * broad)
    if z > 0.05:
        wet = 0.6 * bell(x, 0.20) * bell(y - 0.55, 0.25) + 0.7 * bell(x, 0.07) * bell(
            y + 0.12, 0.12
        )
        gloss *= 1 + wet
        r, g, b = _years(r, g, b, x, y, z, h)
    if z > 0.35:
        r, g, b, red = _lips(r, g, b, x, y, palette, h)
        gloss *= 1 + 1.3 * red
        hole = y - h.eye_y + h.nose_length + 0.080
        k = 0.75 * bell(abs(x) - 0.052 * h.nose_width, 0.030) * bell(hole, 0.020)
        k *= 1.0 if z > 0.6 else 0.0
        r, g, b = r * (1 - k * 0.8), g * (1 - k * 0.9), b * (1 - k * 0.9)
        r, g, b = _mix(r, g, b, palette[6] * 0.9, 0.55 * _brow(x, y, h))
    if h.stubble > 0.0:
        dots = 0.75 + 0.45 * noise3(x * 95, y * 95, z * 95) + 0.3 * fine
        k = min(0.8, h.stubble * beard(x, y, z, h) * max(0.0, dots))
        r, g, b = _mix(r, g, b, palette[6] * 0.8 + 0.012, k)
        gloss *= 1 - 0.5 * k
    k = 0.92 * scalp(x, y, z, h)
    r, g, b = _mix(r, g, b, palette[2] * 0.8, k)
    return r, g, b, gloss * (1 - k)
