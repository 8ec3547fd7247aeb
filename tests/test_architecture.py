"""Holds who may import whom, and what every module owes its reader."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src"
ROOT = SRC / "rtav"

EVERYTHING = frozenset(
    "protocol core media engines runtime transports server clock log metrics settings".split()
)
MAY_IMPORT: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "clock": frozenset(),
    "log": frozenset(),
    "metrics": frozenset(),
    "settings": frozenset(),
    "sources": frozenset({"settings"}),
    "protocol": frozenset(),
    "core": frozenset({"protocol"}),
    "media": frozenset(),
    "engines": frozenset({"media", "clock"}),
    "runtime": frozenset({"core", "protocol", "engines", "media", "clock", "log", "metrics"}),
    "transports": frozenset({"runtime.peer", "protocol", "media", "log", "metrics"}),
    "server": EVERYTHING,
    "cli": frozenset({"server", "settings", "sources"}),
    "testing": EVERYTHING - {"server"},
    "__main__": frozenset({"cli"}),
}
"""What each package or module may import besides itself and `errors`."""

IMPURE = frozenset("asyncio threading time random logging socket".split())
"""The core decides; it waits for nothing, draws nothing, and writes nothing."""


@cache
def _modules() -> dict[str, ast.Module]:
    """Every module of rtav by its dotted name below `rtav`."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts)] = ast.parse(path.read_text(), str(path))
    return found


def _imports(tree: ast.Module) -> Iterator[str]:
    """Absolute names of everything imported, also inside functions and for type checkers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_of(imported: str) -> str | None:
    """The module below `rtav` that `imported` means or is in; None for what is not rtav's."""
    top, _, name = imported.partition(".")
    if top != "rtav":
        return None
    while name and name not in _modules() and f"{name}.__init__" not in _modules():
        name = name.rpartition(".")[0]
    return name or "__init__"


def _own_imports(module: str) -> set[str]:
    found = {_module_of(name) for name in _imports(_modules()[module])}
    return {name for name in found if name is not None}


def _is_allowed(module: str, imported: str) -> bool:
    package, target = module.split(".")[0], imported.split(".")[0]
    if target in (package, "errors", "__init__"):  # rtav itself holds nothing but a docstring
        return True
    return any(imported == name or imported.startswith(f"{name}.") for name in MAY_IMPORT[package])


@pytest.mark.parametrize("module", _modules())
def test_a_module_imports_only_what_its_package_may(module: str) -> None:
    if module == "__init__":
        return
    forbidden = {name for name in _own_imports(module) if not _is_allowed(module, name)}
    assert not forbidden, f"rtav.{module} may not import these"


def test_no_imports_go_round_in_a_circle_not_even_inside_functions() -> None:
    graph = {
        name: {
            target if target in _modules() else f"{target}.__init__"
            for target in _own_imports(name)
        }
        for name in _modules()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("circular imports: " + " -> ".join(reversed(error.args[1])))


@pytest.mark.parametrize("module", [name for name in _modules() if name.startswith("core.")])
def test_the_core_touches_no_clock_no_task_no_chance_no_log_and_no_socket(module: str) -> None:
    roots = {name.split(".")[0] for name in _imports(_modules()[module])}
    assert not roots & IMPURE


@pytest.mark.parametrize(
    "module", [name for name in _modules() if name.endswith(".__init__") or name == "__init__"]
)
def test_a_package_says_what_it_is_and_does_nothing(module: str) -> None:
    body = _modules()[module].body
    assert ast.get_docstring(_modules()[module]), "a docstring"
    if module != "__init__":
        assert len(body) == 1, "nothing but the docstring"


@pytest.mark.parametrize("module", _modules())
def test_a_module_begins_with_a_sentence(module: str) -> None:
    docstring = ast.get_docstring(_modules()[module]) or ""
    first = docstring.partition("\n\n")[0].replace("\n", " ")
    assert first.endswith((".", ":")), "its first paragraph is a whole sentence"
