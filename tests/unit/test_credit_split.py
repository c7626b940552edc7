"""What credit notes take off an invoice: whatever is refunded in whichever order, never more of it
than there is, by rate, and in the end exactly all of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticworks.checkout import credit_notes, credit_split
from opticworks.checkout.credit_split import Charge, Charges, add, split
from opticworks.contracts import Adjustment
from opticworks.money import Money

FULL, LOW = ("MwSt.", "0.19"), ("MwSt.", "0.07")
GST, PST = ("GST", "0.05"), ("PST", "0.07")
#: What may be charged together: nothing, one tax, two on the same goods.
SIGNATURES = ((), (FULL,), (LOW,), (GST, PST))


@st.composite
def invoices(draw: st.DrawFn) -> Charges:
    """Charges of any size, from yen to thousandths, each tax rounded on its own."""
    found: Charges = {}
    for rates in draw(st.lists(st.sampled_from(SIGNATURES), min_size=1, unique=True)):
        net = draw(st.one_of(st.integers(0, 12), st.integers(0, 10**9)))
        taxes = {rate: round(net * float(rate[1] or 0)) for rate in rates}
        found[rates] = Charge(net + sum(taxes.values()), taxes)
    return found


def taken_of(charge: Charge, data: st.DataObject, back: bool) -> Charge:
    """What a refund of items names of a charge: its tax is rounded in whichever way. Now and then
    it is below zero, where goods were cheaper because of others that go."""
    gross = data.draw(st.integers(-(charge.gross // 9) if back else 0, charge.gross))
    share = gross / charge.gross if charge.gross else 0
    slip = data.draw(st.integers(-1, 1)) if 0 < gross < charge.gross else 0
    taxes = {rate: max(0, round(tax * share) + slip) for rate, tax in charge.taxes.items()}
    return Charge(gross, taxes if gross > 0 else {r: round(t * share) for r, t in taxes.items()})


def whole(charges: Charges) -> int:
    return sum(charge.gross for charge in charges.values())


def minus(left: Charges, taken: Charges, sign: int = -1) -> Charges:
    found = dict(left)
    for rates, charge in taken.items():
        add(found, rates, charge, sign)
    return found


def check(invoice: Charges, left: Charges) -> None:
    """All credit notes together are no more than the invoice, in sum, by rate and in each tax."""
    assert whole(left) >= 0
    for charge in left.values():
        assert charge.gross >= 0
        assert charge.tax <= charge.gross
        assert min(charge.taxes.values(), default=0) >= 0
    most = {(r["label"], r["rate"]): (r["net"], r["tax"]) for r in credit_split.rows(invoice)}
    for row in credit_split.rows(minus(invoice, left)):
        net, tax = most[row["label"], row["rate"]]
        assert row["net"] <= net
        assert row["tax"] <= tax


@given(invoice=invoices(), data=st.data())
def test_credit_notes_never_come_to_more_than_the_invoice_by_rate(
    invoice: Charges, data: st.DataObject
) -> None:
    left, notes = invoice, []
    for _ in range(data.draw(st.integers(0, 6))):
        what = data.draw(st.sampled_from(["items", "amount", "both", "fails"]))
        if what == "fails" and notes:  # the bank sends a refund back: its credit note is reversed
            left = minus(left, notes.pop(data.draw(st.integers(0, len(notes) - 1))), 1)
            check(invoice, left)
            continue
        wanted = (
            {}
            if what == "amount"
            else {
                rates: taken_of(charge, data, back=what == "both") for rates, charge in left.items()
            }
        )
        named = max(0, min(whole(wanted), whole(left)))
        amount = named if what == "items" else data.draw(st.integers(0, whole(left)))
        taken = split(left, wanted, amount)
        assert whole(taken) == amount
        stored = credit_split.from_json(credit_split.to_json(taken))
        assert {r: c for r, c in taken.items() if c.gross or c.tax} == stored
        notes.append(stored)
        left = minus(left, stored)
        check(invoice, left)
    rest = split(left, {}, whole(left))
    assert all(
        charge == Charge(0, dict.fromkeys(charge.taxes, 0)) for charge in minus(left, rest).values()
    )


@given(invoice=invoices(), data=st.data())
def test_an_amount_is_split_in_proportion_to_the_minor_unit(
    invoice: Charges, data: st.DataObject
) -> None:
    amount = data.draw(st.integers(0, whole(invoice)))
    for rates, piece in split(invoice, {}, amount).items():
        charge = invoice[rates]
        # Largest remainder: nobody is a whole unit away from what is exact.
        assert abs(piece.gross * whole(invoice) - amount * charge.gross) < max(1, whole(invoice))
        for rate, tax in piece.taxes.items():
            off = abs(tax * charge.gross - charge.taxes[rate] * piece.gross)
            assert off <= charge.gross * len(rates)


@pytest.mark.parametrize(
    ("wanted", "amount", "pieces"),
    [
        pytest.param({}, 1000, {(FULL,): 750, (LOW,): 250}, id="in proportion"),
        pytest.param({}, 3, {(FULL,): 2, (LOW,): 1}, id="yen"),
        pytest.param({(LOW,): 2000}, 2000, {(FULL,): 0, (LOW,): 2000}, id="items"),
        pytest.param({(LOW,): 2000}, 2400, {(FULL,): 393, (LOW,): 2007}, id="and goodwill"),
        pytest.param({(LOW,): 2000}, 1500, {(FULL,): 0, (LOW,): 1500}, id="items for less"),
        pytest.param({(LOW,): 3000}, 3000, {(FULL,): 881, (LOW,): 2119}, id="more than is left"),
        pytest.param(
            {(FULL,): 1190, (LOW,): -107}, 1083, {(FULL,): 1190, (LOW,): -107}, id="dearer"
        ),
    ],
)
def test_what_is_taken_off_which_rate(wanted, amount: int, pieces) -> None:
    invoice = {(FULL,): Charge(6357, {FULL: 1015}), (LOW,): Charge(2119, {LOW: 139})}
    named = {rates: Charge(gross, {rates[0]: 0}) for rates, gross in wanted.items()}
    taken = split(invoice, named, amount)
    assert {rates: charge.gross for rates, charge in taken.items()} == pieces


def test_more_than_is_left_is_refused() -> None:
    with pytest.raises(ValueError, match="can't be taken off"):
        split({(FULL,): Charge(119, {FULL: 19})}, {}, 120)


@pytest.mark.parametrize("included", [True, False])
@pytest.mark.parametrize(
    ("part", "gross", "taxes"),
    [
        pytest.param("LAMP", 595, {FULL: 95}, id="half of the lamps"),
        pytest.param("BOOK", 107, {LOW: 7}, id="the book"),
        pytest.param("", 1297, {FULL: 190, LOW: 7}, id="the bundle"),
    ],
)
def test_a_part_of_a_bundle_takes_off_its_own_rate(part, gross, taxes, included: bool) -> None:
    def step(stage: str, minor: int, **more: object) -> Adjustment:
        money = Money(minor, "EUR")
        return Adjustment(stage=stage, target="line:KIT", kind=stage, amount=money, **more)

    steps = [
        step("unit", 1297 if included else 1100, label="Kit"),
        step("tax", 190, label="MwSt.", rate=Decimal("0.19"), included=included, parts=("LAMP",)),
        step("tax", 7, label="MwSt.", rate=Decimal("0.07"), included=included, parts=("BOOK",)),
    ]
    components = {
        "LAMP": {"sku": "LAMP", "share": 1190, "tax": 190},
        "BOOK": {"sku": "BOOK", "share": 107, "tax": 7},
    }
    # Refunds know of the taxes that were added; those that prices contain are found here.
    tax = 0 if included else sum(taxes.values())
    found = credit_notes._part(steps, gross, tax, components.get(part))
    assert (found.taxes, found.added) == (taxes, tax)
    assert found.rates == (LOW, FULL), "as the bundle was charged"
