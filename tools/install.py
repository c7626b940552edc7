"""Make the virtual environment and install the checkout into it, when something changed.

Runs on the machine's own Python, before anything is installed: the standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.json"
LOG = VENV / "install.log"
OLDEST = (3, 11)


def main() -> int:
    """Install what changed since the last time; 0 when the environment is ready."""
    missing = missing_tool()
    if missing:
        print(missing, file=sys.stderr)
        return 1
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # two `make` in one checkout take turns
        return install(fingerprint(), read_stamp())
    except subprocess.CalledProcessError as error:
        print(f"\nInstallation failed (details in {LOG}):", file=sys.stderr)
        print("\n".join(end_of_log()), file=sys.stderr)
        return error.returncode or 1
    finally:
        os.close(folder)


def install(wanted: dict, found: dict) -> int:
    """Do what lies between the fingerprint `found` and the one `wanted`."""
    if found == wanted:
        return 0
    began = time.monotonic()
    if found.get("python") != wanted["python"]:
        say("Making the virtual environment in .venv")
        make_venv()
    if found.get("constraints") != wanted["constraints"]:
        install_constraints()
    install_checkout(found, wanted)
    STAMP.write_text(json.dumps(wanted, indent=1))
    say(f"Installed in {time.monotonic() - began:.0f} s")
    return 0


def missing_tool() -> str:
    """One sentence about what this machine lacks, or nothing."""
    if sys.version_info < OLDEST:
        return (
            f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed and {sys.executable} is "
            f"{sys.version_info[0]}.{sys.version_info[1]}: install a newer one and name it, "
            "for instance make run PYTHON=python3.11."
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return (
            "Python's venv module is needed and not complete here: install it "
            "(Debian: apt-get install python3-venv)."
        )
    return ""


def projects() -> list[Path]:
    """The folders installed from the checkout: the kernel, then plugins and themes by name."""
    found = [ROOT]
    for family in ("plugins", "themes"):
        found += sorted(path.parent for path in ROOT.glob(f"{family}/*/setup.cfg"))
    return found


def fingerprint() -> dict:
    """All that decides what .venv must hold. The path counts: an environment cannot be moved."""
    described = {}
    for project in projects():
        texts = [(project / name).read_bytes() for name in ("setup.cfg", "pyproject.toml")]
        key = "." if project == ROOT else project.relative_to(ROOT).as_posix()
        described[key] = {"digest": digest(*texts), "name": distribution(texts[0].decode())}
    python = f"{sys.version_info[0]}.{sys.version_info[1]} in {ROOT}"
    constraints = digest((ROOT / "constraints.txt").read_bytes())
    return {"python": python, "constraints": constraints, "projects": described}


def digest(*texts: bytes) -> str:
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def distribution(setup_cfg: str) -> str:
    """The `name` of a setup.cfg."""
    match = re.search(r"^name\s*=\s*(\S+)", setup_cfg, re.MULTILINE)
    return match.group(1) if match else ""


def read_stamp() -> dict:
    """The fingerprint of the last complete installation, empty when there is none."""
    try:
        return json.loads(STAMP.read_text()) if (VENV / "bin/python").exists() else {}
    except (OSError, ValueError):
        return {}


def make_venv() -> None:
    """An empty environment in the place of whatever was there."""
    VENV.mkdir(exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)


def install_constraints() -> None:
    """Every third-party package, in the pinned version, checked against its hash."""
    total = len(re.findall(r"^[a-zA-Z0-9]", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    say(f"Installing up to {total} packages (a minute or two the first time)")
    count = 0

    def watch(line: str) -> None:
        nonlocal count
        if line.startswith("Collecting "):
            count += 1
            if count % 10 == 0:
                say(f"  {count} packages fetched")
        elif line.startswith("Installing collected packages"):
            say(f"  {count} packages fetched, installing them")

    pip(["install", "--require-hashes", "-r", "constraints.txt"], watch)


def install_checkout(found: dict, wanted: dict) -> None:
    """Kernel, plugins and themes, editable; those whose folder is gone are uninstalled."""
    before = {one["name"] for one in found.get("projects", {}).values()}
    after = {one["name"] for one in wanted["projects"].values()}
    gone = sorted(before - after)
    if gone:
        say(f"Removing {', '.join(gone)}")
        pip(["uninstall", "-y", *gone])
    say(f"Installing this checkout: {', '.join(sorted(after))}")
    command = ["install", "--no-deps", "--no-build-isolation"]
    for key in wanted["projects"]:
        command += ["-e", key if key == "." else f"./{key}"]
    pip(command)


def pip(arguments: list, watch=lambda line: None) -> None:
    """Run the environment's pip, its output in the log and line by line to `watch`."""
    command = [str(VENV / "bin/python"), "-m", "pip", *arguments]
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    command += quiet if arguments[0] == "install" else quiet[:2]
    environment = dict(os.environ, PIP_ROOT_USER_ACTION="ignore")
    with LOG.open("a") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        for line in process.stdout:
            log.write(line)
            watch(line)
        if process.wait() != 0:
            raise subprocess.CalledProcessError(process.returncode, command)


def end_of_log() -> list:
    """The last lines of the installation's log."""
    try:
        return LOG.read_text(errors="replace").splitlines()[-12:]
    except OSError:
        return []


def say(line: str) -> None:
    """Show progress at once, also through a pipe."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
