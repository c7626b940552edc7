"""What the kernel makes of a hook's answers, and of an exception in it: asked through fakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import click
import pytest

from opticworks import migrations
from opticworks.cli import plugins as cli_plugins
from opticworks.contracts import (
    Address,
    Ctx,
    MenuItem,
    MigrationBranch,
    Objection,
    PaymentIntent,
    PluginInfo,
    PriceDisplay,
    Quote,
    ShippingChoice,
    ShopSettings,
    SlotFragment,
)
from opticworks.hookspecs import hookimpl
from opticworks.jobs.queue import registry_of
from opticworks.money import Money
from opticworks.plugin import plugin_base
from opticworks.plugins import Plugins, Providers, State, answers
from opticworks.pricing import service as pricing
from opticworks.pricing.service import Basket, BasketLine
from opticworks.testing.contracts.common import ADDRESS
from opticworks.testing.fakes import (
    FakeAddressVerifier,
    FakeDiscounts,
    FakeGoods,
    FakeImageStore,
    FakeMailer,
    FakeObjections,
    FakeOnlinePayment,
    FakeShipping,
    FakeTaxes,
    fake_plugin,
    provider_plugin,
)
from opticworks.web.headers import content_policy
from opticworks.web.templates import slot_fragments

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS: Mapping[str, Any] = {"shop": ShopSettings(), "mode": "test"}
CTX = Ctx(settings=SETTINGS, now=NOW, currency="USD", locale="en_US", db=None, mode="test")
SHIPPING = ShippingChoice(
    code="post", title="Post", amount=Money(500, "USD"), provider="fake_carrier"
)


def load(*plugins: Any) -> Plugins:
    """These plugins, found and registered in this order as the kernel does it."""
    found = Plugins()
    found.discover((), {code_of(plugin): plugin for plugin in plugins})
    found.register(lambda plugin: found.ask(plugin, "problems", settings=SETTINGS) or ())
    return found


def code_of(plugin: Any) -> str:
    return plugin.plugin_info().code


def failing(*arguments: str) -> Callable[..., Any]:
    """A hook of these arguments that raises."""
    names = ", ".join(arguments)
    scope: dict[str, Any] = {}
    exec(f"def hook({names}):\n    raise RuntimeError('broken')", scope)
    return scope["hook"]


def goods(*skus: str) -> FakeGoods:
    shelf = FakeGoods()
    for sku in skus:
        shelf.put(sku, "40.00", title=f"Lamp {sku}")
    return shelf


def quote(*plugins: Any, codes: tuple[str, ...] = (), quantity: int = 1) -> Quote:
    """A cart with `quantity` of each of the first plugin's goods, priced with all plugins."""
    hooks = load(*plugins).manager.hook
    skus = list(plugins[0]._items)
    lines = tuple(BasketLine(sku=sku, quantity=quantity, price_seen=4000) for sku in skus)
    basket = Basket(
        currency="USD",
        lines=lines,
        free=dict.fromkeys(skus, 99),
        codes=codes,
        address=Address(country="US", state="CA"),
    )
    found = pricing.items(hooks, CTX, skus)
    return pricing.quote(hooks, CTX, basket, found, lambda lines: SHIPPING)


# --- discovery ----------------------------------------------------------------------------------


def test_hook_plugin_info_describes_the_plugin() -> None:
    info = {"title": "Shy", "version": "2.1", "paths": ("/shy",)}
    plugin = load(fake_plugin("shy", info=info)).found["shy"]
    assert (plugin.state, plugin.title, plugin.version) == (State.ENABLED, "Shy", "2.1")
    assert plugin.hooks == ("plugin_info",)


def test_hook_plugin_info_may_not_name_another_plugin() -> None:
    found = Plugins()
    found.discover((), {"shy": fake_plugin("bold")})
    assert found.found["shy"].state is State.FAILED
    assert "'bold'" in found.found["shy"].problems[0]


def test_a_plugin_without_plugin_info_does_not_load() -> None:
    found = Plugins()
    found.discover((), {"mute": ModuleType("mute")})
    assert found.found["mute"].state is State.FAILED


def test_a_misspelt_hook_does_not_load() -> None:
    plugin = load(fake_plugin("typo", payment_provider=lambda settings: ())).found["typo"]
    assert plugin.state is State.FAILED
    assert "payment_provider" in plugin.problems[0]


def test_a_problem_blocks_the_plugin_and_those_that_need_it() -> None:
    found = load(
        fake_plugin("upper", info={"requires": ("lower",)}),
        fake_plugin("lower", problems=lambda settings: ["The key is missing."]),
    )
    assert found.found["lower"].state is State.BLOCKED
    assert found.found["lower"].problems == ["The key is missing."]
    assert found.found["upper"].state is State.BLOCKED


