"""Credit notes of plain refunds: one for each, in its transaction, never more than the invoice."""

from __future__ import annotations

import contextlib
import io
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from sqlalchemy.exc import IntegrityError

from opticworks.carts import service as carts
from opticworks.checkout import credit_notes, return_refund, returns, staff, withdrawal
from opticworks.checkout import refund as refunding
from opticworks.checkout import settle as settling
from opticworks.checkout.place import place
from opticworks.checkout.quoting import ensure_rates
from opticworks.checkout.refund_plan import Portion, Wish
from opticworks.checkout.returns import Arrived, Asked
from opticworks.checkout.settle import Refused
from opticworks.checkout.withdrawal import Declared
from opticworks.contracts import Adjustment, Ctx, Draft
from opticworks.documents import service as documents
from opticworks.documents import sheet
from opticworks.documents.models import Document
from opticworks.jobs.testing import drain
from opticworks.money import Money
from opticworks.orders import service as orders
from opticworks.plugin import PluginInfo, hookimpl
from opticworks.shop import Shop
from opticworks.testing.contracts.common import at_once
from opticworks.testing.counter import Counter, open_counter
from opticworks.testing.fakes import FakeDiscounts
from opticworks.testing.ledger import wrong
from opticworks.testing.shops import Browser

RATES = {"full": Decimal("0.19"), "low": Decimal("0.07"), "none": Decimal(0)}


class Taxes:
    """Two rates by tax code, and the full one on shipping."""

    def __init__(self) -> None:
        self.included = True

    @hookimpl
    def plugin_info(self) -> PluginInfo:
        return PluginInfo(code="two_rates", title="Two rates", version="1.0", category="pricing")

    @hookimpl
    def taxes(self, draft: Draft, ctx: Ctx) -> Iterator[Adjustment]:
        for line in draft.lines:
            rate = RATES[line.item.tax_code or "full"]
            yield self._tax(f"line:{line.key}", line.subtotal + line.discount, rate)
        if draft.shipping is not None:
            yield self._tax("shipping", draft.shipping_total, RATES["full"])

    def _tax(self, target: str, base: Money, rate: Decimal) -> Adjustment:
        return Adjustment(
            stage="tax",
            target=target,
            kind="tax",
            label="VAT",
            amount=base.rate(rate / (1 + rate) if self.included else rate),
            rate=rate,
            included=self.included,
            source="two_rates",
        )


@pytest.fixture
def taxes() -> Taxes:
    return Taxes()


@pytest.fixture
def counter(make_shop: Callable[..., Shop], taxes: Taxes) -> Counter:
    extra = {"two_rates": taxes, "fake_discounts": FakeDiscounts({"TENTH": 10})}
    europe = {"returns": {"withdrawal_countries": '["US"]'}}
    counter = open_counter(make_shop, extra=extra, settings=europe)
    counter.card.first_state = "captured"
    counter.stock("LAMP", 900, "11.90", tax_code="full")
    counter.stock("BOOK", 900, "10.70", tax_code="low")
    return counter


def bought(counter: Counter, *lines: tuple[str, int], invoiced: bool = True) -> str:
    """A paid order, two lamps and a book if nothing else is said."""
    number = counter.buy(*(lines or (("LAMP", 2), ("BOOK", 1))), payment="fake_card").number
    if invoiced:
        drain(counter.shop)
    return number


def pay_back(counter: Counter, number: str, **wanted: Any) -> Any:
    wish = Wish(request=uuid.uuid4(), note="agreed", **wanted)
    (made,) = refunding.refund(counter.shop, number, wish, actor="clerk").refunds
    return made


def settled(counter: Counter, number: str, times: int = 2) -> None:
    """What webhooks about the order's payments do, each as often as it comes."""
    for found in settling.attempts_of(counter.shop, number):
        for _ in range(times):
            settling.settle(counter.shop, number, found.key)


def papers(counter: Counter, number: str) -> list[Document]:
    with counter.shop.unit() as db:
        return list(documents.of_order(db, number))


