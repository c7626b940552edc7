"""Rates: asked of everybody at once, unsound ones dropped, remembered, and chosen by rule."""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from opticworks import contracts as c
from opticworks.money import Money
from opticworks.shipping import rates, rules
from opticworks.testing.contracts.common import ADDRESS
from opticworks.testing.contracts.shipping import LINE, ORIGIN
from opticworks.testing.processes import until

USD = "USD"
REQUEST = c.RateRequest(
    parcels=(),
    lines=(LINE,),
    goods_value=Money(9800, USD),
    origin=ORIGIN,
    destination=ADDRESS,
    deadline=60,
)


def rate(code: str, minor: int = 700, days: int | None = 3, **fields) -> c.Rate:
    values = {"title": code.title(), "amount": Money(minor, USD), "max_days": days, **fields}
    return c.Rate(code=code, **values)


class Carrier:
    def __init__(
        self, *answer, title="Carrier", fallback=False, wait=lambda: None, at_hand=False
    ) -> None:
        self.answer, self.title, self.fallback, self.wait = answer, title, fallback, wait
        self.at_hand = at_hand
        self.asked: list[c.RateRequest] = []

    def rates(self, request):
        self.asked.append(request)
        self.wait()
        if self.answer and isinstance(self.answer[0], Exception):
            raise self.answer[0]
        return self.answer


class Memory:
    """What is needed of Redis."""

    def __init__(self, dead: bool = False) -> None:
        self.kept: dict[str, str] = {}
        self.dead = dead

    def mget(self, keys):
        if self.dead:
            raise ConnectionError("Redis is gone")
        return [self.kept.get(key) for key in keys]

    def set(self, name, value, *, ex):
        if self.dead:
            raise ConnectionError("Redis is gone")
        assert ex == 15 * 60
        self.kept[name] = value


def ask(settings=None, cache=None, request=REQUEST, **providers):
    return rates.put(providers, request, settings, cache=cache).answer()


def codes(answer) -> list[str]:
    return [choice.code for choice in answer.choices]


def test_all_are_asked_at_once_and_the_cheapest_comes_first() -> None:
    # Neither answers before both are asked.
    both = threading.Barrier(2, timeout=30).wait
    one, two = (Carrier(rate(name, minor), wait=both) for name, minor in (("a", 900), ("b", 500)))
    assert codes(ask(one=one, two=two)) == ["two:b", "one:a"]


def test_who_is_late_or_fails_has_no_rates_and_staff_hear_why() -> None:
    heard = threading.Event()
    late = Carrier(rate("a"), title="Late", wait=heard.wait)
    broken = Carrier(c.ProviderError("no such account"), title="Broken")
    in_time = replace(REQUEST, deadline=1.5)
    answer = ask(late=late, broken=broken, good=Carrier(rate("c")), request=in_time)
    heard.set()
    assert codes(answer) == ["good:c"]
    assert set(answer.notes) == {
        "Late gave no rates within 1.5 seconds.",
        "Broken gave no rates: no such account",
    }


def test_a_rate_that_cannot_be_right_is_dropped_with_a_reason() -> None:
    nan = SimpleNamespace(amount=float("nan"), title="Nan", code="nan")
    text = replace(rate("text"), amount="7.00")
    wrong = (nan, text, rate("neg", -1), rate("eur", amount=Money(7, "EUR")), rate("", title=""))
    answer = ask(carrier=Carrier(*wrong, rate("good")))
    assert codes(answer) == ["carrier:good"]
    assert [note.partition(": ")[2] for note in answer.notes] == [
        "'nan' is no amount of money.",
        "'7.00' is no amount of money.",
        "Neg costs less than nothing (-0.01 USD).",
        "Eur is in EUR, not USD.",
        "a rate of 7.00 USD has no name.",
    ]


def test_the_last_resort_stands_in_only_where_no_carrier_answers() -> None:
    table = Carrier(rate("table", 100), title="Table rates", fallback=True)
    assert codes(ask(table=table, carrier=Carrier(rate("c")))) == ["carrier:c"]
    broken = Carrier(c.ProviderError("down for repair"), title="Carrier")
    answer = ask(table=table, carrier=broken)
    assert codes(answer) == ["table:table"]
    assert "down for repair" in answer.choices[0].note
    assert "Table rates stood in" in answer.choices[0].note
    alone = ask(table=table)
    assert (codes(alone), alone.choices[0].note, alone.notes) == (["table:table"], "", ())


def test_what_stood_in_is_logged_with_its_reason_once_there_is_an_address(caplog) -> None:
    table = Carrier(rate("table", 100), title="Table rates", fallback=True)
    silent = Carrier(title="Carrier")
    nowhere = ADDRESS.model_copy(update={"postal_code": "", "city": ""})
    ask(table=table, carrier=silent, request=replace(REQUEST, destination=nowhere))
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    ask(table=table, carrier=silent)
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert said == ["Carrier offered nothing for this parcel.", "Table rates stood in."]