def test_a_plugin_for_another_kernel_is_blocked() -> None:
    plugin = load(fake_plugin("old", info={"kernel": "<0.0.1"})).found["old"]
    assert plugin.state is State.BLOCKED
    assert "<0.0.1" in plugin.problems[0]


def test_hook_commands_adds_to_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def shine() -> None:
        """Shine."""

    _command_plugins(
        monkeypatch,
        fake_plugin("dark", commands=failing("cli")),
        fake_plugin("lamp", commands=lambda cli: cli.add_command(shine)),
    )
    group = click.Group("opticworks")
    cli_plugins.add_commands(group, "any.ini")
    assert list(group.commands) == ["shine"]


def _command_plugins(monkeypatch: pytest.MonkeyPatch, *plugins: Any) -> None:
    """Let the command line find these plugins, whatever the ini says."""
    discover = Plugins.discover
    extra = {code_of(plugin): plugin for plugin in plugins}
    monkeypatch.setattr("opticworks.boot.ini_settings", lambda ini: {})
    monkeypatch.setattr(Plugins, "discover", lambda self, lines: discover(self, lines, extra))


def test_hook_tasks_registers_what_a_worker_runs() -> None:
    plugin = fake_plugin(
        "lamp", tasks=lambda jobs: jobs.task("lamp.glow", schedule="0 4 * * *")(id)
    )
    shop: Any = SimpleNamespace(hooks=load(plugin).manager.hook)
    registry = registry_of(shop)
    assert registry["lamp.glow"].schedule == "0 4 * * *"


def test_two_plugins_may_not_register_one_task() -> None:
    plugins = [
        fake_plugin(code, tasks=lambda jobs: jobs.task("lamp.glow")(id)) for code in ("a", "b")
    ]
    shop: Any = SimpleNamespace(hooks=load(*plugins).manager.hook)
    with pytest.raises(ValueError, match=r"lamp\.glow"):
        registry_of(shop)


def test_hook_slot_orders_fragments_and_leaves_a_failing_plugin_out() -> None:
    def fragment(code: str, position: int) -> Any:
        def hook(name: str) -> tuple[SlotFragment, ...]:
            return (SlotFragment(template=f"{code}/x.pt", position=position),)

        return fake_plugin(code, slot=hook)

    plugins = load(
        fragment("second", 20),
        fake_plugin("dark", slot=failing("name", "context", "ctx")),
        fragment("third", 20),
        fragment("first", 10),
        fake_plugin("silent", slot=lambda: None),
    )
    fragments = slot_fragments(plugins.manager.hook, "home.featured", {}, CTX)
    assert [f.template for f in fragments] == ["first/x.pt", "second/x.pt", "third/x.pt"]


# --- goods and prices ---------------------------------------------------------------------------


def test_hook_items_is_asked_once_for_all_skus() -> None:
    shelf = goods("A", "B")
    priced = quote(shelf, quantity=2)
    assert shelf.calls == [("A", "B")]
    assert priced.subtotal == Money(16000, "USD")
    assert priced.objections == ()


def test_two_plugins_that_answer_for_one_sku_sell_nothing() -> None:
    other = fake_plugin("double", items=lambda skus, ctx: goods("A")._items)
    with pytest.raises(pricing.Refused, match="can't be sold"):
        quote(goods("A"), other)


def test_goods_that_fail_refuse_with_a_sentence() -> None:
    with pytest.raises(pricing.Refused, match="try again"):
        quote(goods("A"), fake_plugin("dark", items=failing("skus", "ctx")))


def test_hook_discounts_takes_its_share_off_and_refuses_codes() -> None:
    discounts = FakeDiscounts({"SPRING": 10}, refused={"WINTER": "This code ended in March."})
    priced = quote(goods("A", "B"), discounts, codes=("SPRING", "WINTER"))
    assert priced.discount_total == Money(-800, "USD")
    assert [line.discount.minor for line in priced.lines] == [-400, -400]
    assert [(r.code, r.sentence) for r in priced.refusals] == [
        ("WINTER", "This code ended in March.")
    ]


def test_hook_taxes_adds_to_lines_and_shipping() -> None:
    priced = quote(goods("A"), FakeTaxes("0.10"))
    assert priced.tax_total == Money(450, "USD")
    assert priced.total == Money(4000 + 500 + 450, "USD")


