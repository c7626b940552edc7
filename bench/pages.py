"""`python -m bench.pages`: Lighthouse on the five pages a customer meets, on the production server.

Needs Node (npm) and Chromium (`CHROME_PATH` names another one).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import click

from bench import report, seed, stack

FOLDER = Path(__file__).parent / "lighthouse"
COLUMNS = (
    *("page", "performance", "accessibility", "best practices", "SEO"),
    *("FCP s", "LCP s", "TBT ms", "CLS", "kB"),
)
SCORES = ("performance", "accessibility", "best-practices", "seo")


@click.command()
@click.option("--repeats", default=3, show_default=True, help="Runs of each page.")
@click.option("--only", default="", help="Pages, with commas between them.")
@click.option("--port", default=6599, show_default=True)
@click.option("--var", type=click.Path(path_type=Path), default=stack.VAR, help="Data folder.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the report.")
def main(repeats: int, only: str, port: int, var: Path, out: Path | None) -> None:
    """Say what Lighthouse (mobile) makes of home, listing, product, cart and checkout."""
    tools = _install(var / "lighthouse")
    about = report.machine()
    with (
        stack.prepared(var, port) as place,
        stack.serving(place, log=var / "web.log"),
    ):
        pages = [page for page in _pages(place) if not only or page["name"] in only.split(",")]
        asked = var / "pages.json"
        asked.write_text(json.dumps({"repeats": repeats, "pages": pages}))
        found = _run(tools, asked)
    text = _markdown(about, found)
    folder = out or var / "results"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"lighthouse-{about['date'][:10]}.md"
    path.write_text(text)
    click.echo(text)
    click.echo(f"Written to {path}")


def _install(folder: Path) -> Path:
    """Lighthouse as the package file pins it, beside the other data."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "run.mjs"):
        shutil.copy(FOLDER / name, folder / name)
    if not (folder / "node_modules" / "lighthouse").is_dir():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=folder, check=True)
    return folder


def _pages(place: stack.Stack) -> list[dict[str, str]]:
    base = f"http://{place.name}"
    with urllib.request.urlopen(
        urllib.request.Request(
            f"{base}/cart/lines",
            f"sku={seed.sku(0, 0)}&quantity=1".encode(),
            {"Origin": base, "HX-Request": "true"},
        )
    ) as answer:
        set_cookies = answer.headers.get_all("Set-Cookie")
    cookie = next(text.partition(";")[0] for text in set_cookies if text.startswith("cart="))
    paths = (
        ("home", "/", ""),
        ("listing", "/products", ""),
        ("product", f"/products/{seed.handle(1)}", ""),
        ("cart", "/cart", cookie),
        ("checkout", "/checkout", cookie),
    )
    return [{"name": name, "url": base + path, "cookie": jar} for name, path, jar in paths]


def _run(tools: Path, asked: Path) -> list[dict[str, Any]]:
    environ = dict(os.environ)
    if "CHROME_PATH" not in environ and (chromium := shutil.which("chromium")):
        environ["CHROME_PATH"] = chromium
    with subprocess.Popen(
        ["node", "run.mjs", str(asked)], cwd=tools, env=environ, stdout=subprocess.PIPE, text=True
    ) as node:
        assert node.stdout is not None
        found = []
        for line in node.stdout:
            found.append(json.loads(line))
            click.echo(f"{found[-1]['name']}: {found[-1]['scores']}")
    if node.returncode:
        raise SystemExit("Lighthouse failed; what it said stands above.")
    return found


def _markdown(about: dict[str, Any], found: list[dict[str, Any]]) -> str:
    lines = [
        f"# Lighthouse on {about['date'][:10]}",
        "",
        f"Commit {about['commit']}, mobile, the median run of each page.",
        f"Load average at the start: {about['load_at_start']:.2f}.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---|" + "--:|" * (len(COLUMNS) - 1),
    ]
    for page in found:
        metrics = page["metrics"]
        scores = " | ".join(str(page["scores"][name]) for name in SCORES)
        lines.append(
            f"| {page['name']} | {scores} | {metrics['fcp'] / 1e3:.2f} | {metrics['lcp'] / 1e3:.2f}"
            f" | {metrics['tbt']:.0f} | {metrics['cls']:.3f} | {page['bytes'] / 1e3:.0f} |"
        )
    lost = [f"- {page['name']}: {each}" for page in found for each in page["lost"]]
    return "\n".join([*lines, "", *(["What cost points:", "", *lost, ""] if lost else [])])


if __name__ == "__main__":
    main()
