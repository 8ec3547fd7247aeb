import logging
import socket
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from rtav.cli import app


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RTAV_STATE_DIR", str(tmp_path))
    handlers, level = logging.root.handlers[:], logging.root.level
    yield lambda *arguments: CliRunner().invoke(app, arguments)
    logging.root.handlers[:] = handlers  # the command logs to a stream that the runner has closed
    logging.root.setLevel(level)


def test_version_prints_the_version(run):
    assert run("version").stdout == version("rtav") + "\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--port", "70000"], "rtav: server.port: Input should be less than or equal to 65535"),
        (["--config", "nowhere.toml"], "rtav: nowhere.toml: cannot be read: No such file"),
        (["--tls-cert", "c.pem"], "rtav: server: tls_cert and tls_key belong together"),
        (["--set", "colour=red"], "rtav: colour: no such setting (set in the command line)"),
        (["--set", "colour"], "rtav: --set: expected key=value"),
        (["--set", "tts.engine=nobody", "--port", "0"], "rtav: tts.engine: no engine is called"),
        (
            ["--set", "vad.options.colour=1", "--port=0"],
            "rtav: vad.silero.colour: silero has no such option",
        ),
        (["--set", "secret=short", "--port", "0"], "rtav: secret: each secret needs at least 16"),
    ],
)
def test_a_mistake_is_one_readable_line(run, arguments, line):
    result = run("serve", "--set", "llm.discover=false", *arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_a_taken_port_is_one_readable_line(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port))

    assert result.exit_code == 2
    assert result.stderr.startswith(f"rtav: server.port: 127.0.0.1:{port} cannot be used")


def test_the_doctor_names_what_would_not_work(run):
    result = run("doctor", "--set", "tts.engine=nobody", "--set", "server.port=0")

    assert result.exit_code == 1
    assert "ok  http: http://127.0.0.1:" in result.stdout
    assert "no  engines: tts.engine: no engine is called 'nobody'" in result.stdout