def numbers(counter: Counter, number: str) -> list[str]:
    return [f"{paper.kind} {paper.number}" for paper in papers(counter, number)]


def by_rate(paper: Document) -> dict[str, tuple[int, int]]:
    """Net and tax by rate."""
    return {row["rate"]: (row["net"], row["tax"]) for row in paper.facts["taxes"]}


def sums_up(paper: Document) -> None:
    """What is printed leads to the total."""
    facts = paper.facts
    assert facts["total"] == sum(row["amount"] for row in facts["sums"])
    goods = sum(row["amount"] for row in facts["sums"] if row["kind"] == "subtotal")
    assert goods == sum(line["total"] for line in facts["lines"])


def vendor_refund(counter: Counter) -> Any:
    (payment,) = counter.card.vendor.payments.values()
    return payment.refunds[-1]


def said(paper: Document, gettext: Callable[[str], str] = str) -> str:
    pages = PdfReader(io.BytesIO(sheet.pdf(paper, gettext))).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


@pytest.mark.parametrize("included", [True, False], ids=["gross", "net"])
def test_items_and_delivery_are_credited_with_their_frozen_rates(
    counter: Counter, taxes: Taxes, included: bool
) -> None:
    taxes.included = included
    number = bought(counter)
    RATES_NOW = dict(RATES)
    RATES.update(full=Decimal("0.5"))  # what is taxed from now on is another thing
    try:
        order = counter.order(number)
        shipping = order.shipping_total.minor
        lamp = Portion(unsent=1)
        made = pay_back(counter, number, portions={"LAMP": lamp}, shipping=shipping)
    finally:
        RATES.update(RATES_NOW)
    invoice, note = papers(counter, number)
    facts = note.facts
    assert (note.number, facts["refers_to"]) == ("CN-00001", invoice.number)
    assert facts["total"] == made.amount == order.lines[0].total.minor // 2 + shipping
    assert facts["tax_included"] is included
    (lamps,) = facts["lines"]
    assert (lamps["title"], lamps["quantity"], lamps["unit"]) == ("Item LAMP", 1, 1190)
    tax = 190 if included else 226
    whole = dict(by_rate(invoice))["0.19"]
    net, credited = by_rate(note)["0.19"]
    assert credited - tax == order.trace[-1].amount.minor, "delivery with its own tax"
    assert net + credited == made.amount
    assert (whole[0] - net, whole[1] - credited) == ((1000, 190) if included else (1190, 226))
    sums_up(note)
    assert wrong(counter.shop) == []


def test_an_amount_is_split_over_the_rates_and_goes_with_its_mail(counter: Counter) -> None:
    number = bought(counter)
    pay_back(counter, number, amount=500)
    invoice, note = papers(counter, number)
    parts = {rate: net + tax for rate, (net, tax) in by_rate(note).items()}
    total = counter.order(number).total.minor
    assert parts == {"0.19": 500 - round(500 * 1070 / total), "0.07": round(500 * 1070 / total)}
    (row,) = note.facts["lines"]
    assert (row["title"], row["quantity"], row["total"]) == ("Price reduction", 1, 500)
    sums_up(note)
    drain(counter.shop)
    mail = next(m for m in counter.mailer.outbox if m.tags["kind"] == "payment_refunded")
    (file,) = mail.attachments
    assert file.filename == "credit-note-CN-00001.pdf"
    assert "Credit note CN-00001 is attached." in mail.text
    shown = PdfReader(io.BytesIO(file.content)).pages[0].extract_text()
    said = ("Credit note", "CN-00001", "For invoice", invoice.number, "Price reduction", "$5.00")
    for words in said:
        assert words in shown
    (refund,) = counter.order(number).refunds
    assert refund.credit_note is not None
    assert refund.credit_note[0] == "CN-00001"
    page = Browser(counter.shop).get(counter.order(number).url.split("localhost")[1])
    links = [a["href"] for a in page.html.select("a[href*='/documents/']")]
    assert len(links) == 3, "invoice and credit note, which stands with its refund, too"
    assert refund.credit_note[1].endswith(links[0])


