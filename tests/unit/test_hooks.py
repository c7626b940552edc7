"""Every hook is documented, tested, and used by a shipped plugin or waiting for a named one."""

from __future__ import annotations

import configparser
import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from opticworks import events, hookspecs, kernel, plugin

ROOT = Path(__file__).parent.parent.parent

#: Hooks frozen ahead of their first user: the hook, and the plugin to come.
AHEAD_OF_USE = {
    "image_stores": "cloudflare_images",
}


def hooks() -> dict[str, Any]:
    """Every hook specification by name, in the order of the file."""
    marker = f"{hookspecs.PROJECT}_spec"
    return {name: value for name, value in vars(hookspecs).items() if hasattr(value, marker)}


def signature(name: str) -> str:
    """The hook as its heading writes it: without quotes and module prefixes."""
    text = f"{name}{inspect.signature(hooks()[name])}"
    return re.sub(r"\bc\.", "", text.replace("'", ""))


def shipped_plugins() -> dict[str, Any]:
    """The package of every plugin of this repository by code."""
    plugins = {}
    for path in sorted((ROOT / "plugins").glob("*/setup.cfg")):
        config = configparser.ConfigParser()
        config.read(path)
        lines = config["options.entry_points"]["opticworks.plugins"].split("\n")
        for code, _, package in (line.partition("=") for line in lines if "=" in line):
            plugins[code.strip()] = import_module(package.strip())
    return plugins


def used_by(name: str) -> list[str]:
    """Codes of the shipped plugins that implement the hook."""
    marker = f"{hookspecs.PROJECT}_impl"
    plugins = shipped_plugins()
    return [code for code in plugins if hasattr(getattr(plugins[code], name, None), marker)]


def documented() -> dict[str, str]:
    """The text under each hook's heading in docs/hooks.md, by the heading's signature."""
    text = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
    parts = re.split(r"^### `(.+)`$", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {
        heading: re.split(r"^## ", body, flags=re.MULTILINE)[0]
        for heading, body in sections.items()
    }


def test_the_page_has_a_heading_for_each_hook_in_the_order_of_the_file() -> None:
    assert list(documented()) == [signature(name) for name in hooks()]


@pytest.mark.parametrize("name", hooks())
def test_each_hook_has_an_example_that_implements_it(name: str) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", documented()[signature(name)], re.DOTALL)
    assert re.search(rf"^@hookimpl\ndef {name}\(", example, re.MULTILINE)
    compile(example, f"docs/hooks.md: {name}", "exec")


@pytest.mark.parametrize("name", hooks())
def test_each_hook_names_its_users(name: str) -> None:
    told = documented()[signature(name)]
    if name in AHEAD_OF_USE:
        assert f"*Will be used by* `{AHEAD_OF_USE[name]}`" in told
    else:
        (users,) = re.findall(r"\*Used by\* (.+?)\.(?:\s|$)", told, re.DOTALL)
        assert "every plugin" in users or all(f"`{code}`" in users for code in used_by(name))


@pytest.mark.parametrize("name", hooks())
def test_each_hook_has_a_user_or_waits_for_a_named_one(name: str) -> None:
    if name in AHEAD_OF_USE:
        assert used_by(name) == [], f"{name} is used now: take it off AHEAD_OF_USE."
    else:
        assert used_by(name), f"No shipped plugin uses {name}."


def test_the_list_names_hooks_only() -> None:
    assert AHEAD_OF_USE.keys() <= hooks().keys()


@pytest.mark.parametrize("name", hooks())
def test_each_hook_has_a_test_of_its_name(name: str) -> None:
    files = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/**/test_*.py")]
    pattern = re.compile(rf"^def test_hook_{name}(_|\()", re.MULTILINE)
    assert any(pattern.search(path.read_text(encoding="utf-8")) for path in files)


def test_every_kind_of_fact_that_plugins_may_wait_for_is_announced():
    sources = [
        path.read_text(encoding="utf-8")
        for path in (ROOT / "core").rglob("*.py")
        if path.name != "events.py"
    ]
    kinds = [name for name in vars(events) if name.isupper()]
    assert kinds
    assert [kind for kind in kinds if not any(kind in source for source in sources)] == []


def test_every_name_that_plugins_may_import_is_in_their_documentation():
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)", text))
    assert [*set(plugin.__all__) - named, *set(kernel.__all__) - named] == []