def test_hook_price_display_says_what_an_entered_price_becomes() -> None:
    gross = PriceDisplay(
        label="incl. VAT", includes_tax=True, factors={"": Fraction(5, 4)}, shipping=Fraction(5, 4)
    )
    priced = quote(goods("A"), FakeTaxes("0.25", included=True, display=gross))
    assert [line.unit_price.minor for line in priced.lines] == [5000]
    assert priced.shipping_total == Money(625, "USD")
    assert priced.tax_total == Money(1125, "USD")
    assert priced.total == Money(5625, "USD")
    assert priced.display.label == "incl. VAT"
    assert not priced.notices, "another country's price is no change of price"


def test_two_plugins_that_say_how_prices_are_shown_refuse_the_quote() -> None:
    first, second = FakeTaxes(display=PriceDisplay()), FakeTaxes(display=PriceDisplay())
    second.code = "more_taxes"
    with pytest.raises(pricing.Refused):
        quote(goods("A"), first, second)


def test_included_taxes_add_nothing() -> None:
    priced = quote(goods("A"), FakeTaxes("0.25", included=True))
    assert priced.tax_total == Money(900, "USD")
    assert priced.total == Money(4500, "USD")


def test_hook_objections_keeps_the_quote_from_being_placed() -> None:
    sentence = "For orders of this size please ask us for an offer."
    big = FakeObjections(lambda quote: sentence if quote.total > Money(9000, "USD") else "")
    assert quote(goods("A"), big).objections == ()
    assert quote(goods("A"), big, quantity=3).objections == (Objection(sentence=sentence),)


@pytest.mark.parametrize(
    ("hook", "arguments"),
    [
        ("discounts", ("draft", "ctx")),
        ("taxes", ("draft", "ctx")),
        ("objections", ("quote", "ctx")),
    ],
)
def test_a_pricing_hook_that_fails_objects_to_the_order(
    hook: str, arguments: tuple[str, ...]
) -> None:
    priced = quote(goods("A"), fake_plugin("dark", **{hook: failing(*arguments)}))
    (objection,) = priced.objections
    assert "nothing was ordered" in objection.sentence


# --- providers ----------------------------------------------------------------------------------


def test_hook_payment_providers_offers_what_it_builds() -> None:
    card = FakeOnlinePayment()
    providers = Providers(load(provider_plugin("cards", payments=[card])), SETTINGS)
    assert providers.payments() == {"fake_card": card}


def test_hook_shipping_providers_offers_what_it_builds() -> None:
    carrier = FakeShipping()
    providers = Providers(load(provider_plugin("carriers", shipping=[carrier])), SETTINGS)
    assert providers.shipping() == {"fake_carrier": carrier}


def test_hook_mailers_first_of_the_ini_sends() -> None:
    class Other(FakeMailer):
        code = "other_mail"

    first, second = Other(), FakeMailer()
    plugins = load(
        provider_plugin("b_first", mailers=[first]), provider_plugin("a_second", mailers=[second])
    )
    assert Providers(plugins, SETTINGS).mailer() is first


def test_a_provider_that_fails_is_a_problem_once_and_only_as_long_as_it_fails() -> None:
    class Flaky:
        works = False

        @hookimpl
        def plugin_info(self) -> PluginInfo:
            return PluginInfo(code="flaky", title="Flaky", version="1", category="notification")

        @hookimpl
        def mailers(self, settings: object) -> list[FakeMailer]:
            if not Flaky.works:
                raise RuntimeError("no key")
            return [FakeMailer()]

    plugins = load(Flaky())
    for _ in range(3):
        Providers(plugins, SETTINGS)
    assert plugins.found["flaky"].problems == ["Its mailers failed: no key"]
    Flaky.works = True
    Providers(plugins, SETTINGS)
    assert plugins.found["flaky"].problems == []


def test_hook_image_stores_offers_what_it_builds() -> None:
    store = FakeImageStore()
    providers = Providers(load(provider_plugin("pictures", image_stores=[store])), SETTINGS)
    assert providers.image_stores() == {"fake_images": store}


def test_hook_address_verifiers_offers_what_it_builds() -> None:
    verifier = FakeAddressVerifier()
    providers = Providers(load(provider_plugin("places", address_verifiers=[verifier])), SETTINGS)
    assert providers.address_verifiers() == {"fake_verifier": verifier}


def test_a_plugin_whose_providers_fail_offers_none_and_says_so() -> None:
    plugins = load(
        fake_plugin("dark", payment_providers=failing("settings")),
        provider_plugin("cards", payments=[FakeOnlinePayment()]),
    )
    assert list(Providers(plugins, SETTINGS).payments()) == ["fake_card"]
    assert "broken" in plugins.found["dark"].problems[0]


