"""The `rtav` command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer

from rtav.errors import ConfigError, EngineUnavailable
from rtav.server import entry
from rtav.settings import Settings, Tree, assignment, load, merge

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
def version() -> None:
    """Print the version."""
    typer.echo(installed_version("rtav"))


def _load(options: Tree, config: Path | None, sets: list[str] | None) -> Settings:
    return load(merge([options, *(assignment(text) for text in sets or [])]), config=config)


def _named(options: Tree) -> Tree:
    return {key: value for key, value in options.items() if value is not None}


@contextmanager
def _readable_errors() -> Iterator[None]:
    try:
        yield
    except (ConfigError, EngineUnavailable) as error:
        typer.echo(f"rtav: {error}", err=True)
        raise typer.Exit(2) from None