def test_answers_are_remembered_by_what_was_asked() -> None:
    carrier, memory = Carrier(rate("c", percentiles={90: 2})), Memory()
    first = ask(carrier=carrier, cache=memory)
    until(lambda: memory.kept)  # who asks has the answer before it is written down
    again = ask(carrier=carrier, cache=memory)
    assert first == again
    assert len(carrier.asked) == 1
    elsewhere = ADDRESS.model_copy(update={"postal_code": "10001"})
    ask(carrier=carrier, cache=memory, request=replace(REQUEST, destination=elsewhere))
    assert len(carrier.asked) == 2


def test_without_redis_everything_is_asked_anew() -> None:
    carrier = Carrier(rate("c"))
    for _ in range(2):
        assert codes(ask(carrier=carrier, cache=Memory(dead=True))) == ["carrier:c"]
    assert len(carrier.asked) == 2


def test_rates_at_hand_are_not_remembered_and_a_failure_of_them_is_told() -> None:
    table, memory = Carrier(rate("t"), at_hand=True), Memory()
    carrier, broken = Carrier(rate("c", 900)), Carrier(ValueError("bad table"), at_hand=True)
    for _ in range(2):
        answer = ask(cache=memory, table=table, carrier=carrier, broken=broken)
        assert codes(answer) == ["table:t", "carrier:c"]
        assert answer.notes == ("Carrier gave no rates: bad table",)
    assert [len(each.asked) for each in (table, carrier)] == [2, 1]
    assert len(memory.kept) == 1
    assert rates.at_hand({"table": table})
    assert not rates.at_hand({"table": table, "carrier": carrier})


def test_handling_fee_and_free_shipping_are_the_shops_terms() -> None:
    terms = c.ShippingSettings(handling_fee=Decimal("1.50"), free_from=Decimal("98.00"))
    carrier = Carrier(rate("a", 700), rate("b", 900), rate("c", 0))
    below = ask(terms, a=carrier, request=replace(REQUEST, goods_value=Money(9799, USD)))
    assert [choice.amount.minor for choice in below.choices] == [0, 850, 1050]
    above = ask(terms, a=Carrier(rate("a", 700), rate("b", 900)))
    assert [choice.amount.minor for choice in above.choices] == [0, 1050]
    assert [choice.cost and choice.cost.minor for choice in above.choices] == [700, 900]


def test_a_choice_survives_being_stored() -> None:
    (choice,) = ask(a=Carrier(rate("a"))).choices
    assert rates.from_json(rates.to_json(choice)) == choice


# --- rules ----------------------------------------------------------------------------------------

OFFERED = (
    rate("ground", 700, 5, carrier="UPS", service="Ground"),
    rate("air", 2100, 1, carrier="UPS", service="Air"),
    rate("priority", 900, 3, carrier="USPS", service="Priority"),
    rate("someday", 300, None, carrier="Snail", service="Post"),
)
CHOSEN = c.ShippingChoice(
    code="x:ground", title="", amount=Money(1, USD), provider="x", carrier="ups", service="GROUND"
)


@pytest.mark.parametrize(
    ("rule", "fields", "expected", "why"),
    [
        ("cheapest", {}, "someday", "the cheapest"),
        ("fastest", {}, "air", "the fastest"),
        ("within", {"within_days": 3}, "priority", "the cheapest within 3 days"),
        (
            *("preferred", {"carriers": ("ups", "FedEx")}, "ground"),
            "the cheapest of the preferred carriers",
        ),
        (
            *("preferred", {"carriers": ("FedEx",)}, "someday"),
            "the cheapest, since no preferred carrier offers one",
        ),
        ("ordered", {}, "ground", "what the customer chose"),
    ],
)
def test_the_rule_picks_the_rate_and_says_why(rule, fields, expected, why) -> None:
    settings = c.ShippingSettings(rule=rule, **fields)
    picked = rules.choose(OFFERED, settings, CHOSEN)
    assert picked is not None
    assert (picked.code, rules.why(picked, settings, CHOSEN)) == (expected, why)


def test_a_service_that_is_gone_is_replaced_by_one_that_keeps_the_promise() -> None:
    table = replace(CHOSEN, carrier="USPS", service="Standard", max_days=3)
    assert rules.ordered(OFFERED, table).code == "priority"
    assert rules.ordered(OFFERED, replace(table, max_days=0)) is None
    assert rules.choose(OFFERED, c.ShippingSettings(rule="ordered"), None) is None
    assert rules.within(OFFERED, 0) is None
    assert rules.fastest(OFFERED[3:]) is None


def test_what_was_measured_counts_before_what_is_promised() -> None:
    measured = rate("a", days=2, percentiles={50: 1, 90: 4, 97: 6})
    assert rules.days(measured) == 4
    assert rules.sure(measured) == (90, 4)
    assert rules.sure(rate("a", percentiles={50: 1})) is None
