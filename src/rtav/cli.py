"""The `rtav` command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer

from rtav.errors import ConfigError, EngineError
from rtav.server import entry, face_making, films, key_commands
from rtav.server.films import MAX_CHARS
from rtav.server.keys import Key, KeyLimits, Scope
from rtav.server.progress import progress_bar
from rtav.settings import Settings
from rtav.sources import Tree, assignment, load, merge

app = typer.Typer(
    help="Realtime conversations with a talking avatar, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a traceback with locals would print keys
)

Config = Annotated[
    Path | None, typer.Option(help="Settings file; by default rtav.toml, if it is here.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any setting, such as ice.udp_port=40000."),
]

keys = typer.Typer(help="Keys for clients, each with scopes and limits.", no_args_is_help=True)
app.add_typer(keys, name="keys")
faces = typer.Typer(help="Faces of one's own.", no_args_is_help=True)
app.add_typer(faces, name="face")


@app.command()
def serve(  # noqa: PLR0913 - one parameter for each option of the command
    host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = None,
    port: Annotated[int | None, typer.Option(help="Port for http; 0 for any free one.")] = None,
    api_key: Annotated[
        str | None,
        typer.Option(help="Key that clients must show; others can see it: prefer RTAV_API_KEY."),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain for https, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    config: Config = None,
    set_: Sets = None,
) -> None:
    """Serve until Ctrl-C."""
    server = {"host": host, "port": port, "tls_cert": tls_cert, "tls_key": tls_key}
    options = {"api_key": api_key, "server": _named(server)}
    with _readable_errors():
        entry.serve(_load(_named(options), config, set_), say=typer.echo)


@app.command()
def doctor(config: Config = None, set_: Sets = None) -> None:
    """Say whether a server would work here, and what to do if not."""
    with _readable_errors():
        found = entry.examine(_load({}, config, set_))
    for finding in found:
        mark = typer.style("ok ", fg="green") if finding.is_good else typer.style("no ", fg="red")
        typer.echo(f"{mark} {finding.subject}: {finding.message}")
    if not all(finding.is_good for finding in found):
        raise typer.Exit(1)


@app.command()
def render(  # noqa: PLR0913 - one parameter for each option of the command
    out: Annotated[
        str,
        typer.Argument(
            metavar="OUT", help="film.mp4, film.webm, film-%04d.png, or a folder for PNGs."
        ),
    ],
    say: Annotated[
        str, typer.Option(help="What the face says; [Wink] in it is a motion. `-`: read it.")
    ],
    face: Annotated[str | None, typer.Option(help="A name, or a face's folder.")] = None,
    voice: Annotated[str | None, typer.Option(help="By default the one that suits it.")] = None,
    driving: Annotated[
        list[str] | None,
        typer.Option(help="A motion; several: name it again. The last one is repeated."),
    ] = None,
    size: Annotated[int | None, typer.Option(help="The shorter side, px: a multiple of 8.")] = None,
    upsample: Annotated[
        float | None, typer.Option(help="Instead of a size: 0.5 to 2 times the server's.")
    ] = None,
    fps: Annotated[int | None, typer.Option(help="Frames per second, 1 to 60.")] = None,
    framing: Annotated[str, typer.Option(help="square, portrait or landscape.")] = "square",
    background: Annotated[
        str, typer.Option(help="original, #rrggbb, a picture, or transparent: WebM or PNGs.")
    ] = "original",
    config: Config = None,
    set_: Sets = None,
) -> None:
    """Write a film of a face that says a text, as it would in a call."""
    wish = films.Wish(
        out=out,
        text=sys.stdin.read(MAX_CHARS + 1) if say == "-" else say,
        face=face,
        voice=voice,
        driving=driving or (),
        size_px=size,
        upsample=upsample,
        fps=fps,
        framing=framing,
        background=background,
    )
    with _readable_errors(), progress_bar(out) as told:
        films.render(_load({}, config, set_), wish, progress=told)


@faces.command("make")
def make_face(  # noqa: PLR0913 - one parameter for each option of the command
    picture: Annotated[Path, typer.Argument(help="PNG, JPEG or WebP, seen from the front.")],
    name: Annotated[str | None, typer.Option(help="By default that of the file.")] = None,
    out: Annotated[
        Path, typer.Option(help="Folder of assets, or an archive *.zip to upload.")
    ] = Path("my-assets"),
    landmarks: Annotated[
        Path | None, typer.Option(help="Where the face is, JSON; by default MediaPipe finds it.")
    ] = None,
    consent: Annotated[
        str | None, typer.Option(help="Who is shown and how they agreed, or who drew it.")
    ] = None,
    background: Annotated[
        str, typer.Option(help="original; matte: cut out; or cut out, before #rrggbb.")
    ] = "original",
    config: Config = None,
    set_: Sets = None,
) -> None:
    """Make a face of one picture."""
    wish = face_making.FaceWish(
        picture=picture,
        name=name,
        out=out,
        landmarks=landmarks,
        consent=consent,
        background=background,
    )
    with _readable_errors(), progress_bar(picture.name) as told:
        place = face_making.make(_load({}, config, set_), wish, progress=told)
    typer.echo(place)
    if place.suffix != ".zip":
        typer.echo(f"Serve it: rtav serve --set avatar.options.assets={out}", err=True)


@keys.command("create")
def create_key(  # noqa: PLR0913 - one parameter for each option of the command
    name: Annotated[str, typer.Option(help="Whom it is for.")] = "",
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What it may do; several: name it again. By default calls and assets."),
    ] = None,
    max_calls: Annotated[int | None, typer.Option(min=1, help="Calls at once.")] = None,
    calls_per_minute: Annotated[int | None, typer.Option(min=1, help="Calls opened.")] = None,
    max_minutes: Annotated[
        float | None, typer.Option(min=0.1, help="How long a call lasts at most.")
    ] = None,
    config: Config = None,
    set_: Sets = None,
) -> None:
    """Make a key and print it, once: it is stored nowhere."""
    limits = KeyLimits(
        max_calls=max_calls, calls_per_minute=calls_per_minute, max_minutes=max_minutes
    )
    scopes = scope or [Scope.CALLS, Scope.ASSETS]
    with _readable_errors():
        made, secret = key_commands.create(
            _load({}, config, set_), name=name[:200], scopes=scopes, limits=limits
        )
    typer.echo(f"{_described(made)}\nIt is shown this once:", err=True)
    typer.echo(secret)


@keys.command("list")
def list_keys(config: Config = None, set_: Sets = None) -> None:
    """Print every key's id, name, scopes, limits and times; the keys themselves nobody has."""
    with _readable_errors():
        found = key_commands.all_keys(_load({}, config, set_))
    for key in found:
        typer.echo(_described(key))


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `rtav keys list` prints it.")],
    config: Config = None,
    set_: Sets = None,
) -> None:
    """Make a key, and the client secrets minted with it, invalid within seconds."""
    with _readable_errors():
        is_known = key_commands.revoke(_load({}, config, set_), key_id)
    if not is_known:
        typer.echo(f"rtav: there is no key {key_id}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{key_id} is revoked")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(installed_version("rtav"))


def _described(key: Key) -> str:
    """One line."""
    limits = {
        "calls at once": key.limits.max_calls,
        "calls a minute": key.limits.calls_per_minute,
        "minutes a call": key.limits.max_minutes,
    }
    times = {
        "created": key.created_at,
        "last used": key.last_used_at,
        "revoked": key.revoked_at,
    }
    parts = [
        key.id,
        key.name or "(no name)",
        "+".join(sorted(key.scopes)),
        *(f"{limit:g} {what}" for what, limit in limits.items() if limit is not None),
        *(f"{what} {at:%Y-%m-%d %H:%M}Z" for what, at in times.items() if at is not None),
    ]
    return "  ".join(parts)


def _load(options: Tree, config: Path | None, sets: list[str] | None) -> Settings:
    return load(merge([options, *(assignment(text) for text in sets or [])]), config=config)


def _named(options: Tree) -> Tree:
    return {key: value for key, value in options.items() if value is not None}


@contextmanager
def _readable_errors() -> Iterator[None]:
    try:
        yield
    except (ConfigError, EngineError) as error:
        typer.echo(f"rtav: {error}", err=True)
        raise typer.Exit(2) from None
