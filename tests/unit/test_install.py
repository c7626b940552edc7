"""`make install`: what it says when something is missing, and when it does how much."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETUP = "[metadata]\nname = {name}\n"


@pytest.fixture
def checkout(tmp_path):
    """A small checkout in a folder whose name has a space."""
    root = tmp_path / "my shop"
    for folder, name in ((".", "kernel"), ("plugins/one", "plugin-one"), ("themes/plain", "theme")):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "setup.cfg").write_text(SETUP.format(name=name))
        (root / folder / "pyproject.toml").write_text("[build-system]\n")
    (root / "constraints.txt").write_text("click==8.5.1 \\\n    --hash=sha256:00\n")
    shutil.copytree(ROOT / "tools", root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", root)
    return root


@pytest.fixture
def install(checkout, monkeypatch):
    """tools/install.py of that checkout, its pip commands written down instead of run."""
    spec = importlib.util.spec_from_file_location("install", checkout / "tools" / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.commands = []

    def make_venv():
        python = checkout / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        module.commands.append(["venv"])

    monkeypatch.setattr(module, "make_venv", make_venv)
    monkeypatch.setattr(module, "pip", lambda arguments, *watch: module.commands.append(arguments))
    return module


def done(install):
    """What one installation did, by its first two words."""
    install.commands.clear()
    assert install.main() == 0
    return [command[:2] for command in install.commands]


EDITABLE = ["install", "--no-deps"]


def test_the_first_time_everything_is_installed_with_hashes_and_later_nothing(install):
    assert done(install) == [["venv"], ["install", "--require-hashes"], EDITABLE]
    assert install.commands[-1][3:] == ["-e", ".", "-e", "./plugins/one", "-e", "./themes/plain"]
    assert done(install) == []


def test_new_constraints_are_installed_into_the_same_environment(install, checkout):
    done(install)
    (checkout / "constraints.txt").write_text("click==8.5.2 --hash=sha256:01\n")
    assert done(install) == [["install", "--require-hashes"], EDITABLE]


def test_a_changed_setup_cfg_installs_the_checkout_again(install, checkout):
    done(install)
    with (checkout / "plugins" / "one" / "setup.cfg").open("a") as file:
        file.write("version = 2\n")
    assert done(install) == [EDITABLE]


def test_a_plugin_folder_that_comes_is_installed_and_one_that_goes_is_uninstalled(
    install, checkout
):
    done(install)
    shutil.copytree(checkout / "plugins" / "one", checkout / "plugins" / "two")
    (checkout / "plugins" / "two" / "setup.cfg").write_text(SETUP.format(name="plugin-two"))
    assert done(install) == [EDITABLE]
    shutil.rmtree(checkout / "plugins" / "one")
    assert done(install) == [["uninstall", "-y"], EDITABLE]
    assert install.commands[0] == ["uninstall", "-y", "plugin-one"]


def test_an_installation_that_failed_is_tried_again(install, monkeypatch, capsys):
    working = install.pip

    def failing(arguments, *watch):
        raise subprocess.CalledProcessError(2, arguments)

    monkeypatch.setattr(install, "pip", failing)
    assert install.main() == 2
    assert "Installation failed" in capsys.readouterr().err
    monkeypatch.setattr(install, "pip", working)
    assert done(install)[-2:] == [["install", "--require-hashes"], EDITABLE]


def test_an_environment_of_a_moved_checkout_is_made_anew(install, checkout):
    done(install)
    stamp = json.loads((checkout / ".venv" / "installed.json").read_text())
    stamp["python"] = stamp["python"].replace("my shop", "old place")
    (checkout / ".venv" / "installed.json").write_text(json.dumps(stamp))
    assert done(install)[0] == ["venv"]


def make(checkout, *arguments):
    return subprocess.run(
        ["make", *arguments], cwd=checkout, capture_output=True, text=True, check=False
    )


def stand_in_python(checkout, prelude):
    """A python3 that runs `prelude` before the script it is given."""
    program = checkout / "python-stand-in"
    code = f"import runpy, sys; {prelude}; sys.argv = sys.argv[1:]; "
    code += "runpy.run_path(sys.argv[0], run_name='__main__')"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n')
    program.chmod(0o755)
    return f"PYTHON={program}"


@pytest.mark.parametrize("target", ["run", "test", "lint", "types", "install"])
def test_without_python_each_command_says_what_to_install(checkout, target):
    result = make(checkout, target, "PYTHON=python-that-is-not-there")
    assert result.returncode != 0
    assert result.stderr.splitlines()[0] == (
        "Python 3.11 or newer is needed and python-that-is-not-there was not found: install it "
        "(Debian: apt-get install python3 python3-venv)."
    )


def test_an_old_python_is_named_with_the_version_needed(checkout):
    old = stand_in_python(checkout, "sys.version_info = (3, 9, 2)")
    result = make(checkout, "run", old)
    assert result.returncode != 0
    assert "Python 3.11 or newer is needed" in result.stderr
    assert "is 3.9" in result.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_says_which_package_to_install(checkout, module):
    bare = stand_in_python(checkout, f"sys.modules['{module}'] = None")
    result = make(checkout, "run", bare)
    assert result.returncode != 0
    assert result.stderr.splitlines()[0] == (
        "Python's venv module is needed and not complete here: install it "
        "(Debian: apt-get install python3-venv)."
    )


def test_help_lists_every_command(checkout):
    said = make(checkout).stdout
    for command in ("run", "test", "lint", "types", "lock", "css", "clean"):
        assert f"\n{command} " in f"\n{said}"


def test_the_constraints_pin_every_package_with_a_hash_and_name_no_index():
    text = (ROOT / "constraints.txt").read_text()
    packages = [line for line in text.splitlines() if line[:1].isalnum()]
    assert len(packages) > 50
    for line in packages:
        assert "==" in line
        assert line.endswith("\\"), f"{line} has no hash"
    assert "://" not in text
    assert "index-url" not in text