def test_it_is_issued_once_however_often_it_is_told(counter: Counter) -> None:
    number = bought(counter)
    (payment,) = counter.card.vendor.payments.values()
    counter.card.vendor.pay_back(payment.ref, 300)  # in the provider's dashboard
    at_once(lambda: settled(counter, number), 4)
    counter.card.vendor.fail_next("after")  # the answer is lost
    wish = Wish(request=uuid.uuid4(), amount=200, note="agreed")
    at_once(lambda: refunding.refund(counter.shop, number, wish, actor="clerk"), 4)
    settled(counter, number)
    drain(counter.shop)
    assert numbers(counter, number) == [
        *("invoice INV-00001", "credit_note CN-00001", "credit_note CN-00002")
    ]
    assert [paper.facts["total"] for paper in papers(counter, number)[1:]] == [300, 200]
    assert wrong(counter.shop) == []


@pytest.mark.parametrize("done", [False, True], ids=["while it is on its way", "after it was done"])
def test_a_refund_that_fails_later_has_its_credit_note_reversed(
    counter: Counter, done: bool
) -> None:
    number = bought(counter)
    vendor = counter.card.vendor
    vendor.refunds_begin = "done" if done else "pending"
    failed = pay_back(counter, number, portions={"BOOK": Portion(unsent=1)}, amount=1000)
    vendor.end_refund(vendor_refund(counter).ref, failed="No such account.")
    at_once(lambda: settled(counter, number), 3)
    invoice, note, reversal = papers(counter, number)
    assert (reversal.kind, reversal.number) == ("credit_reversal", "CN-00002")
    assert (reversal.facts["reverses"], reversal.facts["refers_to"]) == ("CN-00001", invoice.number)
    assert reversal.facts["total"] == -note.facts["total"] == -1000
    assert by_rate(reversal) == {r: (-net, -tax) for r, (net, tax) in by_rate(note).items()}
    for words in ("Reversal of a credit note", "Reverses", "CN-00001", "-$10.00"):
        assert words in said(reversal)
    assert counter.order(number).refunds[0].credit_note is None
    assert wrong(counter.shop) == []
    vendor.refunds_begin = "done"
    for _ in range(2):
        refunding.again(counter.shop, number, failed.key, actor="clerk")
    *_, again = papers(counter, number)
    assert (again.number, again.facts["total"], by_rate(again)) == ("CN-00003", 1000, by_rate(note))
    drain(counter.shop)
    assert wrong(counter.shop) == []


def test_an_order_without_an_invoice_has_none_until_it_gets_one(counter: Counter) -> None:
    """The job that writes the invoice may come after a refund; staff may write one much later."""
    number = bought(counter, invoiced=False)
    pay_back(counter, number, amount=300)
    assert papers(counter, number) == []
    drain(counter.shop)
    assert numbers(counter, number) == ["invoice INV-00001", "credit_note CN-00001"]
    changed = counter.shop.settings["documents"].model_copy(update={"invoices": False})
    counter.shop._settings._models["documents"] = changed
    plain = bought(counter)
    pay_back(counter, plain, amount=300)
    drain(counter.shop)
    assert papers(counter, plain) == []
    with counter.shop.unit() as db:
        ctx, view = counter.shop.ctx(db), counter.shop.order_view(db, plain)
        assert view is not None
        for _ in range(2):
            credit_notes.write_invoice(ctx, view)
    assert numbers(counter, plain) == ["invoice INV-00002", "credit_note CN-00002"]
    assert wrong(counter.shop) == []


