"""Databases to test against: a SQLite file, and PostgreSQL where it is installed."""

import contextlib
import glob
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest


def _program(name: str) -> str | None:
    # Debian keeps these out of the PATH.
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return found[-1] if found else shutil.which(name)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def _cluster() -> Iterator[str]:
    """A PostgreSQL server of our own; the URL of its database."""
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    folder = Path(tempfile.mkdtemp())
    if user:
        shutil.chown(folder, user)
    port = _free_port()
    data = str(folder / "data")
    subprocess.run(
        [_program("initdb"), "-D", data, "-U", "rtav", "--auth=trust", "--no-sync"],
        check=True, user=user, capture_output=True, cwd="/",
    )  # fmt: skip
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
    start = [_program("pg_ctl"), "-D", data, "-o", options, "-l", str(folder / "log"), "-w"]
    subprocess.run(
        [*start, "start"], check=True, user=user, cwd="/",
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"postgresql://rtav@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(
            [_program("pg_ctl"), "-D", data, "-m", "immediate", "stop"],
            check=True, user=user, capture_output=True, cwd="/",
        )  # fmt: skip
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    if _program("initdb") is None or find_spec("asyncpg") is None:
        pytest.skip("needs PostgreSQL (initdb) and asyncpg")
    with _cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/rtav.sqlite3"
    server = request.getfixturevalue("postgres")
    name = f"test_{os.urandom(6).hex()}"
    psql = [_program("psql"), "-d", server, "-c", f"CREATE DATABASE {name}"]
    subprocess.run(psql, check=True, capture_output=True)
    return server.removesuffix("postgres") + name
