"""A plugin that can't run: the shop starts without it in development and says so; production
refuses to start, unless the plugin's line says `optional`."""

from __future__ import annotations

import importlib.metadata as md
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from opticworks.app import make_app
from opticworks.boot import boot
from opticworks.config import Config, ConfigError, PluginLine
from opticworks.plugins import GROUP, State
from opticworks.shop import Shop
from opticworks.testing.fakes import FakeOfflinePayment, fake_plugin
from opticworks.testing.shops import SECRET, Browser

HEALTHY = "from opticworks.plugin import hookimpl\n"
INFO = """
from opticworks.contracts import PluginInfo

@hookimpl
def plugin_info():
    return PluginInfo(code="{code}", title="Broken thing", version="1.0", category="other"{more})
"""


def source(body: str = "", more: str = "") -> str:
    return HEALTHY + INFO.format(code="broken", more=more) + body


#: What is wrong, the package's source, its state, and a part of the sentence that says so.
BROKEN = {
    "import": ("raise RuntimeError('no such library')", State.FAILED, "could not be imported"),
    "misspelt hook": (
        source("\n@hookimpl\ndef itmes(skus, ctx):\n    return {}\n"),
        State.FAILED,
        "hooks are not valid",
    ),
    "problems": (
        source("\n@hookimpl\ndef problems(settings):\n    return ['Enter the account number.']\n"),
        State.BLOCKED,
        "Enter the account number.",
    ),
    "kernel range": (source(more=", kernel='>=9.0'"), State.BLOCKED, "is made for OpticWorks"),
    "requirement": (source(more=", requires=('absent',)"), State.BLOCKED, "needs the plugin"),
    "includeme": (
        source(
            "\ndef includeme(config):\n    config.add_route('broken.half', '/broken/half')\n"
            "    raise RuntimeError('half way')\n"
        ),
        State.FAILED,
        "could not be set up",
    ),
    "route that is taken": (
        source(
            "\ndef includeme(config):\n    config.add_route('broken.cart', '/cart')\n",
            more=", paths=('/cart',)",
        ),
        State.FAILED,
        "same address",
    ),
    "route that is not its own": (
        source("\ndef includeme(config):\n    config.add_route('broken.page', '/elsewhere')\n"),
        State.FAILED,
        "not its own",
    ),
}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """install(source): a package that offers the plugin `broken`, as pip would leave it."""
    name = "opticworks_broken"
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def install(code: str) -> None:
        package, info = tmp_path / "site" / name, tmp_path / "site" / f"{name}-1.0.dist-info"
        package.mkdir(parents=True)
        info.mkdir()
        package.joinpath("__init__.py").write_text(code)
        info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
        info.joinpath("entry_points.txt").write_text(f"[{GROUP}]\nbroken = {name}\n")
        assert "broken" in {entry.name for entry in md.entry_points(group=GROUP)}

    yield install
    sys.modules.pop(name, None)


@pytest.fixture
def production(make_shop: Any, worker_database_url: str, worker_redis_url: str, tmp_path: Path):
    """production(optional): start the shop in production with the plugin `broken`."""
    make_shop()
    opened: list[Shop] = []

    def start(optional: bool) -> Shop:
        shop = boot(
            Config(
                mode="production",
                database_url=worker_database_url,
                redis_url=worker_redis_url,
                base_url="https://shop.example",
                secret=SECRET,
                var=tmp_path,
                theme="",
                plugins=(PluginLine("broken", optional=optional),),
            )
        )
        opened.append(shop)
        make_app(shop)
        return shop

    yield start
    for shop in opened:
        shop.close()


@pytest.mark.parametrize("what", BROKEN)
def test_development_starts_without_it_and_says_so(
    make_shop: Any, install: Callable[[str], None], what: str
) -> None:
    code, state, sentence = BROKEN[what]
    install(code)
    shop = make_shop(plugins=("broken",), mode="development", theme="default")
    browser = Browser(shop)
    plugin = shop.plugins.found["broken"]
    assert plugin.state is state
    assert sentence in " ".join(plugin.problems)
    page = browser.get("/cart")
    assert sentence in page.html.get_text()
    for left_behind in ("/broken/half", "/elsewhere"):
        browser.get(left_behind, status=404)


@pytest.mark.parametrize("what", BROKEN)
def test_production_refuses_unless_it_is_optional(
    production: Callable[[bool], Shop], install: Callable[[str], None], what: str
) -> None:
    code, state, sentence = BROKEN[what]
    install(code)
    with pytest.raises(ConfigError, match="broken") as refused:
        production(False)
    assert sentence in str(refused.value)
    sys.modules.pop("opticworks_broken", None)
    assert production(True).plugins.found["broken"].state is state


def test_a_plugin_that_needs_one_which_fails_is_left_out_too(make_shop: Any) -> None:
    def fail(config: Any) -> None:
        raise RuntimeError("half way")

    first = fake_plugin(
        "first", includeme=fail, payment_providers=lambda settings: (FakeOfflinePayment(),)
    )
    shop = make_shop(
        extra={
            "first": first,
            "second": fake_plugin("second", info={"requires": ("first",)}),
        },
        mode="development",
    )
    Browser(shop)
    assert shop.plugins.found["first"].state is State.FAILED
    assert shop.plugins.found["second"].state is State.BLOCKED
    assert [plugin.code for plugin in shop.plugins.enabled] == []
    assert shop.providers.payments() == {}
