"""Finds engines by name through entry points and constructs the chosen one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Literal, cast, overload

from rtav.engines.base import AvatarEngine, Engine, LlmEngine, SttEngine, TtsEngine, VadEngine
from rtav.errors import ConfigError, EngineUnavailable

Kind = Literal["vad", "stt", "llm", "tts", "avatar"]


def names(kind: Kind) -> tuple[str, ...]:
    """What `<kind>.engine` may be, in alphabetical order. Nothing is imported."""
    return tuple(sorted({point.name for point in entry_points(group=f"rtav.{kind}")}))


@overload
def load(kind: Literal["vad"], name: str, options: Mapping[str, object]) -> VadEngine: ...
@overload
def load(kind: Literal["stt"], name: str, options: Mapping[str, object]) -> SttEngine: ...
@overload
def load(kind: Literal["llm"], name: str, options: Mapping[str, object]) -> LlmEngine: ...
@overload
def load(kind: Literal["tts"], name: str, options: Mapping[str, object]) -> TtsEngine: ...
@overload
def load(kind: Literal["avatar"], name: str, options: Mapping[str, object]) -> AvatarEngine: ...
def load(kind: Kind, name: str, options: Mapping[str, object]) -> Engine:
    """Import the engine called `name` and construct it with `options` as keyword arguments.

    Nothing else is imported, and nothing is started: await `Engine.start` next. Raises ConfigError
    for a name that nobody or more than one package offers and for an option the engine does not
    have, EngineUnavailable if its module cannot be imported; each says what to do.
    """
    factory = _import(_find(kind, name), kind)
    _check_options(factory, kind=kind, name=name, options=options)
    return factory(**options)


def _find(kind: Kind, name: str) -> EntryPoint:
    setting = f"{kind}.engine"
    points = {point.value: point for point in entry_points(group=f"rtav.{kind}", name=name)}
    if not points:
        known = ", ".join(names(kind)) or "none at all: is rtav installed with pip?"
        raise ConfigError(setting, f"no engine is called {name!r}; there are: {known}")
    if len(points) > 1:
        claims = " and ".join(sorted(f"{_package(p)} ({p.value})" for p in points.values()))
        raise ConfigError(setting, f"{name!r} is claimed by {claims}; uninstall all but one")
    return next(iter(points.values()))


def _import(point: EntryPoint, kind: Kind) -> Callable[..., Engine]:
    try:
        return cast(Callable[..., Engine], point.load())
    except ModuleNotFoundError as error:
        reason = f"needs the module {error.name!r}; {_remedy(point, error.name)}"
    except (ImportError, AttributeError, OSError) as error:  # OSError: a shared library
        reason = f"{_package(point)} cannot be imported ({error}); reinstall or update it"
    raise EngineUnavailable(point.name, f"{kind}.engine: {reason}")


def _remedy(point: EntryPoint, module: str | None) -> str:
    """How to install what is missing: an extra is called like the engine it is for."""
    package = _package(point)
    extras = point.dist.metadata.get_all("Provides-Extra") if point.dist else None
    if point.name in (extras or ()):
        return f"run: pip install '{package}[{point.name}]'"
    if module is not None and point.module.startswith(module):
        return f"its package {package} is incomplete, reinstall it"
    return f"install what {package} says it needs for this engine"


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown package"


def _check_options(
    factory: Callable[..., Engine], *, kind: Kind, name: str, options: Mapping[str, object]
) -> None:
    parameters = inspect.signature(factory).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return  # the engine checks them itself
    for option in options:
        if option not in parameters:
            known = ", ".join(sorted(parameters)) or "none"
            message = f"the engine {name!r} has no such option; it has: {known}"
            raise ConfigError(f"{kind}.{option}", message)
    for option, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty and option not in options:
            raise ConfigError(f"{kind}.{option}", f"the engine {name!r} needs this option")
