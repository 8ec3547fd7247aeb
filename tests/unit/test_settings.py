from pathlib import Path

import pytest

from rtav.errors import ConfigError
from rtav.settings import Settings
from rtav.sources import assignment, load, merge


@pytest.fixture(autouse=True)
def _clean_machine(monkeypatch, tmp_path):
    """No variable and no file of the machine the tests run on."""
    import os

    for name in list(os.environ):
        if name.upper().startswith("RTAV_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "rtav.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_any_source_the_defaults_hold():
    settings = load()

    assert settings.server.host == "127.0.0.1"
    assert settings.server.port == 8000
    assert settings.limits.max_calls == 24
    assert settings.dialect.default == "openai"
    assert settings.api_key is None
    assert settings == Settings()


def test_the_file_outranks_defaults_the_environment_the_file_and_the_command_line_all(monkeypatch):
    write('[server]\nport = 1\nhost = "10.0.0.1"\nhttps_port = 11\n[video]\nfps = 30\n')
    monkeypatch.setenv("RTAV_SERVER_PORT", "2")
    monkeypatch.setenv("RTAV_SERVER_HTTPS_PORT", "22")
    settings = load({"server": {"port": 3}})

    assert settings.server.port == 3
    assert settings.server.https_port == 22
    assert settings.server.host == "10.0.0.1"
    assert settings.video.fps == 30
    assert settings.video.size_px == 512


def test_the_documented_variables_reach_their_settings(monkeypatch):
    monkeypatch.setenv("RTAV_API_KEY", "sk-mine")
    monkeypatch.setenv("RTAV_LLM_BASE_URL", "http://localhost:11434/v1")
    monkeypatch.setenv("RTAV_LLM_API_KEY", "sk-llm")
    monkeypatch.setenv("RTAV_LLM_MODEL", "qwen")
    monkeypatch.setenv("RTAV_STATE_DIR", "/var/lib/rtav")
    monkeypatch.setenv("RTAV_ICE_PORT_RANGE", "40000-40100")
    monkeypatch.setenv("RTAV_ICE_PUBLIC", "203.0.113.7, 2001:db8::7")
    monkeypatch.setenv("RTAV_STT_OPTIONS", '{"workers": 2}')
    monkeypatch.setenv("RTAV_LLM_DISCOVER", "false")
    settings = load()

    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "sk-mine"
    assert settings.llm.base_url == "http://localhost:11434/v1"
    assert settings.llm.api_key is not None
    assert settings.llm.api_key.get_secret_value() == "sk-llm"
    assert settings.llm.model == "qwen"
    assert settings.state_dir == Path("/var/lib/rtav")
    assert settings.ice.port_range == (40000, 40100)
    assert settings.ice.public == ("203.0.113.7", "2001:db8::7")
    assert settings.stt.options == {"workers": 2}
    assert not settings.llm.discover


def test_the_variables_of_the_client_examples_are_left_alone(monkeypatch):
    monkeypatch.setenv("RTAV_API_URL", "http://localhost:8000")
    monkeypatch.setenv("RTAV_MODEL", "gpt-5.2")

    assert load() == Settings()


def test_a_named_file_is_read_instead_of_the_one_here(monkeypatch):
    write("[server]\nport = 1\n")
    other = write("[server]\nport = 2\n", "other.toml")

    assert load(config=other).server.port == 2
    monkeypatch.setenv("RTAV_CONFIG", "other.toml")
    assert load().server.port == 2


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("RTAV_SERVER_PORT", "eighty", "server.port: Input should be a valid integer"),
        ("RTAV_SERVER_COLOUR", "red", "server.colour: no such setting (set in the environment)"),
        ("RTAV_COLOUR", "red", "RTAV_COLOUR: no such setting"),
        ("RTAV_STT_OPTIONS", "{", "RTAV_STT_*: a table must be JSON"),
        ("RTAV_MCP_ALLOWED_HOSTS", "*, http://a/", "mcp: allowed_hosts are hosts"),
        ("RTAV_SERVER_TLS_CERT", "/c.pem", "server: tls_cert and tls_key belong together"),
        ("RTAV_ICE_PORT_RANGE", "5-4", "ice: port_range goes from the lower"),
        ("RTAV_LIMITS_MAX_CALLS", "0", "limits.max_calls: Input should be greater than"),
        ("RTAV_VIDEO_SIZE_PX", "500", "video.size_px: Input should be a multiple of 16"),
        ("RTAV_DIALECT_DEFAULT", "gpt", "dialect.default: Input should be 'openai'"),
    ],
)
def test_a_bad_variable_is_named_with_its_source(monkeypatch, variable, value, message):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as refused:
        load()

    assert str(refused.value).startswith(message)
    assert "environment" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\nport = 'x'\n", "server.port: Input should be a valid integer"),
        ("[server]\ncolour = 1\n", "server.colour: no such setting (set in the file rtav.toml)"),
        ("[serve]\nport = 1\n", "serve: no such setting (set in the file rtav.toml)"),
        ("server = 3\n", "server: Input should be a valid dictionary"),
        ("[server\n", "rtav.toml: is not TOML"),
    ],
)
def test_a_bad_file_is_named(text, message):
    write(text)
    with pytest.raises(ConfigError) as refused:
        load()

    assert str(refused.value).startswith(message)
    assert "rtav.toml" in str(refused.value)


def test_a_bad_option_is_blamed_on_the_command_line_even_if_the_file_names_it_too():
    write("[server]\nport = 1\n")
    with pytest.raises(ConfigError) as refused:
        load({"server": {"port": 70_000}})

    assert "server.port" in str(refused.value)
    assert "(set in the command line)" in str(refused.value)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(ConfigError) as refused:
        load(config=Path("nowhere.toml"))

    assert str(refused.value) == "nowhere.toml: cannot be read: No such file or directory"


def test_an_error_never_shows_a_secret(monkeypatch):
    monkeypatch.setenv("RTAV_API_KEY", "sk-hidden")
    monkeypatch.setenv("RTAV_SERVER_PORT", "x")
    with pytest.raises(ConfigError) as refused:
        load()

    assert "sk-hidden" not in str(refused.value)
    monkeypatch.delenv("RTAV_SERVER_PORT")
    assert "sk-hidden" not in repr(load())


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("server.port=8080", {"server": {"port": 8080}}),
        ("llm.model=qwen2.5", {"llm": {"model": "qwen2.5"}}),
        ("ice.public=['a', 'b']", {"ice": {"public": ["a", "b"]}}),
        ("stt.options.workers=3", {"stt": {"options": {"workers": 3}}}),
        ("llm.discover=false", {"llm": {"discover": False}}),
        ("secret=a=b", {"secret": "a=b"}),
    ],
)
def test_an_assignment_is_toml_or_plain_text(text, tree):
    assert assignment(text) == tree


@pytest.mark.parametrize("text", ["", "server.port", "=3"])
def test_an_assignment_without_key_or_value_is_refused(text):
    with pytest.raises(ConfigError):
        assignment(text)


def test_later_trees_win_key_by_key():
    merged = merge([{"a": {"x": 1, "y": 1}}, {"a": {"y": 2}}, {"b": 3}])

    assert merged == {"a": {"x": 1, "y": 2}, "b": 3}