def test_two_providers_of_one_code_are_not_mixed_up() -> None:
    first = FakeOnlinePayment()
    plugins = load(
        provider_plugin("cards", payments=[first]),
        provider_plugin("more_cards", payments=[FakeOnlinePayment()]),
    )
    assert Providers(plugins, SETTINGS).payments()["fake_card"] is first
    assert "fake_card" in plugins.found["more_cards"].problems[0]


# --- the fakes' own switches --------------------------------------------------------------------


def started(card: FakeOnlinePayment, key: str = "key") -> Any:
    return card.start(
        PaymentIntent(
            attempt="att-1",
            order_number="OW-1",
            amount=Money(4500, "USD"),
            email="ada@example.com",
            description="",
            return_url="http://127.0.0.1/return",
            address=ADDRESS,
        ),
        key,
    )


def test_a_fake_that_times_out_after_acting_has_acted_once() -> None:
    card = FakeOnlinePayment(first_state="captured")
    card.vendor.fail_next("after")
    with pytest.raises(Exception, match="was lost"):
        started(card)
    assert started(card).state == "captured"
    assert card.vendor.charged == 4500
    assert len(card.vendor.payments) == 1


def test_a_fake_declines_when_told_to() -> None:
    card = FakeOnlinePayment()
    card.vendor.decline_next("Your card has expired.")
    result = started(card)
    assert (result.state, result.message) == ("failed", "Your card has expired.")


def test_a_fake_vendor_outlives_its_provider() -> None:
    card = FakeOnlinePayment()
    ref = started(card).ref
    card.vendor.pay(ref)
    assert FakeOnlinePayment(card.vendor).fetch(ref).state == "captured"


def test_a_plugin_object_shows_only_the_hooks_it_has() -> None:
    class Tiny:
        @hookimpl
        def plugin_info(self) -> PluginInfo:
            return PluginInfo(code="tiny", title="Tiny", version="1", category="other")

    assert load(Tiny()).found["tiny"].hooks == ("plugin_info",)


def test_hook_standins_are_placed_and_told_to_every_process(tmp_path: Path) -> None:
    from opticworks.cli.context import Context
    from opticworks.cli.run import place_standins

    ini = tmp_path / "shop.ini"
    ini.write_text(
        "[app:main]\nuse = egg:opticworks\nopticworks.mode = development\n"
        "opticworks.plugins = stripe_payments\n"
    )
    environ = {"OPTICWORKS_VAR": str(tmp_path)}
    ((title, command),) = place_standins(Context(str(ini)), environ, tmp_path, 6543)
    address = environ["OPTICWORKS_STANDIN_STRIPE"]
    assert title == "stand-in for Stripe"
    assert address == f"http://127.0.0.1:{command[command.index('--port') + 1]}"
    assert "http://127.0.0.1:6543/webhooks/stripe" in command
    assert place_standins(Context(str(ini)), environ, tmp_path, 6543) == [], "one runs already"


def test_hook_content_security_opens_a_page_to_the_hosts_it_needs() -> None:
    def hosts(settings: Mapping[str, Any], page: str) -> dict[str, list[str]]:
        return {"script-src": ["https://js.acme.example"]} if page == "checkout" else {}

    plugins = load(
        fake_plugin("acme", content_security=hosts),
        fake_plugin("dark", content_security=failing("settings", "page")),
    )
    shop = SimpleNamespace(hooks=plugins.manager.hook, settings=SETTINGS)
    assert "script-src 'self' https://js.acme.example;" in content_policy(shop, "checkout")
    assert "acme" not in content_policy(shop, "home")


def test_hook_migrations_gives_a_plugin_a_branch_of_its_own() -> None:
    base = plugin_base("lamp")
    branch = MigrationBranch(path="/srv/lamp/versions", metadata=base.metadata)
    plugins = load(
        fake_plugin("upper", info={"requires": ("lamp",)}, migrations=lambda: branch),
        fake_plugin("plain"),
        fake_plugin("lamp", migrations=lambda: branch),
    )
    shop: Any = SimpleNamespace(plugins=plugins)
    labels = [(branch.label, branch.prefix) for branch in migrations.branches(shop)]
    assert labels == [("kernel", ""), ("lamp", "lamp_"), ("upper", "upper_")]


def test_an_answer_that_fails_open_leaves_the_others_in_the_order_of_the_ini() -> None:
    def menu(label: str) -> Any:
        item = MenuItem(label=label, path="/", position=10, permission="x")
        return fake_plugin(label, admin_menu=lambda ctx: (item,))

    plugins = load(menu("b"), fake_plugin("dark", admin_menu=failing("ctx")), menu("a"))
    found = answers(plugins.manager.hook.admin_menu, ctx=CTX)
    assert [item.label for (item,) in found] == ["b", "a"]
