"""The examples of docs/api.md, in their order, against a server."""

import json
import re
import shlex
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import pytest

from rtav.engines.avatar.portrait import ASSETS, PortraitAvatar
from rtav.runtime.stage import Stage, Threads
from rtav.runtime.supervisor import Supervisor
from rtav.server.services import new_id
from rtav.server.uploads.library import Library
from rtav.server.uploads.opening import makers
from rtav.server.uploads.quota import Quota
from rtav.server.uploads.shelves import Shelves
from rtav.server.uploads.voices import AdoptedVoices
from rtav.settings import AssetSettings, Settings
from rtav.testing.calls import RULES, InlineExecutor, ScriptedEngines
from rtav.testing.engines import ScriptedTts

EXAMPLES = ASSETS / "driving"
DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"
BLOCKS = re.findall(r"```(sh|json)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


def requested(server, command: str):
    """What a curl command of the document sends, sent."""
    words = iter(shlex.split(command)[1:])
    method, headers, form, content, path = None, {}, {}, None, ""
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            content = next(words)
        elif word == "-F":
            name, _, value = next(words).partition("=")
            at, is_file, path_ = value.partition("@")
            form[name] = (
                (path_, (EXAMPLES / path_).read_bytes()) if is_file and not at else (None, value)
            )
        else:
            url = urlsplit(word)
            path = url.path + (f"?{url.query}" if url.query else "")
    method = method or ("POST" if form or content else "GET")
    more = {"files": form} if form else {"content": content}
    return server.request(method, path, key=None, headers=headers, **more)


def is_as_documented(documented, answered) -> bool:
    """An answer may have more fields than are shown; `…` stands for anything."""
    match documented:
        case dict():
            return all(
                name in answered and is_as_documented(value, answered[name])
                for name, value in documented.items()
            )
        case list():
            return len(answered) >= len(documented) and all(
                is_as_documented(one, other)
                for one, other in zip(documented, answered, strict=False)
            )
        case str() if documented.endswith("…"):
            return answered.startswith(documented.removesuffix("…"))
        case _:
            return documented == answered


@pytest.fixture
def documented_server(make_server, tmp_path):
    class Stocked(make_server):
        def make_library(self, table):
            return Library(
                table=table,
                shelves=Shelves(tmp_path),
                makers=makers(PortraitAvatar(), AdoptedVoices(ScriptedTts()), Settings()),
                quota=Quota(AssetSettings(), now=lambda: self.now),
                wall=self.wall,
                new_id=new_id,
            )

    server = Stocked()
    threads = Threads(render=InlineExecutor(), encode=InlineExecutor(), load=InlineExecutor())
    real = Supervisor(ScriptedEngines(), RULES, Stage(threads))
    server.supervisor.shown = real.shown  # a session is shown as a real call would begin
    return server


def test_every_example_is_answered_as_it_is_documented(documented_server):
    variables = {}
    answered = None
    compared = 0
    for kind, text in BLOCKS:
        if kind == "json":
            assert is_as_documented(json.loads(text), answered), f"{text} was {answered}"
            variables["SESSION"] = answered.get("id", variables.get("SESSION", ""))
            compared += 1
        elif text.startswith("curl"):
            command = Template(text.replace("\\\n", "")).substitute(variables)
            response = requested(documented_server, command)
            assert response.status_code < 300 or "nobody" in command, response.text
            is_json = response.headers["content-type"] == "application/json"
            answered = response.json() if is_json else {}
        else:
            variables |= dict(line.split("=", 1) for line in text.splitlines())
    assert compared == 12


def test_every_path_is_documented(server):
    text = DOCUMENT.read_text(encoding="utf-8")
    paths = server.get("/openapi.json", key=None).json()["paths"]
    public = [path for path in paths if path.startswith("/v1/")]

    missing = [path for path in public if path.partition("/{")[0] not in text]
    assert missing == []
