"""Pin what kernel, plugins and themes need, with hashes, for every platform: constraints.txt."""

import subprocess
import sys
import tempfile
from pathlib import Path

from install import ROOT, distribution, projects

HEADER = "# Pinned by `make lock`. Every version has been tried together with the others.\n"
KERNEL_EXTRAS = "[embedded,production,test]"


def main() -> int:
    """Resolve anew, keeping the versions of today's file where they still fit."""
    target = ROOT / "constraints.txt"
    wanted = []
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate"]
    for project in projects():
        name = distribution((project / "setup.cfg").read_text())
        command += ["--no-emit-package", name]
        extras = KERNEL_EXTRAS if project == ROOT else ""
        wanted.append(f"{name}{extras} @ {project.as_uri()}\n")
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "wanted.txt"
        source.write_text("".join(wanted))
        pinned = Path(scratch) / "pinned.txt"
        if target.exists():
            pinned.write_text(target.read_text())
        done = subprocess.run([*command, str(source), "-o", str(pinned)], check=False)
        if done.returncode != 0:
            return done.returncode
        lines = pinned.read_text().splitlines(keepends=True)
    body = [line for line in lines if not line.startswith("#")]
    target.write_text(HEADER + "".join(body))
    return 0


if __name__ == "__main__":
    sys.exit(main())
