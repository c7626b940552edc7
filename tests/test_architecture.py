"""Who may import whom: the arrows of docs/architecture.md, walked in the code itself."""

from __future__ import annotations

import ast
import configparser
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "core" / "opticworks"

# A room imports rooms of lower levels and itself, never a neighbour of its own level.
LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"money", "faults", "config"}),
    frozenset({"contracts", "events", "embedded"}),
    frozenset({"hookspecs", "db"}),
    frozenset({"plugins"}),
    frozenset({"shop"}),
    frozenset({"web", "jobs"}),
    frozenset({"documents", "links"}),
    frozenset({"settings", "audit", "staff", "notifications", "media"}),
    frozenset({"carts", "pricing", "stock", "orders", "payments", "shipping", "pages", "returns"}),
    frozenset({"checkout"}),
    frozenset({"webhooks"}),
    frozenset({"storefront", "admin"}),
    frozenset({"cli"}),
)
# Rooms of one level that are allowed to know each other, and why.
NEIGHBOURS = {
    ("settings", "audit"): "every change of a setting leaves an audit entry",
    ("staff", "audit"): "every staff write leaves an audit entry",
    ("staff", "notifications"): "a forgotten password is answered by mail",
}
# What puts the whole together stands outside the levels.
COMPOSITION = frozenset({"app", "boot", "demo", "kernel", "migrations", "models", "plugin"})
PUBLIC = frozenset({"plugin", "kernel", "contracts", "money", "events", "testing"})


def imports_of(path: Path) -> Iterator[tuple[str, int, bool]]:
    """(module, line, only for types) of every import in a file, inner ones included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, id(node) in typing_only
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name, node.lineno, id(node) in typing_only


def room_of(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def level_of(room: str) -> int | None:
    return next((i for i, rooms in enumerate(LEVELS) if room in rooms), None)


def kernel_files() -> list[Path]:
    return sorted(p for p in CORE.rglob("*.py") if "versions" not in p.parts)


def test_every_room_has_a_place() -> None:
    rooms = {room_of(path) for path in kernel_files()} - {"__init__", "testing"}
    placed = set().union(*LEVELS) | COMPOSITION
    assert not rooms - placed, (
        f"Give {sorted(rooms - placed)} a level in this test and in the docs."
    )
    assert not placed - rooms, f"{sorted(placed - rooms)} are no rooms any more."


def test_rooms_import_only_what_lies_below_them() -> None:
    wrong = []
    for path in kernel_files():
        room = room_of(path)
        level = level_of(room)
        if level is None:
            continue
        for module, line, typing_only in imports_of(path):
            parts = module.split(".")
            if parts[0] != "opticworks" or len(parts) < 2 or typing_only:
                continue
            other = parts[1]
            if other == room or (room, other) in NEIGHBOURS or other.startswith("__"):
                continue
            if other in COMPOSITION and room == "cli":
                continue
            if other == "testing" or other in COMPOSITION or (level_of(other) or 0) >= level:
                where = path.relative_to(ROOT)
                wrong.append(f"{where}:{line}: {room} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_contracts_need_only_money_pydantic_and_the_standard_library() -> None:
    for path in (*sorted((CORE / "contracts").glob("*.py")), CORE / "events.py"):
        for module, line, _ in imports_of(path):
            top = module.split(".")[0]
            known = top in sys.stdlib_module_names or top == "pydantic"
            inner = module.startswith(("opticworks.money.", "opticworks.contracts."))
            own = path.name != "events.py" or not module.startswith("opticworks.contracts.")
            assert known or (inner and own), f"{path.name}:{line} imports {module}"


def test_the_kernel_knows_no_plugin_and_no_product() -> None:
    wrong = []
    for path in kernel_files():
        for module, line, _ in imports_of(path):
            if module.split(".")[0].startswith("opticworks_"):
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {module}")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name in {"Product", "Variant"}:
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: class {node.name}")
    assert not wrong, "\n".join(wrong)


def plugin_folders() -> list[Path]:
    return sorted(path.parent for path in (ROOT / "plugins").glob("*/setup.cfg"))


def declared(folder: Path) -> set[str]:
    """Import names of what a plugin's setup.cfg requires, as far as they follow the name."""
    ini = configparser.ConfigParser()
    ini.read(folder / "setup.cfg")
    lines = ini.get("options", "install_requires", fallback="").split("\n")
    names = {Requirement(line).name.lower() for line in lines if line.strip()}
    special = {
        "beautifulsoup4": "bs4",
        "markdown-it-py": "markdown_it",
        "pillow": "PIL",
        "python-stdnum": "stdnum",
        "zxing-cpp": "zxingcpp",
    }
    parts = {"pydantic_core"} if "pydantic" in names else set()
    return {special.get(name, name.replace("-", "_")) for name in names} | parts


@pytest.mark.parametrize("folder", plugin_folders(), ids=lambda folder: folder.name)
def test_a_plugin_imports_the_public_side_and_what_it_declares(folder: Path) -> None:
    package = f"opticworks_{folder.name}"
    allowed = declared(folder) | {package, "__future__"} | set(sys.stdlib_module_names)
    wrong = []
    for path in sorted((folder / package).rglob("*.py")):
        for module, line, _ in imports_of(path):
            parts = module.split(".")
            where = f"{path.relative_to(ROOT)}:{line}: {module}"
            if parts[0] == "opticworks":
                if len(parts) < 2 or parts[1] not in PUBLIC:
                    wrong.append(where)
            elif parts[0] not in allowed:
                wrong.append(where)
    assert not wrong, "\n".join(wrong)


def test_themes_bring_no_python() -> None:
    for path in (ROOT / "themes").glob("*/opticworks_theme_*/**/*.py"):
        assert path.name == "__init__.py", path
        assert not path.read_text(encoding="utf-8").strip(), path
