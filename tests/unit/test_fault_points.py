"""Every commit and every call to a provider has a fault point, and every fault point a test.

A unit of work that writes is `shop.unit("name")`; a provider is called inside `outside("name")`.
Both have a point before and after them, where a crash test kills the process.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import opticworks
from opticworks import contracts

KERNEL = Path(opticworks.__file__).parent
TESTS = Path(__file__).parents[1] / "functional"
SOURCES = (
    *sorted((KERNEL / "checkout").glob("*.py")),
    KERNEL / "notifications" / "jobs.py",
    KERNEL / "webhooks" / "service.py",
    KERNEL / "webhooks" / "jobs.py",
)
#: What a payment passes, and what of it no card ever does: money that staff record by hand, and
#: what is no payment at all.
MONEY = (
    *("place", "settle", "jobs", "capturing", "refund", "staff", "repair", "reconcile"),
    "service",
)
NO_CARD = (
    "mark_paid",
    "remind",
    "forget_carts",
    "forget_webhooks",
    "delivery",
    "give_back",
    "react",
)
CRASH_TESTS = (
    *sorted((TESTS / "crash").glob("test_*.py")),
    TESTS / "notifications" / "test_crashes.py",
)

#: Functions whose unnamed unit of work only reads.
READING = {
    *("_was_paid_back", "attempt_of", "attempts_of", "cancel", "compare", "is_news"),
    *("read", "label_order", "follow_void", "sync", "check_order", "poll_labels"),
    *("look_at_labels", "_number_of", "find"),
    *("buy_label", "fetch_label", "look", "batch_label"),
    *("hand_over_all", "make"),
    *("fulfil", "mark_paid", "pay"),
    *("_call_of", "_carry_out", "_open_of", "_orders_of"),
    *("process", "_payment"),
}
#: What a PaymentProvider, ShippingProvider or Mailer does over the network.
OVER_THE_NETWORK = {
    *("start", "fetch", "capture", "cancel", "refund", "ask", "withdraw"),
    *("rates", "prepare", "buy", "void", "track", "send", "verify"),
    *("manifest", "find_manifest", "fetch_manifest"),
    "answer",  # to rates that were asked for while something else is done
}
PROVIDERS = {"provider", "mailer", "asked"}


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def calls(node: ast.AST, name: str) -> list[ast.Call]:
    """Calls of a function or method of that name below the node."""
    found = (call for call in ast.walk(node) if isinstance(call, ast.Call))
    return [call for call in found if name in (called(call.func, "attr"), called(call.func, "id"))]


def called(function: ast.expr, field: str) -> str:
    return str(getattr(function, field, ""))


def names(path: Path, of: str) -> list[str]:
    return [
        ast.literal_eval(call.args[0])
        for call in calls(ast.parse(path.read_text()), of)
        if call.args
    ]


def points(path: Path) -> set[str]:
    """The fault points of a source file."""
    return {
        *names(path, "fault"),
        *(f"{n}.{when}_commit" for n in names(path, "unit") for when in ("before", "after")),
        *(f"{n}.{when}_provider" for n in names(path, "outside") for when in ("before", "after")),
    }


def speaks_to_a_provider(call: ast.Call) -> bool:
    """`provider.capture(…)`, `mailer.send(…)`, `asked.answer(…)`, or `ask(provider, …)`."""
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        named = call.func.value.id in PROVIDERS and call.func.attr in OVER_THE_NETWORK
        return named or (call.func.attr == "ask" and is_provider(call))
    return isinstance(call.func, ast.Name) and call.func.id == "ask" and is_provider(call)


def is_provider(call: ast.Call) -> bool:
    return bool(call.args) and getattr(call.args[0], "id", "") == "provider"


def covered(function: ast.FunctionDef) -> set[ast.AST]:
    """What stands inside `with outside(…)`."""
    return {
        node
        for block in ast.walk(function)
        if isinstance(block, ast.With)
        and any(calls(item.context_expr, "outside") for item in block.items)
        for node in ast.walk(block)
    }


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_each_unit_that_writes_has_a_name(path: Path) -> None:
    unnamed = {
        function.name
        for function in functions(path)
        for call in calls(function, "unit")
        if not call.args
    }
    assert unnamed <= READING


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_each_provider_is_called_between_fault_points(path: Path) -> None:
    bare = [
        f"{function.name}: {ast.unparse(call)}"
        for function in functions(path)
        if function.name != "ask"  # its callers stand between fault points
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and speaks_to_a_provider(call)
        if call not in covered(function)
    ]
    assert bare == []


def test_each_fault_point_kills_in_a_test() -> None:
    tried = {
        node.value
        for path in CRASH_TESTS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    there = set().union(*(points(path) for path in SOURCES))
    assert len(there) > 60
    assert there - tried == set()


def test_each_point_that_money_passes_kills_with_cards_too() -> None:
    tests = ast.parse((TESTS / "crash" / "test_stripe_killed.py").read_text())
    tried = {
        node.value
        for node in ast.walk(tests)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    there = set().union(*(points(path) for path in SOURCES if path.stem in MONEY))
    wanted = {point for point in there if point.partition(".")[0] not in NO_CARD}
    assert len(wanted) > 60
    assert wanted - tried == set()


def test_no_name_stands_for_two_places() -> None:
    named = [name for path in SOURCES for of in ("unit", "outside") for name in names(path, of)]
    units = [name for path in SOURCES for name in names(path, "unit")]
    assert len(units) == len(set(units))
    assert len(named) - len(units) == len({n for path in SOURCES for n in names(path, "outside")})


def test_the_check_knows_every_verb_of_the_contracts() -> None:
    verbs = {
        name
        for protocol in (
            contracts.PaymentProvider,
            contracts.ShippingProvider,
            contracts.ManifestProvider,
            contracts.Mailer,
            contracts.AddressVerifier,
        )
        for name, value in vars(protocol).items()
        if callable(value) and not name.startswith("_")
    }
    # What works on data at hand needs no fault point.
    assert verbs - {"offers", "read_webhook"} <= OVER_THE_NETWORK
