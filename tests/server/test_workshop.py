import asyncio
import os
import platform
import zipfile
from pathlib import Path

import pytest

import rtav
from rtav.errors import ProtocolError
from rtav.server.uploads.workshop import Task, Workshop

FACE = Path(rtav.__file__).parent / "assets" / "faces" / "face1"
MODULE = """
import os, time
from rtav.errors import ProtocolError


def make(upload, folder, wish):
    (folder / "kept").write_bytes(upload)
    return {"length": len(upload), "name": wish["name"]}


def surroundings(upload, folder, wish):
    return {"names": sorted(os.environ)}


def refuse(upload, folder, wish):
    raise ProtocolError("not this", code="invalid_voice", param="file")


def crash(upload, folder, wish):
    os.abort()


def fail(upload, folder, wish):
    raise RuntimeError("a bug")


def grow(upload, folder, wish):
    return {"length": len(bytes(8 << 30))}


def hang(upload, folder, wish):
    time.sleep(60)
"""


@pytest.fixture
def made(tmp_path, monkeypatch):
    (tmp_path / "strange_maker.py").write_text(MODULE)
    path = f"{tmp_path}{os.pathsep}{Path(rtav.__file__).parents[1]}"
    monkeypatch.setenv("PYTHONPATH", path)
    (tmp_path / "upload").write_bytes(b"abc")
    (tmp_path / "folder").mkdir()

    def make(function: str, *, module: str = "strange_maker", limit_s: float = 30.0, **wish):
        task = Task(
            kind="voice",
            module=module,
            function=function,
            upload=tmp_path / "upload",
            folder=tmp_path / "folder",
            wish={"id": "voice_1", "name": "Ünnamed", **wish},
        )
        return asyncio.run(Workshop(limit_s=limit_s).make(task))

    return make


def test_an_asset_is_made_in_a_process_of_its_own(made, tmp_path):
    assert made("make") == {"length": 3, "name": "Ünnamed"}
    assert (tmp_path / "folder" / "kept").read_bytes() == b"abc"


def test_that_process_knows_no_secret_of_the_servers(made, monkeypatch):
    monkeypatch.setenv("RTAV_API_KEY", "secret")
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    names = made("surroundings")["names"]
    assert "PYTHONPATH" in names
    assert not {"RTAV_API_KEY", "DATABASE_PASSWORD"} & {*names}


def test_a_refusal_is_told_as_it_was_raised(made):
    with pytest.raises(ProtocolError, match="not this") as error:
        made("refuse")
    assert (error.value.code, error.value.param) == ("invalid_voice", "file")


@pytest.mark.parametrize("function", ["crash", "fail", "hang", "grow"])
def test_a_file_that_breaks_its_process_breaks_nothing_else(made, function):
    if function == "grow" and platform.system() != "Linux":
        pytest.skip("memory is limited on Linux only")
    with pytest.raises(ProtocolError, match="damaged, or needs more memory") as error:
        made(function, limit_s=1.0 if function == "hang" else 30.0)
    assert error.value.code == "invalid_voice"


def test_a_face_is_made_for_the_portrait_engine(made, tmp_path):
    with zipfile.ZipFile(tmp_path / "upload", "w") as archive:
        for path in FACE.iterdir():
            archive.write(path, f"mia/{path.name}")
    facts = made("prepare_face", module="rtav.engines.avatar.preparing")
    assert facts == {"preview": True, "has_outline": True, "voice": "alice"}
    assert (tmp_path / "folder" / "face.json").is_file()
