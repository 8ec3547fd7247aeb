"""Where the files of uploaded assets lie: one folder each, seen whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from rtav.errors import ConfigError
from rtav.server.storage.records import AssetKind

KINDS: tuple[AssetKind, ...] = ("face", "voice", "driving", "background")
ABANDONED_S = 3600.0
"""A folder that belongs to no asset is removed after this: another server may be making one."""


class Shelves:
    """Ids are the server's own: no name of a caller's becomes part of a path."""

    def __init__(self, root: Path) -> None:
        """Raises ConfigError naming `assets.dir`."""
        self._root = root
        self._incoming = root / "incoming"
        try:
            for folder in (self._incoming, *(root / kind for kind in KINDS)):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigError("assets.dir", f"{root} cannot be made: {error.strerror}") from None

    def folder(self, kind: AssetKind, asset_id: str) -> Path:
        return self._root / kind / asset_id

    @contextmanager
    def bench(self, asset_id: str) -> Iterator[tuple[Path, Path]]:
        """A file for what arrives and an empty folder for what it becomes; both gone afterwards."""
        upload, folder = self._incoming / f"{asset_id}.upload", self._incoming / asset_id
        folder.mkdir(mode=0o700)
        try:
            yield upload, folder
        finally:
            upload.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, kind: AssetKind, asset_id: str, folder: Path) -> Path:
        """Put a folder that is whole where it belongs, in one step."""
        return folder.rename(self.folder(kind, asset_id))

    def remove(self, kind: AssetKind, asset_id: str) -> None:
        """Out of sight in one step, then for good."""
        grave = self._incoming / f"{asset_id}.deleted"
        try:
            self.folder(kind, asset_id).rename(grave)
        except FileNotFoundError:
            return
        shutil.rmtree(grave, ignore_errors=True)

    def sweep(self, known: Collection[str], *, unix: float) -> int:
        """Remove what a server that was interrupted has left; returns how many."""
        left = [
            path
            for folder in (self._incoming, *(self._root / kind for kind in KINDS))
            for path in folder.iterdir()
            if path.name not in known and path.stat().st_mtime < unix - ABANDONED_S
        ]
        for path in left:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return len(left)


def size_bytes(folder: Path) -> int:
    """Of all files in a folder without folders."""
    return sum(path.stat().st_size for path in folder.iterdir())
