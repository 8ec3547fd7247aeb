"""What all calls that show a face at one size draw with: memory, and the pictures in common."""

from __future__ import annotations

import threading

import numpy as np

from rtav.engines.avatar.album import Album


class Scratch:
    """Nothing in it but the album outlives a frame. Hold `lock` while drawing.

    Calls take turns in one render thread, so the lock is free there; a scratch of its own for each
    (8 MB at 512 px) would be cold in the cache whenever a call's turn comes.
    """

    def __init__(self, size_px: int) -> None:
        self.lock = threading.Lock()
        self.album = Album()
        self.maps = np.empty((2, size_px, size_px), np.float32)
        self.lower_maps = np.empty((2, size_px, size_px), np.float32)
        self.work = np.empty((size_px, size_px, 4), np.uint8)
        self.head = np.empty((size_px, size_px, 4), np.uint8)
        self.tiles = np.empty((2, size_px, size_px, 4), np.uint8)
