import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def dev():
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["dev"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["dev"]


def test_a_program_under_any_of_its_names_is_not_missing(dev):
    present = {"google-chrome": "/opt/chrome"}

    assert [p.package for p in dev.missing_system_packages(present.get)] == ["flite"]
    assert [p.package for p in dev.missing_system_packages({}.get)] == ["flite", "chromium"]


def test_a_changed_requirement_changes_the_fingerprint(dev, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_text("x")
    b.write_text("y")
    first = dev.fingerprint(a, b)
    assert dev.fingerprint(a, b) == first

    b.write_text("z")
    assert dev.fingerprint(a, b) != first


def test_the_clients_that_run_in_node_are_installed_when_their_lock_file_changes(
    dev, tmp_path, monkeypatch
):
    for name in ("package.json", "package-lock.json", "constraints.txt"):
        (tmp_path / name).write_text("first")
    installed = tmp_path / "node_modules"
    commands = []

    def install(*command):
        commands.append(command)
        installed.mkdir(exist_ok=True)

    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "CLIENTS", tmp_path)
    monkeypatch.setattr(dev, "CLIENTS_STAMP", installed / "stamp")
    monkeypatch.setattr(dev, "CONSTRAINTS", tmp_path / "constraints.txt")
    monkeypatch.setattr(dev, "run", install)

    dev._install_clients()
    dev._install_clients()
    assert [command[:2] for command in commands] == [(dev.BIN / "npm", "ci")]

    (tmp_path / "package-lock.json").write_text("second")
    dev._install_clients()
    assert len(commands) == 2


def test_the_lock_file_names_no_address(dev):
    assert "://" not in (dev.CLIENTS / "package-lock.json").read_text()


def test_a_failing_command_gives_its_exit_status(dev, capfd):
    with pytest.raises(dev.CommandFailed) as failed:
        dev.run(sys.executable, "-c", "raise SystemExit(5)")

    assert failed.value.status == 5
    printed = capfd.readouterr().out
    assert printed.startswith("+ ")
    assert "! exit status 5" in printed


def test_pytests_summary_stays_the_last_line_of_a_failure(dev, capfd):
    with pytest.raises(dev.CommandFailed):
        dev.run(sys.executable, "-c", "print('1 failed'); raise SystemExit(1)", quiet_failure=True)

    assert capfd.readouterr().out.endswith("1 failed\n")


def test_only_paths_that_exist_are_given_to_tools(dev, tmp_path):
    (tmp_path / "src").mkdir()

    assert dev.existing(["src", "tools"], tmp_path) == ["src"]


def test_every_command_says_what_it_does():
    helped = subprocess.run(
        [sys.executable, ROOT / "dev.py", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("setup", "check", "test", "fix", "e2e", "bench", "fuzz", "docs", "serve"):
        assert f"\n  {command} " in helped.stdout


def test_an_unknown_command_is_an_error():
    asked = subprocess.run([sys.executable, ROOT / "dev.py", "nothing"], capture_output=True)

    assert asked.returncode == 2
