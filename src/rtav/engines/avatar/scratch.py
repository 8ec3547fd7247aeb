"""What all calls that show a face at one size draw with: memory, and the pictures in common."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

import numpy as np

from rtav.engines.avatar.album import Album
from rtav.engines.avatar.paint import U8

HUGE = 2 << 20  # bytes of a huge page


def in_huge_pages(shapes: Sequence[tuple[int, ...]]) -> list[U8]:
    """Arrays of bytes of these shapes, one behind the other.

    A frame reads and writes some 8 MB in rows. In pages of 4 kB that is more than a processor has
    translations for, above all in a virtual machine: sampling took a quarter longer. NumPy asks the
    system for huge pages, but for arrays of 4 MB and more only.
    """
    sizes = [math.prod(shape) for shape in shapes]
    store = np.empty(max(sum(sizes) + HUGE, 2 * HUGE), np.uint8)
    begin = -store.ctypes.data % HUGE
    arrays = []
    for size, shape in zip(sizes, shapes, strict=True):
        arrays.append(store[begin : begin + size].reshape(shape))
        begin += size
    return arrays


class Scratch:
    """Nothing in it but the album outlives a frame. Hold `lock` while drawing.

    Calls take turns in one render thread, so the lock is free there; a scratch of its own for each
    (8 MB at 512 px) would be cold in the cache whenever a call's turn comes.
    """

    def __init__(self, size_px: int) -> None:
        self.lock = threading.Lock()
        self.album = Album()
        plane, pixels = (size_px, size_px), (size_px, size_px, 4)
        rooms = in_huge_pages([(2, *plane, 4), (2, *plane, 4), pixels, pixels, (2, *pixels)])
        maps, lower_maps, self.work, self.head, self.tiles = rooms
        self.maps, self.lower_maps = (room.view(np.float32)[..., 0] for room in (maps, lower_maps))