def test_money_that_was_never_invoiced_is_not_credited(counter: Counter) -> None:
    cart = counter.cart(("LAMP", 2))
    counter.card.vendor.decline_next()
    with pytest.raises(Refused):
        place(counter.shop, counter.wish(cart, "fake_card"))
    number = place(counter.shop, counter.wish(cart, "fake_card")).number
    first, second = counter.card.vendor.payments.values()
    drain(counter.shop)
    first.state = "action"
    counter.card.vendor.pay(first.ref)  # an attempt that was refused was paid all the same
    settled(counter, number)
    # A lamp is paid back out of the money that was paid for it, not out of what came twice.
    lamp = pay_back(counter, number, portions={"LAMP": Portion(unsent=1)})
    drain(counter.shop)
    settled(counter, number)
    assert (first.refunded, second.refunded) == (first.captured, lamp.amount)
    assert numbers(counter, number) == ["invoice INV-00001", "credit_note CN-00001"]
    assert counter.order(number).payment_status == "part_refunded"
    assert wrong(counter.shop) == []


@pytest.mark.parametrize("who", ["staff", "customer"])
def test_a_canceled_order_is_credited_whole_and_once(counter: Counter, who: str) -> None:
    number = bought(counter)
    pay_back(counter, number, amount=77)
    if who == "staff":
        staff.cancel(counter.shop, number, actor="clerk", reason="customer")
    else:
        with counter.shop.unit() as db:
            order = orders.by_number(db, number)
            lines = {line.id: line.quantity for line in orders.lines_of(db, order.id)}
            declared = Declared(id=uuid.uuid4(), lines=lines)
            case = withdrawal.declare(counter.shop, db, number, declared)
        for _ in range(2):
            withdrawal.carry_out(counter.shop, str(case.id))
    drain(counter.shop)
    order = counter.order(number)
    assert (order.status, order.payment_status) == ("canceled", "refunded")
    invoice, first, second = papers(counter, number)
    credited = {
        rate: tuple(map(sum, zip(by_rate(first)[rate], by_rate(second)[rate], strict=True)))
        for rate in by_rate(invoice)
    }
    assert credited == by_rate(invoice)
    assert first.facts["total"] + second.facts["total"] == invoice.facts["total"]
    notes = [note for each in order.returns for note, _ in each.credit_notes]
    assert notes == ([] if who == "staff" else [second.number])
    assert wrong(counter.shop) == []


