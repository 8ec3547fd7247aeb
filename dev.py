"""Every developer command: `python3 dev.py` lists them. Needs Python 3.11 and nothing else.

Prints each command before it runs it, so that any of them can be run by hand.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "dev-setup.sha256"
CONSTRAINTS = ROOT / "constraints.txt"
OUT = ROOT / "out"

CLIENTS = ROOT / "tests" / "conformance"
"""Where the clients that run in Node are installed: stock ones, versions from its lock file."""
CLIENTS_STAMP = CLIENTS / "node_modules" / "dev-setup.sha256"

CODE = ["src", "tests", "tools", "dev.py"]
QUICK_SUITES = ["tests/test_architecture.py", "tests/unit", "tests/call", "tests/fuzz"]
MIN_PYTHON = (3, 11)


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """A program that the Python packages cannot bring along."""

    package: str
    commands: tuple[str, ...]
    without: str
    serves: bool
    """The server is better for it; otherwise only the tests are."""


SYSTEM_PACKAGES = (
    SystemPackage(
        "flite", ("flite",), "the voice is espeak-ng's, which sounds less natural", serves=True
    ),
    SystemPackage(
        "chromium",
        ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
        "tests in a browser are not run",
        serves=False,
    ),
)


class CommandFailed(Exception):
    """A command ended with an exit status other than 0."""

    def __init__(self, status: int) -> None:
        super().__init__(f"exit status {status}")
        self.status = status


def main(arguments: Sequence[str] | None = None) -> int:
    if sys.version_info < MIN_PYTHON:
        print(f"dev.py needs Python 3.11 or newer; this is {sys.version.split()[0]}")
        return 2
    chosen = _parser().parse_args(arguments)
    try:
        COMMANDS[chosen.command](chosen.rest)
    except CommandFailed as failed:
        return failed.status
    except KeyboardInterrupt:
        return 130
    return 0


def setup(_: Sequence[str]) -> None:
    """.venv with the project and its tools, versions from constraints.txt"""
    _prepare()


def check(_: Sequence[str]) -> None:
    """format, lint, types, architecture, unit, call and fuzz tests"""
    _prepare()
    _static_checks()
    _pytest("-q", *existing(QUICK_SUITES))


def test(rest: Sequence[str]) -> None:
    """the static checks, then one pytest run of everything but bench: what CI runs"""
    _prepare()
    _static_checks()
    _pytest("--ignore=tests/bench", *rest)


def fix(_: Sequence[str]) -> None:
    """format, and repair what ruff can repair"""
    _prepare()
    run(BIN / "ruff", "check", "--fix", *existing(CODE))
    run(BIN / "ruff", "format", *existing(CODE))


def e2e(rest: Sequence[str]) -> None:
    """the tests in headless Chromium"""
    _prepare()
    _pytest("tests/e2e", *rest)


def fuzz(rest: Sequence[str]) -> None:
    """the fuzz tests, with many more examples"""
    _prepare()
    _pytest("tests/fuzz", "--hypothesis-profile=long", *rest)


def bench(rest: Sequence[str]) -> None:
    """bench NAME runs tests/bench/NAME.py; without a name it lists them"""
    names = sorted(path.stem for path in (ROOT / "tests" / "bench").glob("[!_]*.py"))
    if not rest or rest[0] not in names:
        print("benches: " + (", ".join(names) or "none"))
        raise CommandFailed(0 if not rest else 2)
    _prepare()
    run(PYTHON, f"tests/bench/{rest[0]}.py", *rest[1:])


def docs(_: Sequence[str]) -> None:
    """write the generated documentation anew"""
    _prepare()
    for generator in sorted((ROOT / "tools").glob("docs_*.py")):
        run(PYTHON, generator.relative_to(ROOT))


def serve(rest: Sequence[str]) -> None:
    """serve ARGS: the server, set up first if need be"""
    _prepare(to_serve=True)
    become(BIN / "rtav", "serve", *rest)


COMMANDS: dict[str, Callable[[Sequence[str]], None]] = {
    command.__name__: command
    for command in (setup, check, test, fix, e2e, bench, fuzz, docs, serve)
}


def run(*command: str | Path, quiet_failure: bool = False) -> None:
    """Print a command, run it in the project's folder, raise CommandFailed if it fails."""
    words = [str(word) for word in command]
    print("+ " + shlex.join(words), flush=True)
    try:
        finished = subprocess.run(words, cwd=ROOT, check=False)
    except FileNotFoundError:
        print(f"{words[0]} is not there; remove .venv and run `python3 dev.py setup`")
        raise CommandFailed(127) from None
    if finished.returncode == 0:
        return
    if not quiet_failure:
        print(f"! exit status {finished.returncode}: {shlex.join(words)}", flush=True)
    # a process ended by a signal has a negative status, which no shell can return
    raise CommandFailed(finished.returncode if finished.returncode > 0 else 1)


