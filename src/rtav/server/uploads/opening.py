"""Opens the library: its folder, the engines that take what it has, its task."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

from rtav import clock
from rtav.core.catalog import Own
from rtav.engines.avatar.detecting import python_with_mediapipe
from rtav.engines.base import AdoptsAssets, AvatarEngine
from rtav.server.services import new_id
from rtav.server.storage.records import AssetKind
from rtav.server.uploads.library import Library, Maker, Table
from rtav.server.uploads.quota import Quota
from rtav.server.uploads.shelves import Shelves
from rtav.server.uploads.voices import AdoptedVoices
from rtav.settings import Settings


@contextlib.asynccontextmanager
async def opened_library(
    settings: Settings,
    *,
    table: Table,
    avatar: AvatarEngine,
    voices: AdoptedVoices,
    offer: Callable[[str, Own], None],
) -> AsyncIterator[Library]:
    """The assets that have been uploaded, kept in order until the way out.

    Raises ConfigError naming `assets.dir`.
    """
    library = Library(
        table=table,
        shelves=Shelves(settings.assets.dir or settings.state_dir / "assets"),
        makers=makers(avatar, voices, settings),
        quota=Quota(settings.assets, now=clock.monotonic),
        wall=clock.wall,
        new_id=new_id,
        offer=offer,
    )
    await library.start(unix=clock.unix())
    tasks = asyncio.TaskGroup()
    await tasks.__aenter__()
    kept = tasks.create_task(library.run(), name="asset keeper")
    try:
        yield library
    finally:
        kept.cancel()
        # Not told of an error, which it would wrap.
        await tasks.__aexit__(None, None, None)


def makers(
    avatar: AvatarEngine, voices: AdoptedVoices, settings: Settings
) -> dict[AssetKind, Maker]:
    """Who makes assets of each kind that these engines take. Raises ConfigError."""
    found: dict[AssetKind, Maker] = {
        "voice": Maker(
            module="rtav.engines.tts.sample",
            function="prepare_voice",
            adopt=voices.adopt,
            forget=voices.forget,
            complete=voices.complete,
        )
    }
    if isinstance(avatar, AdoptsAssets):
        python = python_with_mediapipe(settings.assets.mediapipe_python)
        found["face"] = Maker(
            module=avatar.preparer,
            function="prepare_face",
            examine=None if python is None else "examine_face",
            more={} if python is None else {"mediapipe_python": str(python)},
            adopt=lambda face, folder, _: avatar.adopt_face(face, folder),
            forget=avatar.forget,
        )
        found["driving"] = Maker(
            module=avatar.preparer,
            function="prepare_motion",
            adopt=lambda motion, folder, _: avatar.adopt_motion(motion, folder),
            forget=avatar.forget,
        )
        found["background"] = Maker(
            module=avatar.preparer,
            function="prepare_background",
            adopt=lambda background, folder, _: avatar.adopt_background(background, folder),
            forget=avatar.forget,
        )
    return found


def max_bytes(settings: Settings) -> Mapping[AssetKind, int]:
    """Of an upload, by kind."""
    assets = settings.assets
    return {
        "face": assets.max_face_bytes,
        "voice": assets.max_voice_bytes,
        "driving": assets.max_driving_bytes,
        "background": assets.max_background_bytes,
    }