def test_the_database_refuses_to_credit_more_than_was_invoiced(counter: Counter) -> None:
    number = bought(counter)
    total = counter.order(number).total.minor

    def issue(kind: str, amount: int) -> None:
        with counter.shop.unit() as db:
            facts = {"total": amount}
            now = counter.shop.now()
            documents.issue(db, kind, number, "CN-", facts, now, about=str(uuid.uuid4()))

    for kind, amount in (("credit_note", total + 1), ("credit_reversal", -1)):
        with pytest.raises(IntegrityError, match="credits"):
            issue(kind, amount)
    issue("credit_note", total)
    with pytest.raises(IntegrityError, match="credits"):
        issue("credit_note", 1)
    pay_back(counter, number, amount=100)  # nothing is left to be credited: the money goes back
    assert [paper.number for paper in papers(counter, number)] == ["INV-00001", "CN-00001"]


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["items", "amount", "both", "dashboard", "fail", "withdraw", "return"]),
        st.sampled_from(["LAMP", "BOOK"]),
        st.integers(1, 3),
        st.integers(1, 1999),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize(
    ("currency", "included"), [("USD", True), ("JPY", True), ("KWD", False), ("USD", False)]
)
@settings(
    max_examples=4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(units=st.tuples(st.integers(1, 4), st.integers(1, 4)), code=st.booleans(), deeds=DEEDS)
def test_credit_notes_come_to_what_was_paid_back_and_no_rate_to_more_than_the_invoice(
    counter: Counter,
    taxes: Taxes,
    currency: str,
    included: bool,
    units: tuple[int, int],
    code: bool,
    deeds: list[tuple[str, str, int, int]],
) -> None:
    """Whatever is ordered and becomes of it, in currencies of two, no and three decimals."""
    taxes.included = included
    use(counter, currency)
    cart = counter.cart(("LAMP", units[0]), ("BOOK", units[1]))
    if code:
        with counter.shop.unit() as db:
            row = carts.get(db, cart)
            assert row is not None
            row.codes = ["TENTH"]
        ensure_rates(counter.shop, cart)
    number = place(counter.shop, counter.wish(cart, "fake_card")).number
    drain(counter.shop)
    for what, sku, count, minor in deeds:
        with contextlib.suppress(Refused):
            do(counter, number, what, sku, count, minor)
        agrees(counter, number)
    with contextlib.suppress(Refused):
        staff.return_money(counter.shop, number, actor="clerk")
    agrees(counter, number)
    order, (invoice, *notes) = counter.order(number), papers(counter, number)
    if order.payment_status == "refunded":
        assert credited(notes) == {rate: tuple(row) for rate, row in by_rate(invoice).items()}


def use(counter: Counter, currency: str) -> None:
    """Sell in that currency."""
    settings = counter.shop.settings["shop"].model_copy(update={"currency": currency})
    counter.shop._settings._models["shop"] = settings
    counter.goods.currency = currency
    for sku, minor, tax_code in (("LAMP", 1190, "full"), ("BOOK", 1073, "low")):
        counter.goods.put(sku, str(Money(minor, currency).to_decimal()), tax_code=tax_code)


def do(counter: Counter, number: str, what: str, sku: str, count: int, minor: int) -> None:
    """Something that may happen. Raises Refused where it can't."""
    shop = counter.shop
    (payment,) = (p for p in counter.card.vendor.payments.values() if p.order_number == number)
    if what in ("items", "both"):
        more = {"amount": minor} if what == "both" else {}
        pay_back(counter, number, portions={sku: Portion(unsent=count)}, **more)
    elif what == "amount":
        pay_back(counter, number, amount=minor)
    elif what == "dashboard" and payment.captured - payment.refunded >= minor:
        counter.card.vendor.pay_back(payment.ref, minor)
    elif what == "fail" and (live := [r for r in payment.refunds if r.state != "failed"]):
        counter.card.vendor.end_refund(live[count % len(live)].ref, failed="No such account.")
    elif what == "withdraw":
        with shop.unit() as db:
            declared = Declared(id=uuid.uuid4(), lines={line_of(db, number, sku): count})
            case = withdrawal.declare(shop, db, number, declared)
        withdrawal.carry_out(shop, str(case.id))
    elif what == "return":
        parcel = {"carrier": "UPS", "tracking_number": "1Z9", "actor": "clerk"}
        staff.fulfil(shop, number, lines={sku: 1}, **parcel)
        with shop.unit() as db:
            line = line_of(db, number, sku)
            asked = Asked(id=uuid.uuid4(), lines={line: (1, "unwanted")}, note="")
            back = returns.request(shop, db, number, asked).number
            returns.approve(db, back, actor="clerk")
            returns.receive(db, back, {line: Arrived(1, "new", True)}, actor="clerk")
        return_refund.pay(shop, back, return_refund.Terms(), actor="clerk")
    settled(counter, number, times=1)


def line_of(db: Any, number: str, sku: str) -> int:
    order = orders.by_number(db, number)
    return next(line.id for line in orders.lines_of(db, order.id) if line.sku == sku)


def credited(notes: list[Document]) -> dict[str, tuple[int, int]]:
    """Net and tax by rate that these take off their invoice."""
    found: dict[str, tuple[int, int]] = {}
    for note in notes:
        for rate, (net, tax) in by_rate(note).items():
            before = found.get(rate, (0, 0))
            found[rate] = (before[0] + net, before[1] + tax)
    return found


def agrees(counter: Counter, number: str) -> None:
    """What was paid back is credited, to the minor unit, and nothing more of any rate than the
    invoice has of it."""
    invoice, *notes = papers(counter, number)
    for note in notes:
        sums_up(note)
    order = counter.order(number)
    back = sum(r.amount.minor for r in order.refunds if r.status in ("pending", "done"))
    assert sum(note.facts["total"] for note in notes) == back
    for rate, (net, tax) in credited(notes).items():
        assert 0 <= net <= by_rate(invoice)[rate][0]
        assert 0 <= tax <= by_rate(invoice)[rate][1]
    assert wrong(counter.shop) == []