def become(*command: str | Path) -> None:
    """As `run`, but in the place of this process: whoever ends it by its id ends the command."""
    if os.name == "nt":
        run(*command)
        return
    words = [str(word) for word in command]
    print("+ " + shlex.join(words), flush=True)
    os.chdir(ROOT)
    os.execv(words[0], words)


def existing(paths: Sequence[str], root: Path = ROOT) -> list[str]:
    """Those of `paths` that are there."""
    return [path for path in paths if (root / path).exists()]


def missing_system_packages(
    which: Callable[[str], str | None] = shutil.which,
) -> list[SystemPackage]:
    return [p for p in SYSTEM_PACKAGES if not any(which(command) for command in p.commands)]


def install_system_packages(missing: Sequence[SystemPackage]) -> None:
    """With apt-get, where that is allowed without a question; otherwise say what is less good."""
    if not missing:
        return
    prefix = _root_prefix()
    if prefix is not None and _apt_get(prefix, [package.package for package in missing]):
        missing = [package for package in missing if package in missing_system_packages()]
    for package in missing:
        print(f"note: {package.package} is not installed: {package.without}")


def fingerprint(*files: Path) -> str:
    """One hash over the names and contents of `files`."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _prepare(*, to_serve: bool = False) -> None:
    if not PYTHON.exists():
        _make_venv()
    if _stamp(STAMP) != _wanted_stamp():
        print("installing the project and its tools: a minute or two, 1.1 GB on disk", flush=True)
        _pip("install", "--quiet", "--constraint", str(CONSTRAINTS), "--editable", ".[dev]")
        STAMP.write_text(_wanted_stamp(), encoding="ascii")
    if not to_serve:
        _install_clients()
    missing = missing_system_packages()
    install_system_packages([p for p in missing if p.serves or not to_serve])


def _static_checks() -> None:
    code = existing(CODE)
    run(BIN / "ruff", "format", "--check", *code)
    run(BIN / "ruff", "check", *code)
    run(BIN / "mypy")


def _pytest(*arguments: str) -> None:
    run(PYTHON, "-m", "pytest", *arguments, quiet_failure=True)


def _make_venv() -> None:
    if uv := shutil.which("uv"):
        run(uv, "venv", "--seed", "--python", sys.executable, VENV)
    else:
        run(sys.executable, "-m", "venv", VENV)


def _pip(*arguments: str) -> None:
    if uv := shutil.which("uv"):
        run(uv, "pip", *arguments[:1], "--python", PYTHON, *arguments[1:])
    else:
        run(PYTHON, "-m", "pip", *arguments)


def _install_clients() -> None:
    """By npm, which comes with the tools. None of them needs its install script, so none runs."""
    wanted = fingerprint(CLIENTS / "package.json", CLIENTS / "package-lock.json", CONSTRAINTS)
    if _stamp(CLIENTS_STAMP) == wanted:
        return
    os.environ.setdefault("NODE_USE_SYSTEM_CA", "1")  # trust whom pip trusts
    options = ("--ignore-scripts", "--no-audit", "--no-fund")
    run(BIN / "npm", "ci", "--prefix", CLIENTS.relative_to(ROOT), *options)
    CLIENTS_STAMP.write_text(wanted, encoding="ascii")


def _stamp(file: Path) -> str | None:
    return file.read_text(encoding="ascii") if file.exists() else None


def _wanted_stamp() -> str:
    return fingerprint(ROOT / "pyproject.toml", CONSTRAINTS)


def _root_prefix() -> list[str] | None:
    """What stands before apt-get: nothing for root, `sudo -n` where it asks nothing, else None."""
    if shutil.which("apt-get") is None or os.name == "nt":
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n"] if asked.returncode == 0 else None


def _apt_get(prefix: Sequence[str], packages: Sequence[str]) -> bool:
    print(f"installing {' and '.join(packages)} with apt-get")
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    try:
        run(*prefix, "apt-get", "update")
        run(*prefix, "env", "DEBIAN_FRONTEND=noninteractive", *install)
    except CommandFailed:
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    lines = [f"  {name:8}{command.__doc__}" for name, command in COMMANDS.items()]
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description="commands:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="ARGS")
    return parser


if __name__ == "__main__":
    sys.exit(main())
